// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "codec/json.hpp"
#include "services/gateway/state/write_behind.hpp"

namespace vcity::gateway {

// Records of past generations, for GET /v1/generation: the newest ones, as many as fit the bound, each for the key
// that asked for it. The scheduler keeps what money depends on; this is for people.
class GenerationLog {
  public:
    GenerationLog(WriteBehind* writes, std::size_t records_max) : writes_{writes}, records_max_{records_max} {}

    // Learns what is in the store, oldest first.
    Task<Result<void>> load(ports::Store* store);
    void put(const std::string& id, const Hash& owner, codec::Json record);
    // nullopt when unknown or another key's: the two look the same.
    Task<Result<std::optional<codec::Json>>> get(std::string id, Hash owner);

  private:
    void forget_oldest();

    WriteBehind* writes_;
    std::size_t records_max_;
    std::deque<std::string> store_keys_;
};

}  // namespace vcity::gateway
