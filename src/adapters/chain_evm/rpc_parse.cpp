// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/rpc_parse.hpp"

#include "codec/hex.hpp"
#include "codec/integer.hpp"

namespace vcity::adapters {
namespace {

using codec::Json;

constexpr std::size_t kRevertBytesMax = 64U << 10U;
constexpr std::size_t kLogBytesMax = 64U << 10U;
constexpr std::size_t kTopicsMax = 4;
constexpr std::size_t kMessageBytesMax = 512;

Error corrupt(const std::string& what) {
    return make_error(Errc::kCorrupt, "rpc: " + what);
}

Result<const std::string*> text_of(const Json& value) {
    const std::string* text = value.get_string();
    if (text == nullptr) return corrupt("expected a string");
    return text;
}

Result<const Json*> member(const Json& value, std::string_view name) {
    const Json* found = value.find(name);
    if (found == nullptr || found->is_null()) return corrupt("no field " + std::string{name});
    return found;
}

template <class T, class Parse>
Result<T> field(const Json& value, std::string_view name, Parse parse) {
    TRY(const Json* found, member(value, name));
    Result<T> parsed = parse(*found);
    if (!parsed) return make_error(Errc::kCorrupt, parsed.error().message + " in " + std::string{name});
    return parsed;
}

Result<Address> parse_rpc_address(const Json& value) {
    TRY(const std::string* text, text_of(value));
    Result<Address> address = codec::parse_fixed<Address>(*text);
    if (!address) return corrupt("malformed address");
    return address;
}

}  // namespace

Result<std::uint64_t> parse_rpc_u64(const Json& value) {
    TRY(const std::string* text, text_of(value));
    Result<std::uint64_t> number = codec::parse_quantity(*text);
    if (!number) return corrupt("malformed quantity");
    return number;
}

Result<U128> parse_rpc_u128(const Json& value) {
    TRY(const std::string* text, text_of(value));
    const Result<U256> wide = codec::parse_quantity_u256(*text);
    if (!wide) return corrupt("malformed quantity");
    Result<U128> number = codec::to_u128(*wide);
    if (!number) return corrupt("quantity out of range");
    return number;
}

Result<Hash> parse_rpc_hash(const Json& value) {
    TRY(const std::string* text, text_of(value));
    Result<Hash> hash = codec::parse_fixed<Hash>(*text);
    if (!hash) return corrupt("malformed hash");
    return hash;
}

Result<Bytes> parse_rpc_bytes(const Json& value, std::size_t max_bytes) {
    TRY(const std::string* text, text_of(value));
    Result<Bytes> bytes = codec::parse_hex(*text, max_bytes);
    if (!bytes) return corrupt("malformed bytes");
    return bytes;
}

Result<EvmBlock> parse_rpc_block(const Json& value) {
    EvmBlock block;
    TRY(block.head.number, field<std::uint64_t>(value, "number", parse_rpc_u64));
    TRY(block.head.hash, field<Hash>(value, "hash", parse_rpc_hash));
    TRY(block.head.timestamp, field<std::uint64_t>(value, "timestamp", parse_rpc_u64));
    const Json* base_fee = value.find("baseFeePerGas");
    if (base_fee != nullptr && !base_fee->is_null()) {
        TRY(block.base_fee_per_gas, parse_rpc_u128(*base_fee));
    }
    return block;
}

Result<EvmReceipt> parse_rpc_receipt(const Json& value) {
    EvmReceipt receipt;
    TRY(receipt.transaction, field<Hash>(value, "transactionHash", parse_rpc_hash));
    TRY(receipt.block_hash, field<Hash>(value, "blockHash", parse_rpc_hash));
    TRY(receipt.block_number, field<std::uint64_t>(value, "blockNumber", parse_rpc_u64));
    TRY(receipt.gas_used, field<std::uint64_t>(value, "gasUsed", parse_rpc_u64));
    TRY(const std::uint64_t status, field<std::uint64_t>(value, "status", parse_rpc_u64));
    if (status > 1) return corrupt("status of a receipt is neither 0 nor 1");
    receipt.succeeded = status == 1;
    const Json* created = value.find("contractAddress");
    if (created != nullptr && !created->is_null()) {
        TRY(receipt.created, parse_rpc_address(*created));
    }
    return receipt;
}

Result<EvmLog> parse_rpc_log(const Json& value) {
    EvmLog log;
    const Json* removed = value.find("removed");
    if (removed != nullptr && removed->get_bool() != nullptr && *removed->get_bool()) {
        return make_error(Errc::kUnavailable, "rpc: the chain is being reorganised");
    }
    TRY(log.address, field<Address>(value, "address", parse_rpc_address));
    TRY(log.block_number, field<std::uint64_t>(value, "blockNumber", parse_rpc_u64));
    TRY(log.block_hash, field<Hash>(value, "blockHash", parse_rpc_hash));
    TRY(log.transaction, field<Hash>(value, "transactionHash", parse_rpc_hash));
    TRY(const std::uint64_t index, field<std::uint64_t>(value, "logIndex", parse_rpc_u64));
    if (index > UINT32_MAX) return corrupt("log index out of range");
    log.log_index = static_cast<std::uint32_t>(index);
    TRY(log.data, field<Bytes>(value, "data", [](const Json& data) { return parse_rpc_bytes(data, kLogBytesMax); }));
    TRY(const Json* topics, member(value, "topics"));
    if (!topics->is_array() || topics->get_array()->size() > kTopicsMax) return corrupt("malformed topics");
    for (const Json& topic : *topics->get_array()) {
        TRY(const Hash hash, parse_rpc_hash(topic));
        log.topics.push_back(hash);
    }
    return log;
}

RpcFailure parse_rpc_failure(const Json& error) {
    RpcFailure failure;
    const Json* message = error.find("message");
    if (message != nullptr && message->get_string() != nullptr) {
        failure.message = message->get_string()->substr(0, kMessageBytesMax);
    }
    const Json* data = error.find("data");
    // Some servers wrap the bytes once more.
    if (data != nullptr && data->is_object()) data = data->find("data");
    if (data == nullptr || data->get_string() == nullptr) return failure;
    Result<Bytes> bytes = codec::parse_hex(*data->get_string(), kRevertBytesMax);
    if (bytes) failure.data = *std::move(bytes);
    return failure;
}

Json rpc_call_object(const EvmCall& call) {
    Json object;
    if (call.from) object.set("from", codec::to_hex(*call.from));
    if (call.to) object.set("to", codec::to_hex(*call.to));
    object.set("data", codec::to_hex(call.data));
    if (call.value != 0) {
        const std::string digits = codec::to_hex(codec::to_u256_wide(call.value));
        object.set("value", "0x" + digits.substr(std::min(digits.find_first_not_of('0', 2), digits.size())));
    }
    return object;
}

}  // namespace vcity::adapters
