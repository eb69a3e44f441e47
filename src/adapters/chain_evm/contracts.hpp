// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "codec/abi.hpp"
#include "model/chain.hpp"

namespace vcity::adapters {

// Calls of our contracts as call data, and what their views return as model values, over the bindings. Decoding is
// strict: kCorrupt when a value is out of its range.
Bytes encode_call(std::string_view signature, const std::vector<codec::AbiValue>& arguments);
// types: the argument list of what is returned, e.g. "(uint64)".
Result<std::vector<codec::AbiValue>> decode_result(std::string_view types, ByteView data);

// A left-aligned bytes32 of at most 31 bytes of text. kInvalid when it is longer or holds a zero byte.
Result<Hash> text_to_bytes32(std::string_view text);
// The text up to the first zero byte; bytes that are not printable ASCII become '?'.
std::string bytes32_to_text(const Hash& value);

Result<Usd> usd_of(const codec::AbiValue& value);

namespace calls {

Result<Bytes> register_node(const NodeRecord& node);
// Of any token.
Bytes approve(const Address& spender, U128 amount);
Bytes transfer(const Address& to, U128 amount);
Bytes deposit(const Address& client, Usd amount);
Bytes deposit_with_permit(const Address& client, Usd amount, std::uint64_t deadline, const Signature& permit);
Bytes open_cap(const SignedCap& cap);
Bytes release_cap(const CapId& cap_id);
Bytes request_withdraw(Usd amount);
Bytes withdraw();
Bytes post_batch(const BatchHeader& header, const std::vector<Charge>& charges);
Bytes claim(const Address& scheduler, std::uint64_t index, const Earning& earning, const std::vector<Hash>& proof);
Bytes mint(const Address& to, Usd amount);

Bytes node_of(const Address& identity);
Bytes is_active(const Address& identity, Role role);
Bytes stake_of(const Address& identity);
Bytes cap_state(const CapId& cap_id);
Bytes next_index(const Address& scheduler);
Bytes batch_of(const Address& scheduler, std::uint64_t index);
Bytes settlement_parameters();
Bytes network_fee();
Bytes claimed(const Address& scheduler, const Address& node);
Bytes available(const Address& client);
Bytes balance_of(const Address& account);
Bytes allowance(const Address& owner, const Address& spender);
Bytes permit_nonce(const Address& owner);
Bytes permit_domain();

}  // namespace calls

// nullopt: the identity never registered. `active` is not part of what the registry keeps and stays false.
Result<std::optional<NodeRecord>> decode_node(const Address& identity, ByteView data);
// What of the stake counts, without what is unbonding.
Result<Vcai> decode_stake(ByteView data);
Result<Vcai> decode_vcai(ByteView data);
// Basis points.
Result<std::uint32_t> decode_network_fee(ByteView data);
Result<CapState> decode_cap(ByteView data);

struct BatchRecord {
    PostedBatch batch;  // posted_at and is_final are the reader's to fill in
    std::uint64_t final_at = 0;
};
Result<std::optional<BatchRecord>> decode_batch(ByteView data);
// The challenge window in seconds.
Result<std::uint64_t> decode_challenge_window(ByteView data);

// name and version of an EIP-712 domain (ERC-5267).
struct DomainNames {
    std::string name;
    std::string version;
};
Result<DomainNames> decode_domain(ByteView data);

Result<std::uint64_t> decode_u64(ByteView data);
Result<bool> decode_bool(ByteView data);
Result<Usd> decode_usd(ByteView data);

}  // namespace vcity::adapters
