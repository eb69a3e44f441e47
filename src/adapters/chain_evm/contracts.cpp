// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/contracts.hpp"

#include <optional>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "contracts/dev_stable.hpp"
#include "contracts/escrow.hpp"
#include "contracts/network_fee.hpp"
#include "contracts/node_registry.hpp"
#include "contracts/settlement.hpp"
#include "contracts/vcai_token.hpp"
#include "crypto/keccak.hpp"

namespace vcity::adapters {
namespace {

using codec::AbiValue;

constexpr std::size_t kSelectorBytes = 4;
constexpr std::size_t kTextBytesMax = 31;

template <class T>
Result<T> as_corrupt(Result<T> result, const char* what) {
    if (result) return result;
    return make_error(Errc::kCorrupt, std::string{"contract: "} + what + ": " + result.error().message);
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

namespace escrow = contracts::escrow;
namespace registry = contracts::node_registry;
namespace settlement = contracts::settlement;
namespace token = contracts::dev_stable;

Result<Bytes> register_node(const NodeRecord& node) {
    if (node.role == Role::kGateway) return make_error(Errc::kInvalid, "a gateway is not registered on chain");
    registry::Registration registration;
    registration.role = static_cast<std::uint8_t>(node.role);
    registration.kind = static_cast<std::uint8_t>(node.kind);
    TRY(registration.gpu_model, text_to_bytes32(node.hardware.gpu_model));
    registration.gpu_count = node.hardware.gpu_count;
    registration.vram_mib = node.hardware.vram_mib;
    TRY(registration.region, text_to_bytes32(node.hardware.region));
    registration.did_document_uri = node.did_document_uri;
    registration.stake = node.stake.wei;
    return registry::encode_register(registration);
}

Bytes approve(const Address& spender, U128 amount) {
    return token::encode_approve(spender, amount);
}

Bytes transfer(const Address& to, U128 amount) {
    return token::encode_transfer(to, amount);
}

Bytes deposit(const Address& client, Usd amount) {
    return escrow::encode_deposit(client, amount.micro);
}

Bytes deposit_with_permit(const Address& client, Usd amount, std::uint64_t deadline, const Signature& permit) {
    const ByteView signature = permit.bytes;
    return escrow::encode_deposit_with_permit(client, amount.micro, deadline, signature[64],
                                              Hash::make(signature.first(32)), Hash::make(signature.subspan(32, 32)));
}

Bytes open_cap(const SignedCap& cap) {
    escrow::SpendingCap value;
    value.client = cap.cap.client;
    value.scheduler = cap.cap.scheduler;
    value.limit = cap.cap.limit.micro;
    value.expiry = cap.cap.expiry_unix_seconds;
    value.nonce = cap.cap.nonce;
    return escrow::encode_open_cap(value, Bytes(cap.signature.bytes.begin(), cap.signature.bytes.end()));
}

Bytes release_cap(const CapId& cap_id) {
    return escrow::encode_release_cap(cap_id.as<Hash>());
}

Bytes request_withdraw(Usd amount) {
    return escrow::encode_request_withdraw(amount.micro);
}

Bytes withdraw() {
    return escrow::encode_withdraw();
}

Bytes post_batch(const BatchHeader& header, const std::vector<Charge>& charges) {
    std::vector<settlement::Charge> items;
    for (const Charge& charge : charges) {
        items.push_back({.cap_id = charge.cap_id.as<Hash>(), .amount = charge.amount.micro});
    }
    settlement::Batch batch;
    batch.index = header.index;
    batch.receipts_root = header.receipts_root;
    batch.earnings_root = header.earnings_root;
    batch.receipt_count = header.receipt_count;
    batch.total_earned = header.total_earned.micro;
    batch.units_consumed = header.units_consumed;
    batch.units_available = header.units_available;
    return settlement::encode_post_batch(batch, items);
}

Bytes claim(const Address& scheduler, std::uint64_t index, const Earning& earning, const std::vector<Hash>& proof) {
    return settlement::encode_claim(scheduler, index, earning.node, earning.cumulative.micro, proof);
}

Bytes mint(const Address& to, Usd amount) {
    return token::encode_mint(to, amount.micro);
}

Bytes node_of(const Address& identity) {
    return registry::encode_node_of(identity);
}

Bytes is_active(const Address& identity, Role role) {
    return registry::encode_is_active(identity, static_cast<std::uint8_t>(role));
}

Bytes stake_of(const Address& identity) {
    return registry::encode_stake_of(identity);
}

Bytes cap_state(const CapId& cap_id) {
    return escrow::encode_caps(cap_id.as<Hash>());
}

Bytes next_index(const Address& scheduler) {
    return settlement::encode_next_index(scheduler);
}

Bytes batch_of(const Address& scheduler, std::uint64_t index) {
    return settlement::encode_batch_of(scheduler, index);
}

Bytes settlement_parameters() {
    return settlement::encode_parameters();
}

Bytes network_fee() {
    return contracts::network_fee::encode_fee_bps();
}

Bytes claimed(const Address& scheduler, const Address& node) {
    return settlement::encode_claimed(scheduler, node);
}

Bytes available(const Address& client) {
    return escrow::encode_available(client);
}

Bytes balance_of(const Address& account) {
    return token::encode_balance_of(account);
}

Bytes allowance(const Address& owner, const Address& spender) {
    return token::encode_allowance(owner, spender);
}

Bytes permit_nonce(const Address& owner) {
    return token::encode_nonces(owner);
}

Bytes permit_domain() {
    return token::encode_eip712_domain();
}

}  // namespace calls

namespace {

Result<Usd> usd_of_number(U128 amount) {
    if (amount > UINT64_MAX) return make_error(Errc::kCorrupt, "contract: an amount beyond all money");
    return Usd{static_cast<std::uint64_t>(amount)};
}

}  // namespace

Result<std::optional<NodeRecord>> decode_node(const Address& identity, ByteView data) {
    TRY(const contracts::node_registry::Node found, contracts::node_registry::decode_node_of(data));
    if (found.registered_at == 0) return std::optional<NodeRecord>{};
    if (found.role > static_cast<std::uint8_t>(Role::kVerifier)) {
        return make_error(Errc::kCorrupt, "contract: role out of range");
    }
    if (found.kind > static_cast<std::uint8_t>(NodeKind::kFlexible)) {
        return make_error(Errc::kCorrupt, "contract: kind out of range");
    }
    NodeRecord node;
    node.identity = identity;
    node.role = static_cast<Role>(found.role);
    node.kind = static_cast<NodeKind>(found.kind);
    node.hardware.gpu_count = found.gpu_count;
    node.hardware.vram_mib = found.vram_mib;
    node.hardware.gpu_model = bytes32_to_text(found.gpu_model);
    node.hardware.region = bytes32_to_text(found.region);
    node.stake = Vcai{found.stake};
    return std::optional{std::move(node)};
}

Result<CapState> decode_cap(ByteView data) {
    TRY(const auto found, contracts::escrow::decode_caps(data));
    CapState cap;
    cap.client = found.client;
    cap.scheduler = found.scheduler;
    TRY(cap.limit, usd_of_number(found.limit));
    TRY(cap.spent, usd_of_number(found.spent));
    cap.expiry_unix_seconds = found.expiry;
    cap.open = found.expiry != 0 && !found.closed;
    return cap;
}

Result<std::optional<BatchRecord>> decode_batch(ByteView data) {
    TRY(const contracts::settlement::BatchRecord found, contracts::settlement::decode_batch_of(data));
    if (found.final_at == 0) return std::optional<BatchRecord>{};
    BatchRecord record;
    record.final_at = found.final_at;
    record.batch.receipts_root = found.receipts_root;
    record.batch.earnings_root = found.earnings_root;
    return std::optional{record};
}

Result<std::uint64_t> decode_challenge_window(ByteView data) {
    TRY(const contracts::settlement::Parameters found, contracts::settlement::decode_parameters(data));
    return std::uint64_t{found.challenge_window};
}

Result<Vcai> decode_stake(ByteView data) {
    TRY(const auto found, contracts::node_registry::decode_stake_of(data));
    return Vcai{found.active};
}

Result<Vcai> decode_vcai(ByteView data) {
    TRY(const Uint256 amount, contracts::vcai_token::decode_balance_of(data));
    const Result<U128> wei = to_u128(amount);
    if (!wei) return make_error(Errc::kCorrupt, "contract: more VCAI than there are");
    return Vcai{*wei};
}

Result<std::uint32_t> decode_network_fee(ByteView data) {
    TRY(const std::uint16_t bps, contracts::network_fee::decode_fee_bps(data));
    if (bps >= 10'000) return make_error(Errc::kCorrupt, "contract: a fee of everything");
    return std::uint32_t{bps};
}

Result<DomainNames> decode_domain(ByteView data) {
    TRY(const auto values, decode_result("(bytes1,string,string,uint256,address,bytes32,uint256[])", data));
    return DomainNames{.name = std::string{as_text(values[1].bytes)}, .version = std::string{as_text(values[2].bytes)}};
}

Result<std::uint64_t> decode_u64(ByteView data) {
    TRY(const auto values, decode_result("(uint256)", data));
    return as_corrupt(codec::abi_to_u64(values[0]), "number");
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
