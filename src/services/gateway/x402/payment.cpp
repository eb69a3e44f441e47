// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/x402/payment.hpp"

#include <fmt/core.h>

#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "crypto/eip712.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::gateway::x402 {
namespace {

using codec::Json;

constexpr std::size_t kHeaderBytesMax = 12U << 10U;
constexpr codec::JsonLimits kLimits{.bytes_max = kHeaderBytesMax, .depth_max = 12, .values_max = 512};
constexpr std::uint64_t kSecondsLeftMin = 6;  // for the transaction to get into a block
constexpr std::uint64_t kSecondsLeftMax = 3600;
constexpr std::size_t kReasonBytesMax = 200;
constexpr std::string_view kAuthorizationType =
    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,"
    "bytes32 nonce)";

ApiError api_error(ErrorCode code, std::string message) {
    ApiError error;
    error.code = code;
    error.message = std::move(message);
    error.param = kSignatureHeader;
    return error;
}

ApiError malformed(std::string_view what) {
    return api_error(ErrorCode::kInvalidValue, fmt::format("'{}': {}", kSignatureHeader, what));
}

ApiError refused(std::string message) {
    return api_error(ErrorCode::kPaymentRefused, std::move(message));
}

std::string encode(const Json& json) {
    return codec::to_base64(as_bytes(codec::dump_json(json)));
}

std::string network_of(const Terms& terms) {
    return fmt::format("eip155:{}", terms.chain_id);
}

std::string text_at(const Json* object, std::string_view name) {
    const Json* member = object == nullptr ? nullptr : object->find(name);
    return member == nullptr || member->get_string() == nullptr ? std::string{} : *member->get_string();
}

struct Authorization {
    Address from;
    Address to;
    std::uint64_t value = 0;
    std::uint64_t valid_after = 0;
    std::uint64_t valid_before = 0;
    Hash nonce;
    Signature signature;
};

// Any case of the digits: a checksum is for people.
Result<Address> address_at(const Json* object, std::string_view name) {
    return codec::parse_fixed<Address>(text_at(object, name));
}

Result<Authorization> parse_authorization(const Json* payload) {
    const Json* terms = payload == nullptr ? nullptr : payload->find("authorization");
    Authorization result;
    TRY(result.from, address_at(terms, "from"));
    TRY(result.to, address_at(terms, "to"));
    TRY(result.value, codec::parse_decimal(text_at(terms, "value")));
    TRY(result.valid_after, codec::parse_decimal(text_at(terms, "validAfter")));
    TRY(result.valid_before, codec::parse_decimal(text_at(terms, "validBefore")));
    TRY(result.nonce, codec::parse_fixed<Hash>(text_at(terms, "nonce")));
    TRY(result.signature, codec::parse_fixed<Signature>(text_at(payload, "signature")));
    return result;
}

bool is_signed(const Authorization& terms, const Terms& ours) {
    const Hash content =
        crypto::hash_struct(kAuthorizationType, {crypto::word(terms.from), crypto::word(terms.to),
                                                 crypto::word(terms.value), crypto::word(terms.valid_after),
                                                 crypto::word(terms.valid_before), crypto::word(terms.nonce)});
    const crypto::Eip712Domain domain{.name = ours.token_name,
                                      .version = ours.token_version,
                                      .chain_id = ours.chain_id,
                                      .verifying_contract = ours.asset};
    const Result<Address> signer = crypto::recover(crypto::eip712_digest(domain, content), terms.signature);
    return signer && *signer == terms.from;
}

// What the payer says it accepted.
Refusal check_accepted(const Json& document, const Terms& ours) {
    const Json* accepted = document.find("accepted");
    if (accepted == nullptr) return malformed("it does not say what it accepts");
    if (text_at(accepted, "scheme") != "exact") return refused("the scheme here is 'exact'");
    if (text_at(accepted, "network") != network_of(ours)) return refused("the network here is " + network_of(ours));
    const Result<Address> asset = address_at(accepted, "asset");
    if (!asset || *asset != ours.asset) return refused("the asset here is " + crypto::to_checksum_address(ours.asset));
    return std::nullopt;
}

Refusal check_terms(const Authorization& given, const Terms& ours, std::uint64_t now) {
    if (given.to != ours.pay_to) return refused("it pays somebody else");
    if (given.value < ours.amount.micro) {
        return refused(fmt::format("it pays {} micro-dollars, the call costs {}", given.value, ours.amount.micro));
    }
    if (given.valid_after >= now) return refused("it is not valid yet");
    if (given.valid_before < now + kSecondsLeftMin) return refused("its time has passed, or is about to");
    if (given.valid_before > now + kSecondsLeftMax) return refused("it is valid for longer than an hour");
    if (!is_signed(given, ours)) return refused("it is not signed by its payer");
    return std::nullopt;
}

Result<FacilitatorAnswer> parse_answer(std::string_view body, const char* verdict, const char* reason) {
    TRY(const Json json, codec::parse_json(body, {.bytes_max = 64U << 10U, .depth_max = 32, .values_max = 4096}));
    const Json* good = json.find(verdict);
    if (good == nullptr || good->get_bool() == nullptr) {
        return make_error(Errc::kInvalid, fmt::format("the facilitator's answer has no member '{}'", verdict));
    }
    FacilitatorAnswer answer{.ok = *good->get_bool(),
                             .reason = text_at(&json, reason).substr(0, kReasonBytesMax),
                             .transaction = text_at(&json, "transaction")};
    return answer;
}

}  // namespace

