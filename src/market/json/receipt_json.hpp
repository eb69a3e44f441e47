// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "codec/json.hpp"
#include "model/receipt.hpp"

namespace vcity::market {

// The receipt part of a job as the gateway prints it (docs/api/generation.md), read back strictly. kInvalid names the
// member that is missing or malformed.
Result<SignedReceipt> parse_receipt_json(const codec::Json& receipt);
Result<Hash> parse_hash_member(const codec::Json& object, const char* name);

struct BatchPlace {
    std::uint64_t index = 0;
    std::vector<Hash> proof;
};
// nullopt while the job is in no batch.
Result<std::optional<BatchPlace>> parse_batch_json(const codec::Json& job);

}  // namespace vcity::market
