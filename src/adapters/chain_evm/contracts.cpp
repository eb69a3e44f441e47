// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/contracts.hpp"

#include <optional>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "crypto/keccak.hpp"

namespace vcity::adapters {
namespace {

using codec::abi_address;
using codec::abi_array;
using codec::abi_bytes;
using codec::abi_hash;
using codec::abi_tuple;
using codec::abi_uint;
using codec::AbiValue;

constexpr std::size_t kSelectorBytes = 4;
constexpr std::size_t kTextBytesMax = 31;

AbiValue abi_usd(Usd amount) {
    return abi_uint(amount.micro);
}

template <class T>
Result<T> as_corrupt(Result<T> result, const char* what) {
    if (result) return result;
    return make_error(Errc::kCorrupt, std::string{"contract: "} + what + ": " + result.error().message);
}

Result<std::uint64_t> small(const AbiValue& value, std::uint64_t max, const char* what) {
    TRY(const std::uint64_t number, as_corrupt(codec::abi_to_u64(value), what));
    if (number > max) return make_error(Errc::kCorrupt, std::string{"contract: "} + what + " out of range");
    return number;
}

}  // namespace

Bytes encode_call(std::string_view signature, const std::vector<AbiValue>& arguments) {
    const Hash selector = crypto::keccak256_text(signature);
    Bytes data(selector.bytes.begin(), selector.bytes.begin() + kSelectorBytes);
    append(&data, codec::abi_encode(arguments));
    return data;
}

Result<std::vector<AbiValue>> decode_result(std::string_view types, ByteView data) {
    const auto parsed = codec::parse_abi_types(types);
    CHECK(parsed.has_value());
    if (data.empty()) return make_error(Errc::kCorrupt, "contract: no answer; is there a contract at this address?");
    return as_corrupt(codec::abi_decode(*parsed, data), "malformed answer");
}

Result<Hash> text_to_bytes32(std::string_view text) {
    if (text.size() > kTextBytesMax || text.find('\0') != std::string_view::npos) {
        return make_error(Errc::kInvalid, "at most 31 bytes without a zero byte: " + std::string{text.substr(0, 64)});
    }
    Hash value;
    std::copy(text.begin(), text.end(), value.bytes.begin());
    return value;
}

std::string bytes32_to_text(const Hash& value) {
    std::string text;
    for (const std::uint8_t byte : value.bytes) {
        if (byte == 0) break;
        text.push_back(byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '?');
    }
    return text;
}

Result<Usd> usd_of(const AbiValue& value) {
    TRY(const std::uint64_t micro, as_corrupt(codec::abi_to_u64(value), "amount"));
    return Usd{micro};
}

namespace calls {

Result<Bytes> register_node(const NodeRecord& node) {
    if (node.role == Role::kGateway) return make_error(Errc::kInvalid, "a gateway is not registered on chain");
    TRY(const Hash gpu_model, text_to_bytes32(node.hardware.gpu_model));
    TRY(const Hash region, text_to_bytes32(node.hardware.region));
    AbiValue registration =
        abi_tuple({abi_uint(static_cast<std::uint64_t>(node.role)), abi_uint(static_cast<std::uint64_t>(node.kind)),
                   abi_hash(gpu_model), abi_uint(node.hardware.gpu_count), abi_uint(node.hardware.vram_mib),
                   abi_hash(region), abi_hash(Hash{}), codec::abi_string(node.did_document_uri), abi_usd(node.stake)});
    return encode_call("register((uint8,uint8,bytes32,uint16,uint32,bytes32,bytes32,string,uint128))",
                       {std::move(registration)});
}

Bytes approve(const Address& spender, Usd amount) {
    return encode_call("approve(address,uint256)", {abi_address(spender), abi_usd(amount)});
}

Bytes deposit(const Address& client, Usd amount) {
    return encode_call("deposit(address,uint128)", {abi_address(client), abi_usd(amount)});
}

Bytes deposit_with_permit(const Address& client, Usd amount, std::uint64_t deadline, const Signature& permit) {
    const ByteView signature = permit.bytes;
    return encode_call("depositWithPermit(address,uint128,uint256,uint8,bytes32,bytes32)",
                       {abi_address(client), abi_usd(amount), abi_uint(deadline), abi_uint(signature[64]),
                        abi_hash(Hash::make(signature.first(32))), abi_hash(Hash::make(signature.subspan(32, 32)))});
}

Bytes open_cap(const SignedCap& cap) {
    AbiValue value = abi_tuple({abi_address(cap.cap.client), abi_address(cap.cap.scheduler), abi_usd(cap.cap.limit),
                                abi_uint(cap.cap.expiry_unix_seconds), abi_uint(cap.cap.nonce)});
    return encode_call("openCap((address,address,uint128,uint64,uint256),bytes)",
                       {std::move(value), abi_bytes(cap.signature.bytes)});
}

Bytes release_cap(const CapId& cap_id) {
    return encode_call("releaseCap(bytes32)", {abi_hash(cap_id.as<Hash>())});
}

Bytes request_withdraw(Usd amount) {
    return encode_call("requestWithdraw(uint128)", {abi_usd(amount)});
}

Bytes withdraw() {
    return encode_call("withdraw()", {});
}

Bytes post_batch(const BatchHeader& header, const std::vector<Charge>& charges) {
    std::vector<AbiValue> items;
    for (const Charge& charge : charges) {
        items.push_back(abi_tuple({abi_hash(charge.cap_id.as<Hash>()), abi_usd(charge.amount)}));
    }
    AbiValue batch = abi_tuple({abi_uint(header.index), abi_hash(header.receipts_root), abi_hash(header.earnings_root),
                                abi_uint(header.receipt_count), abi_usd(header.total_earned),
                                abi_uint(header.units_consumed), abi_uint(header.units_available)});
    return encode_call("postBatch((uint64,bytes32,bytes32,uint32,uint128,uint64,uint64),(bytes32,uint128)[])",
                       {std::move(batch), abi_array(std::move(items))});
}

Bytes claim(const Address& scheduler, std::uint64_t index, const Earning& earning, const std::vector<Hash>& proof) {
    std::vector<AbiValue> steps;
    for (const Hash& step : proof) steps.push_back(abi_hash(step));
    return encode_call("claim(address,uint64,address,uint128,bytes32[])",
                       {abi_address(scheduler), abi_uint(index), abi_address(earning.node), abi_usd(earning.cumulative),
                        abi_array(std::move(steps))});
}

Bytes mint(const Address& to, Usd amount) {
    return encode_call("mint(address,uint256)", {abi_address(to), abi_usd(amount)});
}

Bytes node_of(const Address& identity) {
    return encode_call("nodeOf(address)", {abi_address(identity)});
}

Bytes is_active(const Address& identity, Role role) {
    return encode_call("isActive(address,uint8)", {abi_address(identity), abi_uint(static_cast<std::uint64_t>(role))});
}

Bytes stake_of(const Address& identity) {
    return encode_call("stakeOf(address)", {abi_address(identity)});
}

Bytes cap_state(const CapId& cap_id) {
    return encode_call("caps(bytes32)", {abi_hash(cap_id.as<Hash>())});
}

Bytes next_index(const Address& scheduler) {
    return encode_call("nextIndex(address)", {abi_address(scheduler)});
}

Bytes batch_of(const Address& scheduler, std::uint64_t index) {
    return encode_call("batchOf(address,uint64)", {abi_address(scheduler), abi_uint(index)});
}

Bytes settlement_parameters() {
    return encode_call("parameters()", {});
}

Bytes claimed(const Address& scheduler, const Address& node) {
    return encode_call("claimed(address,address)", {abi_address(scheduler), abi_address(node)});
}

Bytes available(const Address& client) {
    return encode_call("available(address)", {abi_address(client)});
}

Bytes balance_of(const Address& account) {
    return encode_call("balanceOf(address)", {abi_address(account)});
}

Bytes allowance(const Address& owner, const Address& spender) {
    return encode_call("allowance(address,address)", {abi_address(owner), abi_address(spender)});
}

Bytes permit_nonce(const Address& owner) {
    return encode_call("nonces(address)", {abi_address(owner)});
}

Bytes permit_domain() {
    return encode_call("eip712Domain()", {});
}

}  // namespace calls

Result<std::optional<NodeRecord>> decode_node(const Address& identity, ByteView data) {
    TRY(const auto values,
        decode_result("((uint8,uint8,bool,uint16,uint32,uint64,uint64,uint128,uint128,bytes32,bytes32,bytes32,string))",
                      data));
    const std::vector<AbiValue>& fields = values[0].items;
    TRY(const std::uint64_t registered_at, small(fields[5], UINT64_MAX, "registration time"));
    if (registered_at == 0) return std::optional<NodeRecord>{};
    NodeRecord node;
    node.identity = identity;
    TRY(const std::uint64_t role, small(fields[0], static_cast<std::uint64_t>(Role::kVerifier), "role"));
    TRY(const std::uint64_t kind, small(fields[1], static_cast<std::uint64_t>(NodeKind::kFlexible), "kind"));
    node.role = static_cast<Role>(role);
    node.kind = static_cast<NodeKind>(kind);
    TRY(const std::uint64_t gpu_count, small(fields[3], UINT16_MAX, "GPU count"));
    TRY(const std::uint64_t vram_mib, small(fields[4], UINT32_MAX, "GPU memory"));
    node.hardware.gpu_count = static_cast<std::uint16_t>(gpu_count);
    node.hardware.vram_mib = static_cast<std::uint32_t>(vram_mib);
    TRY(node.stake, usd_of(fields[7]));
    node.hardware.gpu_model = bytes32_to_text(Hash{fields[9].word.bytes});
    node.hardware.region = bytes32_to_text(Hash{fields[10].word.bytes});
    node.did_document_uri = std::string{as_text(fields[12].bytes)};
    return std::optional{std::move(node)};
}

Result<CapState> decode_cap(ByteView data) {
    TRY(const auto values, decode_result("((address,address,uint128,uint128,uint64,bool))", data));
    const std::vector<AbiValue>& fields = values[0].items;
    CapState cap;
    TRY(cap.client, as_corrupt(codec::abi_to_address(fields[0]), "client"));
    TRY(cap.scheduler, as_corrupt(codec::abi_to_address(fields[1]), "scheduler"));
    TRY(cap.limit, usd_of(fields[2]));
    TRY(cap.spent, usd_of(fields[3]));
    TRY(cap.expiry_unix_seconds, small(fields[4], UINT64_MAX, "expiry"));
    TRY(const bool closed, as_corrupt(codec::abi_to_bool(fields[5]), "closed"));
    cap.open = cap.expiry_unix_seconds != 0 && !closed;
    return cap;
}

Result<std::optional<BatchRecord>> decode_batch(ByteView data) {
    TRY(const auto values, decode_result("((bytes32,bytes32,uint96,uint96,uint40,uint16))", data));
    const std::vector<AbiValue>& fields = values[0].items;
    BatchRecord record;
    TRY(record.final_at, small(fields[4], UINT64_MAX, "end of the challenge window"));
    if (record.final_at == 0) return std::optional<BatchRecord>{};
    record.batch.receipts_root = Hash{fields[0].word.bytes};
    record.batch.earnings_root = Hash{fields[1].word.bytes};
    return std::optional{record};
}

Result<std::uint64_t> decode_challenge_window(ByteView data) {
    TRY(const auto values, decode_result("((address,uint32,uint16,uint16,uint16,uint8,uint128))", data));
    return small(values[0].items[1], UINT32_MAX, "challenge window");
}

Result<DomainNames> decode_domain(ByteView data) {
    TRY(const auto values, decode_result("(bytes1,string,string,uint256,address,bytes32,uint256[])", data));
    return DomainNames{.name = std::string{as_text(values[1].bytes)}, .version = std::string{as_text(values[2].bytes)}};
}

Result<std::uint64_t> decode_u64(ByteView data) {
    TRY(const auto values, decode_result("(uint256)", data));
    return small(values[0], UINT64_MAX, "number");
}

Result<bool> decode_bool(ByteView data) {
    TRY(const auto values, decode_result("(bool)", data));
    return as_corrupt(codec::abi_to_bool(values[0]), "flag");
}

Result<Usd> decode_usd(ByteView data) {
    TRY(const auto values, decode_result("(uint256)", data));
    return usd_of(values[0]);
}

}  // namespace vcity::adapters
