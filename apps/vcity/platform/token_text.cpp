// SPDX-License-Identifier: Apache-2.0
#include "platform/token_text.hpp"

#include "codec/abi.hpp"
#include "codec/json.hpp"
#include "crypto/keccak.hpp"
#include "wiring/run.hpp"

namespace vcity::wiring {
namespace {

constexpr std::size_t kSelectorBytes = 4;
constexpr std::size_t kTextBytesMax = 64;
constexpr std::uint64_t kDecimalsMax = 36;

Result<codec::AbiValue> ask(RoleHost* host, const Address& token, std::string_view function, std::string_view type) {
    const Hash hash = crypto::keccak256_text(function);
    adapters::EvmCall call;
    call.to = token;
    call.data.assign(hash.bytes.begin(), hash.bytes.begin() + kSelectorBytes);
    TRY(const Bytes answer, run_task(host->runtime(), host->chain()->rpc()->call(std::move(call))));
    TRY(const std::vector<codec::AbiType> types, codec::parse_abi_types(type));
    TRY(const std::vector<codec::AbiValue> values, codec::abi_decode(types, answer));
    return values.front();
}

void read_text(RoleHost* host, const Address& token, std::string_view function, std::string* out) {
    const Result<codec::AbiValue> value = ask(host, token, function, "(string)");
    if (!value || value->bytes.empty() || value->bytes.size() > kTextBytesMax) return;
    if (codec::is_utf8(as_text(value->bytes))) *out = as_text(value->bytes);
}

}  // namespace

gateway::TokenText token_text(RoleHost* host, const Address& token, gateway::TokenText otherwise) {
    if (token.is_zero()) return otherwise;
    read_text(host, token, "symbol()", &otherwise.symbol);
    read_text(host, token, "name()", &otherwise.name);
    const Result<codec::AbiValue> decimals = ask(host, token, "decimals()", "(uint8)");
    const Result<std::uint64_t> number =
        decimals ? codec::abi_to_u64(*decimals) : Result<std::uint64_t>{decimals.error()};
    if (number && *number <= kDecimalsMax) otherwise.decimals = static_cast<std::uint8_t>(*number);
    return otherwise;
}

}  // namespace vcity::wiring
