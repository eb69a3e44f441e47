// SPDX-License-Identifier: Apache-2.0
#include "market/typed_hashes.hpp"

#include <fmt/format.h>

#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "codec/json.hpp"
#include "crypto/keccak.hpp"

namespace vcity::market {
namespace {

using crypto::word;

constexpr std::string_view kReceiptType =
    "UsageReceipt(bytes32 jobId,address client,address node,address scheduler,uint64 fencingToken,uint64 inputUnits,"
    "uint64 outputUnits,uint128 amount,uint128 quote,bytes32 modelRoot,bytes32 requestHash,bytes32 responseHash,"
    "bytes32 verificationRoot,uint64 startedAt,uint64 finishedAt)";
constexpr std::string_view kVerdictType =
    "Verdict(bytes32 receiptHash,address node,address verifier,uint8 outcome,bytes32 evidenceHash,uint64 checkedAt)";
constexpr std::string_view kCapType =
    "SpendingCap(address client,address scheduler,uint128 limit,uint64 expiry,uint256 nonce)";
constexpr std::string_view kLinkHelloType = "LinkHello(address peer,uint8 role,bytes32 challenge,uint64 issuedAt)";
constexpr std::string_view kSealType =
    "MonitorSeal(bytes32 jobId,bytes32 verificationRoot,bytes32 requestHash,bytes32 clientNonce,bytes32 modelRoot,"
    "uint64 epoch,uint64 sealedAt)";

crypto::Eip712Domain domain_of(const char* name, const Deployment& deployment, const Address& contract) {
    return {.name = name, .version = "1", .chain_id = deployment.chain_id, .verifying_contract = contract};
}

// keccak256(keccak256(words)): hashed twice, so that no inner node of a tree can pass for a leaf, though an earnings
// leaf encodes 64 bytes as a pair of nodes does.
Hash leaf_of(std::initializer_list<U256> words) {
    Bytes encoded;
    encoded.reserve(words.size() * U256::kSize);
    for (const U256& each : words) append(&encoded, each.view());
    return crypto::keccak256(crypto::keccak256(encoded).view());
}

std::string six_decimals(double value) {
    return fmt::format("{:.6f}", value);
}

}  // namespace

crypto::Eip712Domain settlement_domain(const Deployment& deployment) {
    return domain_of("Vcity Settlement", deployment, deployment.settlement);
}

crypto::Eip712Domain escrow_domain(const Deployment& deployment) {
    return domain_of("Vcity Escrow", deployment, deployment.escrow);
}

crypto::Eip712Domain link_domain(const Deployment& deployment) {
    return domain_of("Vcity Link", deployment, deployment.registry);
}

// No contract reads seals; that of Settlement binds them to the network.
crypto::Eip712Domain monitor_domain(const Deployment& deployment) {
    return domain_of("Vcity Monitor", deployment, deployment.settlement);
}

Hash receipt_hash(const UsageReceipt& receipt) {
    return crypto::hash_struct(
        kReceiptType,
        {receipt.job_id.as<U256>(), word(receipt.client), word(receipt.node), word(receipt.scheduler),
         word(receipt.fencing_token), word(receipt.units.input), word(receipt.units.output), word(receipt.amount.micro),
         word(receipt.quote.micro), word(receipt.model_root), word(receipt.request_hash), word(receipt.response_hash),
         word(receipt.verification_root), word(receipt.started_at.count()), word(receipt.finished_at.count())});
}

Hash verdict_hash(const Verdict& verdict) {
    return crypto::hash_struct(kVerdictType, {word(verdict.receipt_hash), word(verdict.node), word(verdict.verifier),
                                              word(static_cast<std::uint64_t>(verdict.outcome)),
                                              word(verdict.evidence_hash), word(verdict.checked_at.count())});
}

CapId cap_id(const SpendingCap& cap) {
    return crypto::hash_struct(kCapType, {word(cap.client), word(cap.scheduler), word(cap.limit.micro),
                                          word(cap.expiry_unix_seconds), word(cap.nonce)})
        .as<CapId>();
}

Hash receipt_digest(const Deployment& deployment, const UsageReceipt& receipt) {
    return crypto::eip712_digest(settlement_domain(deployment), receipt_hash(receipt));
}

Hash verdict_digest(const Deployment& deployment, const Verdict& verdict) {
    return crypto::eip712_digest(settlement_domain(deployment), verdict_hash(verdict));
}

Hash cap_digest(const Deployment& deployment, const SpendingCap& cap) {
    return crypto::eip712_digest(escrow_domain(deployment), cap_id(cap).as<Hash>());
}

Hash link_hello_digest(
    const Deployment& deployment, const Address& peer, Role role, const Hash& challenge, UnixMillis issued_at) {
    return crypto::eip712_digest(
        link_domain(deployment),
        crypto::hash_struct(kLinkHelloType, {word(peer), word(static_cast<std::uint64_t>(role)), word(challenge),
                                             word(issued_at.count())}));
}

Hash seal_hash(const MonitorSeal& seal) {
    return crypto::hash_struct(
        kSealType, {seal.job_id.as<U256>(), word(seal.verification_root), word(seal.request_hash),
                    word(seal.client_nonce), word(seal.model_root), word(seal.epoch), word(seal.sealed_at.count())});
}

Hash seal_digest(const Deployment& deployment, const MonitorSeal& seal) {
    return crypto::eip712_digest(monitor_domain(deployment), seal_hash(seal));
}

Hash receipt_leaf(const SignedReceipt& receipt) {
    return leaf_of({word(receipt_hash(receipt.receipt)), word(crypto::keccak256(receipt.node_signature.view())),
                    word(crypto::keccak256(receipt.scheduler_signature.view()))});
}

Hash earnings_leaf(const Earning& earning) {
    return leaf_of({word(earning.node), word(earning.cumulative.micro)});
}

JobId make_job_id(const Address& client, const Address& scheduler, const Hash& nonce) {
    return crypto::keccak256({word(client).view(), word(scheduler).view(), nonce.view()}).as<JobId>();
}

Hash request_hash(const ModelRequest& request) {
    codec::JsonArray messages;
    for (const ChatMessage& message : request.messages) {
        messages.push_back(codec::Json{}.set("role", message.role).set("content", message.content));
    }
    codec::Json sampling;
    sampling.set("temperature", six_decimals(request.sampling.temperature))
        .set("top_p", six_decimals(request.sampling.top_p))
        .set("seed", request.sampling.seed);
    codec::Json json;
    json.set("model", request.model)
        .set("messages", std::move(messages))
        .set("prompt", request.prompt)
        .set("output_tokens_max", request.output_tokens_max)
        .set("sampling", std::move(sampling))
        .set("stop", codec::JsonArray(request.stop.begin(), request.stop.end()))
        .set("client_nonce", codec::to_hex(request.client_nonce))
        .set("verification", to_string(request.verification));
    // Only what is asked for, so that plain requests keep the hash they always had.
    if (!request.form.empty()) json.set("form", request.form);
    if (request.logprobs > 0) json.set("logprobs", request.logprobs);
    if (request.answer != AnswerKind::kText) json.set("answer", to_string(request.answer));
    return crypto::keccak256_text(codec::dump_json_canonical(json));
}

Hash response_hash(std::string_view text) {
    return crypto::keccak256_text(text);
}

std::string make_did(std::uint64_t chain_id, const Address& identity) {
    return fmt::format("did:ethr:{}:{}", codec::to_quantity(chain_id), codec::to_hex(identity));
}

}  // namespace vcity::market
