// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "adapters/chain_evm/rpc.hpp"

namespace vcity::adapters {

// JSON-RPC values of the Ethereum execution API to types. kCorrupt, with the field's name, for anything else.
Result<std::uint64_t> parse_rpc_u64(const codec::Json& value);
Result<U128> parse_rpc_u128(const codec::Json& value);
Result<Hash> parse_rpc_hash(const codec::Json& value);
Result<Bytes> parse_rpc_bytes(const codec::Json& value, std::size_t max_bytes);
Result<EvmBlock> parse_rpc_block(const codec::Json& value);
Result<EvmReceipt> parse_rpc_receipt(const codec::Json& value);
Result<EvmLog> parse_rpc_log(const codec::Json& value);
// The error object of a response. Never fails: what cannot be read is left out.
RpcFailure parse_rpc_failure(const codec::Json& error);

codec::Json rpc_call_object(const EvmCall& call);

}  // namespace vcity::adapters
