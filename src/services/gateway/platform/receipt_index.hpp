// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "services/gateway/state/write_behind.hpp"

namespace vcity::gateway {

// Which job a receipt's hash belongs to, for those who hold the receipt and ask for its proof. The newest ones, as many
// as fit the bound; the scheduler keeps the receipts themselves.
class ReceiptIndex {
  public:
    ReceiptIndex(WriteBehind* writes, std::size_t receipts_max) : writes_{writes}, receipts_max_{receipts_max} {}

    Task<Result<void>> load(ports::Store* store);
    void put(const Hash& receipt, const JobId& job);
    // nullopt: no receipt of this gateway, or an old one.
    Task<Result<std::optional<JobId>>> find(Hash receipt);

  private:
    void forget_oldest();

    WriteBehind* writes_;
    std::size_t receipts_max_;
    std::deque<std::string> keys_;  // of the store; those from before a start are in no order of time
};

}  // namespace vcity::gateway