Json requirements_json(const Terms& terms) {
    return codec::JsonObject{
        {"scheme", "exact"},
        {"network", network_of(terms)},
        {"amount", std::to_string(terms.amount.micro)},
        {"asset", crypto::to_checksum_address(terms.asset)},
        {"payTo", crypto::to_checksum_address(terms.pay_to)},
        {"maxTimeoutSeconds", static_cast<std::uint64_t>(terms.timeout_seconds)},
        {"extra", codec::JsonObject{{"name", terms.token_name}, {"version", terms.token_version}}}};
}

std::string required_header(const Terms& terms, std::string_view resource_url, std::string_view reason) {
    codec::JsonArray accepts;
    accepts.push_back(requirements_json(terms));
    return encode(codec::JsonObject{{"x402Version", 2},
                                    {"error", reason},
                                    {"resource", codec::JsonObject{{"url", resource_url},
                                                                   {"description", "one call of a model"},
                                                                   {"mimeType", "application/json"}}},
                                    {"accepts", std::move(accepts)}});
}

ApiResult<Payment> read_payment(std::string_view header, const Terms& terms, std::uint64_t now_unix_seconds) {
    if (header.size() > kHeaderBytesMax) return malformed("it is too long");
    const Result<Bytes> bytes = codec::parse_base64(header, codec::Base64Alphabet::kStandard, kHeaderBytesMax);
    if (!bytes) return malformed("it is not base64");
    Result<Json> document = codec::parse_json(as_text(*bytes), kLimits);
    if (!document) return malformed(document.error().message);
    std::uint64_t version = 0;
    const Json* version_member = document->find("x402Version");
    if (version_member == nullptr || !version_member->get_u64(&version) || version != 2) {
        return malformed("x402Version must be 2");
    }
    if (Refusal refusal = check_accepted(*document, terms)) return *std::move(refusal);
    const Result<Authorization> given = parse_authorization(document->find("payload"));
    if (!given) return malformed("payload.authorization: " + given.error().message);
    if (Refusal refusal = check_terms(*given, terms, now_unix_seconds)) return *std::move(refusal);
    return Payment{.payer = given->from,
                   .nonce = given->nonce,
                   .amount = Usd{given->value},
                   .valid_before_unix_seconds = given->valid_before,
                   .payload = *std::move(document)};
}

std::string facilitator_body(const Payment& payment, const Terms& terms) {
    // "exact" is what was signed: a payer may have signed for a price that has fallen since.
    Terms signed_terms = terms;
    signed_terms.amount = payment.amount;
    return codec::dump_json(codec::JsonObject{{"x402Version", 2},
                                              {"paymentPayload", payment.payload},
                                              {"paymentRequirements", requirements_json(signed_terms)}});
}

Result<FacilitatorAnswer> parse_verify_answer(std::string_view body) {
    return parse_answer(body, "isValid", "invalidReason");
}

Result<FacilitatorAnswer> parse_settle_answer(std::string_view body) {
    return parse_answer(body, "success", "errorReason");
}

std::string response_header(const FacilitatorAnswer& settled, const Payment& payment, const Terms& terms) {
    return encode(codec::JsonObject{{"success", settled.ok},
                                    {"transaction", settled.transaction},
                                    {"network", network_of(terms)},
                                    {"payer", crypto::to_checksum_address(payment.payer)},
                                    {"amount", std::to_string(payment.amount.micro)}});
}

}  // namespace vcity::gateway::x402
