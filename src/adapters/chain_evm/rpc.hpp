// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "async/runtime.hpp"
#include "base/amount.hpp"
#include "codec/json.hpp"
#include "model/chain.hpp"
#include "ports/http.hpp"

namespace vcity::adapters {

// The server understood the request and says no.
struct RpcFailure {
    std::string message;
    Bytes data;  // revert data of a call, if any
};

struct EvmBlock {
    ChainHead head;
    std::optional<U128> base_fee_per_gas;
};

struct EvmReceipt {
    Hash transaction;
    Hash block_hash;
    std::uint64_t block_number = 0;
    bool succeeded = false;
    std::uint64_t gas_used = 0;
    std::optional<Address> created;
};

struct EvmLog {
    Address address;
    std::vector<Hash> topics;
    Bytes data;
    std::uint64_t block_number = 0;
    Hash block_hash;
    Hash transaction;
    std::uint32_t log_index = 0;
};

// A message call or a transaction before it has fees and a nonce.
struct EvmCall {
    std::optional<Address> from;
    std::optional<Address> to;  // nullopt: creates a contract
    Bytes data;
    U128 value = 0;
};

// JSON-RPC over HTTP to an Ethereum node, which is not trusted: every answer is bounded, parsed into types and checked
// for what we asked. kUnavailable and kTimeout: ask again later. kCorrupt: the answer is nonsense. kConflict: a call
// reverted. Any call but send_raw() may be repeated; so may that one, since a transaction has one nonce.
class EvmRpc {
  public:
    EvmRpc(Runtime* runtime, ports::HttpClient* http, std::string url, Duration call_max = std::chrono::seconds{10})
        : runtime_{runtime}, http_{http}, url_{std::move(url)}, call_max_{call_max} {}

    Task<Result<std::uint64_t>> chain_id();
    Task<Result<EvmBlock>> latest_block();
    // nullopt above the head.
    Task<Result<std::optional<EvmBlock>>> block(std::uint64_t number);
    // block: nullopt means the latest.
    Task<Result<Bytes>> call(EvmCall call, std::optional<std::uint64_t> block = std::nullopt);
    Task<Result<bool>> has_code(Address address);
    Task<Result<U128>> balance(Address address);
    // What the next transaction counts; tag: "latest" or "pending".
    Task<Result<std::uint64_t>> transaction_count(Address account, std::string tag);
    Task<Result<std::uint64_t>> estimate_gas(EvmCall call);
    Task<Result<U128>> priority_fee();
    // The caller reacts to the server's reason, so a refusal is a value here.
    Task<Result<std::variant<Hash, RpcFailure>>> send_raw(Bytes transaction);
    Task<Result<std::optional<EvmReceipt>>> receipt(Hash transaction);
    Task<Result<std::vector<EvmLog>>> logs(std::vector<Address> addresses, std::uint64_t from, std::uint64_t to);
    // A method without a type of its own, e.g. of a development chain.
    Task<Result<codec::Json>> request(std::string method, codec::JsonArray parameters);

    const std::string& url() const { return url_; }

  private:
    using Outcome = std::variant<codec::Json, RpcFailure>;
    Task<Result<Outcome>> ask(std::string method, codec::JsonArray parameters);

    Runtime* runtime_;
    ports::HttpClient* http_;
    std::string url_;
    Duration call_max_;
    std::uint64_t requests_ = 0;
};

}  // namespace vcity::adapters
