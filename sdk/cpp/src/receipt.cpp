// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/core.h>

#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "crypto/merkle.hpp"
#include "crypto/secp256k1.hpp"
#include "market/batch.hpp"
#include "market/json/receipt_json.hpp"
#include "market/typed_hashes.hpp"
#include "vcity/client.hpp"

namespace vcity::sdk {
namespace {

using codec::Json;

Failure bad_argument(std::string message) {
    return {.status = 0, .code = "invalid_argument", .message = std::move(message)};
}

// What a receipt stands in, and the receipt.
struct Papers {
    Json around;
    Json receipt;
};

Result<Papers> find_papers(std::string_view text) {
    TRY(Json json, codec::parse_json(text));
    if (const Json* data = json.find("data"); data != nullptr) json = Json{*data};
    const Json* inner = json.find("receipt");
    if (inner == nullptr) return Papers{json, json};
    if (!inner->is_object()) return make_error(Errc::kInvalid, "there is no receipt (yet)");
    return Papers{json, *inner};
}

Check signature_check(const char* name, const Hash& digest, const Signature& signature, const Address& expected) {
    const auto signer = crypto::recover(digest, signature);
    return {.name = name,
            .holds = signer && *signer == expected,
            .detail = signer ? crypto::to_checksum_address(*signer) : "no valid signature"};
}

Result<Check> batch_check(const Papers& papers, const SignedReceipt& receipt, std::string_view root_text) {
    TRY(const Hash root, codec::parse_fixed<Hash>(root_text));
    TRY(const auto place, market::parse_batch_json(papers.around));
    if (!place) return Check{.name = "in_batch", .holds = false, .detail = "in no batch yet"};
    const Hash found = crypto::merkle_root_of_proof(market::receipt_leaf(receipt), place->proof);
    return Check{.name = "in_batch", .holds = found == root, .detail = codec::to_hex(found)};
}

Result<std::vector<Check>> check_all(const ReceiptQuestion& question) {
    TRY(const Papers papers, find_papers(question.json));
    TRY(const SignedReceipt receipt, market::parse_receipt_json(papers.receipt));
    vcity::Deployment deployment;
    deployment.chain_id = question.deployment.chain_id;
    TRY(deployment.settlement, crypto::parse_address(question.deployment.settlement));

    const UsageReceipt& body = receipt.receipt;
    const Hash hash = market::receipt_hash(body);
    const Hash digest = market::receipt_digest(deployment, body);
    TRY(const Hash claimed, market::parse_hash_member(papers.receipt, "hash"));
    std::vector<Check> checks;
    checks.push_back({"hash", claimed == hash, codec::to_hex(hash)});
    checks.push_back({"within_quote", body.amount <= body.quote && body.started_at <= body.finished_at,
                      fmt::format("{} of {} micro-dollars", body.amount.micro, body.quote.micro)});
    checks.push_back(signature_check("node_signature", digest, receipt.node_signature, body.node));
    checks.push_back(signature_check("scheduler_signature", digest, receipt.scheduler_signature, body.scheduler));
    if (question.text) {
        const Hash text_hash = market::response_hash(*question.text);
        checks.push_back({"text", text_hash == body.response_hash, codec::to_hex(text_hash)});
    }
    if (question.batch_root) {
        TRY(Check check, batch_check(papers, receipt, *question.batch_root));
        checks.push_back(std::move(check));
    }
    return checks;
}

}  // namespace

Outcome<std::vector<Check>> check_receipt(const ReceiptQuestion& question) {
    auto checks = check_all(question);
    if (!checks) return bad_argument(checks.error().message);
    return *std::move(checks);
}

bool all_hold(const std::vector<Check>& checks) {
    return std::ranges::all_of(checks, [](const Check& check) { return check.holds; });
}

}  // namespace vcity::sdk
