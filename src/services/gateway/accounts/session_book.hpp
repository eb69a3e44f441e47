// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "async/runtime.hpp"
#include "ports/store.hpp"
#include "services/gateway/api/api_error.hpp"

namespace vcity::gateway {

// "vs-vcity-" and what follows in an API key: 43 base62 digits of 256 random bits, 6 of their checksum.
inline constexpr std::string_view kSessionPrefix = "vs-vcity-";

// A wallet that signed in. The store has the digest of the token, never the token.
struct Session {
    Hash digest;  // HMAC-SHA256(pepper, token)
    Address account;
    std::uint64_t created_unix_seconds = 0;
    std::uint64_t expires_unix_seconds = 0;

    bool operator==(const Session&) const = default;
};

struct NewSession {
    std::string token;  // shown once, kept nowhere
    Session session;
};

// The sessions of all wallets, in memory and durable before they are announced.
class SessionBook {
  public:
    struct Options {
        std::uint64_t seconds = 12ULL * 3'600;
        std::size_t sessions_max = 100'000;
        std::size_t per_account_max = 16;  // one more: the oldest ends
    };

    // pepper: a secret of its own purpose, 32 bytes.
    SessionBook(Runtime* runtime, ports::Store* store, const Hash& pepper, Options options)
        : runtime_{runtime}, store_{store}, pepper_{pepper}, options_{options} {}

    // Sessions whose time has passed are forgotten.
    Task<Result<void>> load();
    // kExhausted: as many as there may be.
    Task<Result<NewSession>> open(Address account);
    Task<Result<void>> close(Hash digest);
    // token: without the scheme. kInvalidSession, kExpiredSession.
    ApiResult<Session> find(std::string_view token) const;

  private:
    std::uint64_t now_seconds() const;
    bool has_expired(const Session& session) const;
    void add(const Session& session);
    void remove(const Hash& digest, std::vector<std::string>* deletes);
    void make_room(const Address& account, std::vector<std::string>* deletes);

    Runtime* runtime_;
    ports::Store* store_;
    Hash pepper_;
    Options options_;
    std::unordered_map<Hash, Session> sessions_;
    std::unordered_map<Address, std::deque<Hash>> of_account_;  // oldest first
    std::deque<Hash> order_;                                    // oldest first; may name closed ones
};

}  // namespace vcity::gateway
