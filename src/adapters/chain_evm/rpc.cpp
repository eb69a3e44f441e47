// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/rpc.hpp"

#include "adapters/chain_evm/revert.hpp"
#include "adapters/chain_evm/rpc_parse.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"

namespace vcity::adapters {
namespace {

using codec::Json;
using codec::JsonArray;

constexpr codec::JsonLimits kResponseLimits{.bytes_max = 32U << 20U, .depth_max = 32, .values_max = 1'000'000};
constexpr std::size_t kCallBytesMax = 1U << 20U;
constexpr std::size_t kCodeBytesMax = 1U << 16U;
constexpr std::size_t kLogsMax = 100'000;

Error corrupt(const std::string& method, const std::string& what) {
    return make_error(Errc::kCorrupt, "rpc " + method + ": " + what);
}

Error error_of(const std::string& method, const RpcFailure& failure) {
    if (!failure.data.empty() || failure.message.find("revert") != std::string::npos) {
        return make_error(Errc::kConflict, describe_revert(failure.data, failure.message));
    }
    return make_error(Errc::kUnavailable, "rpc " + method + ": " + failure.message);
}

Result<void> check_status(const std::string& method, unsigned status) {
    if (status == 200) return {};
    const std::string what = "rpc " + method + ": HTTP status " + std::to_string(status);
    if (status == 401 || status == 403) return make_error(Errc::kDenied, what);
    if (status == 429) return make_error(Errc::kExhausted, what);
    return make_error(Errc::kUnavailable, what);
}

std::string request_body(const std::string& method, JsonArray parameters, std::uint64_t id) {
    Json body;
    body.set("jsonrpc", "2.0");
    body.set("id", id);
    body.set("method", method);
    body.set("params", std::move(parameters));
    return codec::dump_json(body);
}

}  // namespace

Task<Result<EvmRpc::Outcome>> EvmRpc::ask(std::string method, JsonArray parameters) {
    const std::uint64_t id = ++requests_;
    ports::HttpRequest http_request;
    http_request.method = "POST";
    http_request.target = url_;
    http_request.headers.set("Content-Type", "application/json");
    http_request.body = request_body(method, std::move(parameters), id);
    const TimePoint deadline = runtime_->now() + call_max_;
    CO_TRY(const ports::HttpResponse response, co_await http_->send(std::move(http_request), deadline));
    CO_TRY_OK(check_status(method, response.status));
    const Result<Json> body = codec::parse_json(response.body, kResponseLimits);
    if (!body) co_return corrupt(method, body.error().message);
    const Json* answered_id = body->find("id");
    std::uint64_t answered = 0;
    if (answered_id == nullptr || !answered_id->get_u64(&answered) || answered != id) {
        co_return corrupt(method, "the answer is to another request");
    }
    const Json* error = body->find("error");
    if (error != nullptr && !error->is_null()) co_return Outcome{parse_rpc_failure(*error)};
    const Json* result = body->find("result");
    if (result == nullptr) co_return corrupt(method, "neither a result nor an error");
    co_return Outcome{*result};
}

Task<Result<Json>> EvmRpc::request(std::string method, JsonArray parameters) {
    CO_TRY(Outcome outcome, co_await ask(method, std::move(parameters)));
    if (const auto* failure = std::get_if<RpcFailure>(&outcome)) co_return error_of(method, *failure);
    co_return std::get<Json>(std::move(outcome));
}

Task<Result<std::uint64_t>> EvmRpc::chain_id() {
    CO_TRY(const Json result, co_await request("eth_chainId", JsonArray()));
    co_return parse_rpc_u64(result);
}

Task<Result<EvmBlock>> EvmRpc::latest_block() {
    JsonArray parameters{"latest", false};
    CO_TRY(const Json result, co_await request("eth_getBlockByNumber", std::move(parameters)));
    co_return parse_rpc_block(result);
}

Task<Result<std::optional<EvmBlock>>> EvmRpc::block(std::uint64_t number) {
    JsonArray parameters{codec::to_quantity(number), false};
    CO_TRY(const Json result, co_await request("eth_getBlockByNumber", std::move(parameters)));
    if (result.is_null()) co_return std::optional<EvmBlock>{};
    CO_TRY(const EvmBlock block, parse_rpc_block(result));
    if (block.head.number != number) co_return corrupt("eth_getBlockByNumber", "another block than asked for");
    co_return std::optional{block};
}

Task<Result<Bytes>> EvmRpc::call(EvmCall call, std::optional<std::uint64_t> block) {
    JsonArray parameters{rpc_call_object(call), block ? Json{codec::to_quantity(*block)} : Json{"latest"}};
    CO_TRY(const Json result, co_await request("eth_call", std::move(parameters)));
    co_return parse_rpc_bytes(result, kCallBytesMax);
}

Task<Result<bool>> EvmRpc::has_code(Address address) {
    JsonArray parameters{codec::to_hex(address), "latest"};
    CO_TRY(const Json result, co_await request("eth_getCode", std::move(parameters)));
    CO_TRY(const Bytes code, parse_rpc_bytes(result, kCodeBytesMax));
    co_return !code.empty();
}

Task<Result<U128>> EvmRpc::balance(Address address) {
    JsonArray parameters{codec::to_hex(address), "latest"};
    CO_TRY(const Json result, co_await request("eth_getBalance", std::move(parameters)));
    co_return parse_rpc_u128(result);
}

Task<Result<std::uint64_t>> EvmRpc::transaction_count(Address account, std::string tag) {
    JsonArray parameters{codec::to_hex(account), std::move(tag)};
    CO_TRY(const Json result, co_await request("eth_getTransactionCount", std::move(parameters)));
    co_return parse_rpc_u64(result);
}

Task<Result<std::uint64_t>> EvmRpc::estimate_gas(EvmCall call) {
    JsonArray parameters{rpc_call_object(call)};
    CO_TRY(const Json result, co_await request("eth_estimateGas", std::move(parameters)));
    co_return parse_rpc_u64(result);
}

Task<Result<U128>> EvmRpc::priority_fee() {
    CO_TRY(const Json result, co_await request("eth_maxPriorityFeePerGas", JsonArray()));
    co_return parse_rpc_u128(result);
}

Task<Result<std::variant<Hash, RpcFailure>>> EvmRpc::send_raw(Bytes transaction) {
    JsonArray parameters{codec::to_hex(transaction)};
    CO_TRY(Outcome outcome, co_await ask("eth_sendRawTransaction", std::move(parameters)));
    if (auto* failure = std::get_if<RpcFailure>(&outcome)) {
        co_return std::variant<Hash, RpcFailure>{std::move(*failure)};
    }
    CO_TRY(const Hash hash, parse_rpc_hash(std::get<Json>(outcome)));
    co_return std::variant<Hash, RpcFailure>{hash};
}

Task<Result<std::optional<EvmReceipt>>> EvmRpc::receipt(Hash transaction) {
    JsonArray parameters{codec::to_hex(transaction)};
    CO_TRY(const Json result, co_await request("eth_getTransactionReceipt", std::move(parameters)));
    if (result.is_null()) co_return std::optional<EvmReceipt>{};
    CO_TRY(const EvmReceipt receipt, parse_rpc_receipt(result));
    if (receipt.transaction != transaction) {
        co_return corrupt("eth_getTransactionReceipt", "the receipt of another transaction");
    }
    co_return std::optional{receipt};
}

Task<Result<std::vector<EvmLog>>> EvmRpc::logs(std::vector<Address> addresses, std::uint64_t from, std::uint64_t to) {
    JsonArray names;
    for (const Address& address : addresses) names.emplace_back(codec::to_hex(address));
    Json filter;
    filter.set("fromBlock", codec::to_quantity(from));
    filter.set("toBlock", codec::to_quantity(to));
    filter.set("address", std::move(names));
    JsonArray parameters{std::move(filter)};
    CO_TRY(const Json result, co_await request("eth_getLogs", std::move(parameters)));
    if (!result.is_array()) co_return corrupt("eth_getLogs", "expected an array");
    if (result.get_array()->size() > kLogsMax) co_return corrupt("eth_getLogs", "too many logs");
    std::vector<EvmLog> logs;
    for (const Json& item : *result.get_array()) {
        CO_TRY(EvmLog log, parse_rpc_log(item));
        logs.push_back(std::move(log));
    }
    co_return logs;
}

}  // namespace vcity::adapters
