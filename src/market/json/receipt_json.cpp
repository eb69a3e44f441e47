// SPDX-License-Identifier: Apache-2.0
#include "market/json/receipt_json.hpp"

#include <fmt/core.h>

#include "codec/hex.hpp"

namespace vcity::market {
namespace {

using codec::Json;

constexpr std::size_t kProofHashesMax = 64;

Error bad_member(const char* name) {
    return make_error(Errc::kInvalid, fmt::format("the receipt's member {} is missing or malformed", name));
}

template <class Fixed>
Result<Fixed> fixed_member(const Json& object, const char* name) {
    const Json* value = object.find(name);
    if (value == nullptr || value->get_string() == nullptr) return bad_member(name);
    auto fixed = codec::parse_fixed<Fixed>(*value->get_string());
    if (!fixed) return bad_member(name);
    return *fixed;
}

Result<std::uint64_t> integer_member(const Json& object, const char* name) {
    std::uint64_t value = 0;
    const Json* member = object.find(name);
    if (member == nullptr || !member->get_u64(&value)) return bad_member(name);
    return value;
}

}  // namespace

Result<Hash> parse_hash_member(const Json& object, const char* name) {
    return fixed_member<Hash>(object, name);
}

Result<SignedReceipt> parse_receipt_json(const Json& receipt) {
    SignedReceipt result;
    UsageReceipt& body = result.receipt;
    TRY(body.job_id, fixed_member<JobId>(receipt, "job_id"));
    TRY(body.client, fixed_member<Address>(receipt, "client"));
    TRY(body.node, fixed_member<Address>(receipt, "node"));
    TRY(body.scheduler, fixed_member<Address>(receipt, "scheduler"));
    TRY(body.fencing_token, integer_member(receipt, "fencing_token"));
    TRY(body.units.input, integer_member(receipt, "input_units"));
    TRY(body.units.output, integer_member(receipt, "output_units"));
    TRY(body.amount.micro, integer_member(receipt, "amount"));
    TRY(body.quote.micro, integer_member(receipt, "quote"));
    TRY(body.model_root, fixed_member<Hash>(receipt, "model_root"));
    TRY(body.request_hash, fixed_member<Hash>(receipt, "request_hash"));
    TRY(body.response_hash, fixed_member<Hash>(receipt, "response_hash"));
    TRY(body.verification_root, fixed_member<Hash>(receipt, "verification_root"));
    TRY(const std::uint64_t started, integer_member(receipt, "started_at"));
    TRY(const std::uint64_t finished, integer_member(receipt, "finished_at"));
    body.started_at = UnixMillis{started};
    body.finished_at = UnixMillis{finished};
    TRY(result.node_signature, fixed_member<Signature>(receipt, "node_signature"));
    TRY(result.scheduler_signature, fixed_member<Signature>(receipt, "scheduler_signature"));
    return result;
}

Result<std::optional<BatchPlace>> parse_batch_json(const Json& job) {
    const Json* batch = job.find("batch");
    if (batch == nullptr || !batch->is_object()) return std::optional<BatchPlace>{};
    BatchPlace place;
    TRY(place.index, integer_member(*batch, "index"));
    const Json* proof = batch->find("proof");
    if (proof == nullptr || proof->get_array() == nullptr || proof->get_array()->size() > kProofHashesMax) {
        return bad_member("batch.proof");
    }
    for (const Json& hash : *proof->get_array()) {
        if (hash.get_string() == nullptr) return bad_member("batch.proof");
        TRY(const Hash parsed, codec::parse_fixed<Hash>(*hash.get_string()));
        place.proof.push_back(parsed);
    }
    return std::optional{std::move(place)};
}

}  // namespace vcity::market
