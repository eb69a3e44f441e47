// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/runtime.hpp"
#include "base/secret.hpp"
#include "model/chain.hpp"
#include "ports/store.hpp"
#include "services/gateway/api/api_error.hpp"
#include "services/gateway/keys/key_record.hpp"
#include "services/gateway/keys/limits.hpp"

namespace vcity::gateway {

struct NewKey {
    std::string key;  // shown once, kept nowhere
    KeyRecord record;
};

// The gateway's API keys: all in memory, every change durable before it is announced, but for the spending counters,
// which take_changed() hands to whoever writes them behind. A crash may forget the last of these; the spending cap,
// which the scheduler guards, is the limit that holds whatever happens.
class KeyRing {
  public:
    KeyRing(Runtime* runtime, ports::Store* store, SecretBytes pepper, const Deployment& deployment)
        : runtime_{runtime}, store_{store}, pepper_{std::move(pepper)}, deployment_{deployment} {}

    Task<Result<void>> load();

    // kDenied when the cap is not signed by its client, kInvalid when it is expired, kExhausted at 100,000 keys.
    Task<Result<NewKey>> create(KeyTerms terms);
    // kNotFound. Takes effect at once.
    Task<Result<void>> revoke(std::string id);
    std::vector<KeyRecord> list() const;

    // The record behind an Authorization header, or what to tell its sender.
    ApiResult<KeyRecord> authenticate(std::string_view authorization) const;

    // The record of a key that has ordered something before, as long as it is good.
    ApiResult<KeyRecord> find(const Hash& digest) const;

    // One request more: its quote set aside from the budget, a place among the parallel ones. The caller must release()
    // exactly once for every admit() that did not refuse.
    Refusal admit(const Hash& digest, Usd quote);
    void release(const Hash& digest, Usd quote, Usd charged);
    // What was released as charged at this time, and turned out not to be; nothing once a new budget period began.
    void give_back(const Hash& digest, Usd amount, std::uint64_t charged_at_unix_seconds);
    RateDecision take_rate(const Hash& digest);

    // Records whose counters moved since the last call.
    std::vector<KeyRecord> take_changed();

  private:
    struct Entry {
        KeyRecord record;
        Usd reserved;
        std::uint32_t running = 0;
        bool changed = false;
    };

    std::uint64_t now_seconds() const;
    void roll_period(KeyRecord* record) const;
    Task<Result<void>> persist(KeyRecord record);

    Runtime* runtime_;
    ports::Store* store_;
    SecretBytes pepper_;
    Deployment deployment_;
    std::unordered_map<Hash, Entry> entries_;
    std::vector<Hash> changed_;
    RateLimiter rates_{100'000};
};

}  // namespace vcity::gateway
