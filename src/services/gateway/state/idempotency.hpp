// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>

#include "async/runtime.hpp"
#include "ports/http.hpp"
#include "ports/store.hpp"
#include "services/gateway/api/api_error.hpp"

namespace vcity::gateway {

// How a request with an Idempotency-Key ended.
struct NothingDelivered {};  // it may run again
struct JobEnded {};          // something was delivered, but no answer to repeat: it will not run again
using IdempotentOutcome = std::variant<NothingDelivered, JobEnded, ports::HttpResponse>;

// The Idempotency-Key header: for 24 hours the same key with the same body gives the first answer again instead of a
// second charge. A request is written down before it runs, so that a restart cannot forget it; at most records_max are
// kept, the oldest ended ones go first.
class IdempotencyBook {
  public:
    IdempotencyBook(Runtime* runtime, ports::Store* store, std::size_t records_max)
        : runtime_{runtime}, store_{store}, records_max_{records_max} {}

    // Requests that ran when the gateway stopped count as JobEnded.
    Task<Result<void>> load();

    struct Fresh {};
    using Decision = std::variant<Fresh, ports::HttpResponse, ApiError>;
    // name: digest of API key and header; fingerprint: digest of path and body. After Fresh, finish() must follow.
    Task<Decision> begin(Hash name, Hash fingerprint);
    Task<void> finish(Hash name, IdempotentOutcome outcome);

  private:
    enum class State : std::uint8_t { kRunning, kEnded, kAnswered };
    struct Record {
        Hash fingerprint;
        State state = State::kRunning;
        std::uint64_t expires_at_unix_seconds = 0;
    };

    std::uint64_t now_seconds() const;
    void drop_old();
    Result<void> adopt(const ports::StoreEntry& entry);
    Task<Decision> answer_again(Hash name);
    Task<Result<void>> persist(Hash name, Record record, std::string response);

    Runtime* runtime_;
    ports::Store* store_;
    std::size_t records_max_;
    std::unordered_map<Hash, Record> records_;
    std::deque<Hash> order_;  // oldest first; may name records that are gone
    std::vector<std::string> to_delete_;
};

}  // namespace vcity::gateway
