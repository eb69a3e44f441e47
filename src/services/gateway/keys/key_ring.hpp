// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
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

// A budget of a key that is used up, or a soft one that was passed.
struct KeyEvent {
    Address account;
    std::string key;  // its id
    std::string name;
    bool is_soft = false;
    Usd limit;
    Usd spent;
    std::optional<std::uint64_t> resets_at;  // unix seconds
};

// The gateway's API keys: all in memory, every change durable before it is announced, but for the spending counters,
// which take_changed() hands to whoever writes them behind. A crash may forget the last of these; the spending cap,
// which the scheduler guards, is the limit that holds whatever happens.
class KeyRing {
  public:
    KeyRing(Runtime* runtime, ports::Store* store, SecretBytes pepper, const Deployment& deployment)
        : runtime_{runtime}, store_{store}, pepper_{std::move(pepper)}, deployment_{deployment} {}

    Task<Result<void>> load();

    // kDenied when the cap is not signed by its client, kInvalid when it is expired, kExhausted at 100,000 keys, or 200
    // of one account.
    Task<Result<NewKey>> create(KeyTerms terms);
    // kNotFound. Takes effect at once.
    Task<Result<void>> revoke(std::string id);
    // Other terms with the same cap, and the off switch. kNotFound. Takes effect once it is durable.
    Task<Result<KeyRecord>> change(std::string id, KeyTerms terms, bool enabled);
    // Oldest first, with what was spent as of now.
    std::vector<KeyRecord> list() const;
    // Of one account, without those revoked.
    std::vector<KeyRecord> of(const Address& account) const;
    // Quotes of what the keys of the account run now.
    Usd reserved_by(const Address& account) const;
    // nullopt: no key that is not revoked has this id in this account.
    std::optional<KeyRecord> find_id(const Address& account, std::string_view id) const;

    // Called within admit() and release(); once for each window of a budget.
    void set_on_event(std::function<void(const KeyEvent&)> on_event) { on_event_ = std::move(on_event); }
    // Whose a key is or was.
    std::optional<Address> account_of(const Hash& digest) const;

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
    // Whether tokens are left in this minute; limit 0: there is no limit. note_tokens() takes those that a request
    // used, which may be more than were left: the next ones wait longer then.
    RateDecision look_at_tokens(const Hash& digest);
    void note_tokens(const Hash& digest, std::uint64_t tokens);

    // Records whose counters moved since the last call.
    std::vector<KeyRecord> take_changed();

  private:
    struct Entry {
        KeyRecord record;
        Usd reserved;
        std::uint32_t running = 0;
        bool changed = false;
        std::uint64_t told_until = 0;  // of an exhausted budget
    };

    std::uint64_t now_seconds() const;
    void roll_period(KeyRecord* record) const;
    KeyRecord shown(const KeyRecord& record) const;
    void note_change(Entry* entry);
    void insert(const KeyRecord& record);
    // Of the budgets of the key, the one that refuses the quote and begins afresh last.
    Refusal check_budgets(const Entry& entry, Usd quote) const;
    void tell_exhausted(Entry* entry, const ApiError& refused);
    void tell_soft(const Entry& entry, Usd before) const;
    Task<Result<void>> persist(KeyRecord record);

    Runtime* runtime_;
    ports::Store* store_;
    SecretBytes pepper_;
    Deployment deployment_;
    std::unordered_map<Hash, Entry> entries_;
    std::unordered_map<std::string, Hash> ids_;
    std::unordered_map<Address, std::vector<Hash>> of_account_;
    std::vector<Hash> changed_;
    std::function<void(const KeyEvent&)> on_event_;
    RateLimiter rates_{100'000};
    RateLimiter tokens_{100'000};
};

}  // namespace vcity::gateway
