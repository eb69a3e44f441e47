// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/keys/key_ring.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "crypto/secp256k1.hpp"
#include "market/typed_hashes.hpp"
#include "services/gateway/keys/api_key.hpp"

namespace vcity::gateway {
namespace {

constexpr std::size_t kKeysMax = 100'000;
constexpr std::size_t kKeysOfAccountMax = 200;
constexpr std::uint64_t kUseInterval = 60;  // seconds; last_used_at is as exact as this
constexpr std::size_t kScanPage = 256;
constexpr std::string_view kStorePrefix = "gateway/key/";

ApiError wrong_key() {
    return {.code = ErrorCode::kInvalidApiKey,
            .message = "the API key is not valid",
            .param = {},
            .retry_after = {},
            .resets_at = {}};
}

}  // namespace

std::uint64_t KeyRing::now_seconds() const {
    return runtime_->unix_now().count() / 1000;
}

Task<Result<void>> KeyRing::load() {
    const std::string prefix{kStorePrefix};
    std::string after;
    while (true) {
        CO_TRY(const std::vector<ports::StoreEntry> page, co_await store_->scan(prefix, after, kScanPage));
        for (const ports::StoreEntry& entry : page) {
            CO_TRY(const codec::Json json, codec::parse_json(as_text(entry.value)));
            CO_TRY(const KeyRecord record, parse_key_record(json));
            insert(record);
        }
        if (page.size() < kScanPage) break;
        after = page.back().key;
    }
    co_return Result<void>{};
}

Task<Result<void>> KeyRing::persist(KeyRecord record) {
    const std::string text = codec::dump_json(to_json(record));
    ports::StoreChange change;
    change.puts.push_back({to_store_key(record.digest), Bytes(text.begin(), text.end())});
    co_return co_await store_->commit(std::move(change));
}

Task<Result<NewKey>> KeyRing::create(KeyTerms terms) {
    if (entries_.size() >= kKeysMax) co_return make_error(Errc::kExhausted, "there are 100000 keys already");
    if (terms.cap.cap.expiry_unix_seconds <= now_seconds()) {
        co_return make_error(Errc::kInvalid, "the spending cap has expired");
    }
    CO_TRY(const Address signer, crypto::recover(market::cap_digest(deployment_, terms.cap.cap), terms.cap.signature));
    if (signer != terms.cap.cap.client) {
        co_return make_error(Errc::kDenied, "the spending cap is not signed by its client for this chain and escrow");
    }
    if (of(terms.cap.cap.client).size() >= kKeysOfAccountMax) {
        co_return make_error(Errc::kExhausted, "this account has 200 keys already");
    }
    KeyEntropy entropy{};
    runtime_->random_bytes(entropy);
    NewKey created;
    created.key = make_api_key(entropy);
    created.record.digest = api_key_digest(pepper_.reveal(), created.key);
    created.record.last4 = created.key.substr(created.key.size() - 4);
    created.record.terms = std::move(terms);
    created.record.created_at_unix_seconds = now_seconds();
    created.record.period_started_at_unix_seconds = now_seconds();
    created.record.spending.as_of_unix_seconds = now_seconds();
    CO_TRY_OK(co_await persist(created.record));
    insert(created.record);
    co_return created;
}

void KeyRing::insert(const KeyRecord& record) {
    entries_[record.digest].record = record;
    ids_[record.id()] = record.digest;
    of_account_[record.account()].push_back(record.digest);
}

Task<Result<void>> KeyRing::revoke(std::string id) {
    const auto found = ids_.find(id);
    if (found == ids_.end()) co_return make_error(Errc::kNotFound, "no key has the id " + id);
    KeyRecord& record = entries_.at(found->second).record;
    record.revoked = true;
    // Written once more behind what may still wait to be written behind.
    note_change(&entries_.at(found->second));
    CO_TRY_OK(co_await persist(record));
    co_return Result<void>{};
}

Task<Result<KeyRecord>> KeyRing::change(std::string id, KeyTerms terms, bool enabled) {
    const auto found = ids_.find(id);
    if (found == ids_.end()) co_return make_error(Errc::kNotFound, "no key has the id " + id);
    const Hash digest = found->second;
    KeyRecord changed = shown(entries_.at(digest).record);
    changed.terms = std::move(terms);
    changed.enabled = enabled;
    CO_TRY_OK(co_await persist(changed));
    // What was spent in the meantime stays, and is written behind.
    Entry& entry = entries_.at(digest);
    entry.record.terms = changed.terms;
    entry.record.enabled = changed.enabled;
    note_change(&entry);
    co_return shown(entry.record);
}

KeyRecord KeyRing::shown(const KeyRecord& record) const {
    KeyRecord copy = record;
    roll_period(&copy);
    return copy;
}

std::vector<KeyRecord> KeyRing::list() const {
    std::vector<KeyRecord> records;
    records.reserve(entries_.size());
    for (const auto& [digest, entry] : entries_) records.push_back(shown(entry.record));
    std::ranges::sort(records, [](const KeyRecord& a, const KeyRecord& b) {
        return std::tie(a.created_at_unix_seconds, a.digest) < std::tie(b.created_at_unix_seconds, b.digest);
    });
    return records;
}

std::vector<KeyRecord> KeyRing::of(const Address& account) const {
    std::vector<KeyRecord> records;
    const auto theirs = of_account_.find(account);
    if (theirs == of_account_.end()) return records;
    for (const Hash& digest : theirs->second) {
        const KeyRecord& record = entries_.at(digest).record;
        if (!record.revoked) records.push_back(shown(record));
    }
    std::ranges::sort(records, [](const KeyRecord& a, const KeyRecord& b) {
        return std::tie(a.created_at_unix_seconds, a.digest) < std::tie(b.created_at_unix_seconds, b.digest);
    });
    return records;
}

Usd KeyRing::reserved_by(const Address& account) const {
    Usd sum;
    const auto theirs = of_account_.find(account);
    if (theirs == of_account_.end()) return sum;
    for (const Hash& digest : theirs->second) {
        const Result<Usd> more = add(sum, entries_.at(digest).reserved);
        sum = more ? *more : Usd{UINT64_MAX};
    }
    return sum;
}

std::optional<KeyRecord> KeyRing::find_id(const Address& account, std::string_view id) const {
    const auto found = ids_.find(std::string{id});
    if (found == ids_.end()) return std::nullopt;
    const KeyRecord& record = entries_.at(found->second).record;
    if (record.revoked || record.account() != account) return std::nullopt;
    return shown(record);
}

ApiResult<KeyRecord> KeyRing::authenticate(std::string_view authorization) const {
    if (authorization.empty()) {
        ApiError error = wrong_key();
        error.code = ErrorCode::kMissingApiKey;
        error.message = "no API key: send 'Authorization: Bearer sk-vcity-...'";
        return error;
    }
    constexpr std::string_view kScheme = "Bearer ";
    if (!authorization.starts_with(kScheme)) return wrong_key();
    const std::string_view key = authorization.substr(kScheme.size());
    if (!is_well_formed_api_key(key)) return wrong_key();
    // The look-up compares digests under a secret pepper, so its timing tells nothing about other keys.
    return find(api_key_digest(pepper_.reveal(), key));
}

ApiResult<KeyRecord> KeyRing::find(const Hash& digest) const {
    const auto found = entries_.find(digest);
    if (found == entries_.end() || found->second.record.revoked) return wrong_key();
    if (!found->second.record.enabled) {
        ApiError error = wrong_key();
        error.code = ErrorCode::kDisabledApiKey;
        error.message = "the API key is switched off";
        return error;
    }
    const std::uint64_t expires_at = found->second.record.terms.expires_at_unix_seconds;
    if (expires_at != 0 && expires_at <= now_seconds()) {
        ApiError error = wrong_key();
        error.code = ErrorCode::kExpiredApiKey;
        error.message = "the API key has expired";
        return error;
    }
    return found->second.record;
}

void KeyRing::roll_period(KeyRecord* record) const {
    record->spending.roll(now_seconds());
    const std::uint64_t period = record->terms.budget_period_seconds;
    if (period == 0 || now_seconds() < record->period_started_at_unix_seconds + period) return;
    const std::uint64_t passed = (now_seconds() - record->period_started_at_unix_seconds) / period;
    record->period_started_at_unix_seconds += passed * period;
    record->spent = Usd{};
}

void KeyRing::note_change(Entry* entry) {
    if (!std::exchange(entry->changed, true)) changed_.push_back(entry->record.digest);
}

Refusal KeyRing::check_budgets(const Entry& entry, Usd quote) const {
    const KeyTerms& terms = entry.record.terms;
    const auto fits = [&](Usd limit, Usd spent) {
        const Result<Usd> taken = add(spent, entry.reserved);
        const Result<Usd> total = taken ? add(*taken, quote) : taken;
        return total && *total <= limit;
    };
    Refusal refusal;
    const auto refuse = [&](Usd limit, Usd spent, std::string_view window, std::uint64_t resets_at) {
        // Of several, the one that lasts longest; 0: for ever.
        const std::uint64_t before = refusal ? refusal->resets_at.value_or(UINT64_MAX) : 0;
        if (refusal && before >= (resets_at == 0 ? UINT64_MAX : resets_at)) return;
        ApiError error;
        error.code = ErrorCode::kKeyBudgetExceeded;
        error.message = "the quote of $" + to_string(quote) + " does not fit this key's budget of $" +
                        to_string(limit) + std::string{window} + ", of which $" + to_string(spent) + " is spent";
        if (resets_at != 0) error.resets_at = resets_at;
        refusal = std::move(error);
    };
    for (const Budget& each : terms.budgets) {
        const Usd spent = entry.record.spending.in(each.window);
        if (fits(each.limit, spent)) continue;
        refuse(each.limit, spent, " in " + std::string{to_string(each.window)},
               window_end(each.window, entry.record.spending.as_of_unix_seconds));
    }
    if (!terms.budget || fits(*terms.budget, entry.record.spent)) return refusal;
    const std::uint64_t period = terms.budget_period_seconds;
    refuse(*terms.budget, entry.record.spent, "",
           period == 0 ? 0 : entry.record.period_started_at_unix_seconds + period);
    return refusal;
}

std::optional<Address> KeyRing::account_of(const Hash& digest) const {
    const auto found = entries_.find(digest);
    if (found == entries_.end()) return std::nullopt;
    return found->second.record.account();
}

void KeyRing::tell_exhausted(Entry* entry, const ApiError& refused) {
    if (!on_event_ || entry->told_until > now_seconds()) return;
    const KeyRecord& record = entry->record;
    // A budget that never begins again is told of once a day.
    entry->told_until = refused.resets_at.value_or(now_seconds() + 86'400);
    KeyEvent event;
    event.account = record.account();
    event.key = record.id();
    event.name = record.terms.name;
    event.limit = record.terms.budget.value_or(Usd{});
    event.spent = record.spent;
    for (const Budget& each : record.terms.budgets) {
        if (window_end(each.window, record.spending.as_of_unix_seconds) != refused.resets_at) continue;
        event.limit = each.limit;
        event.spent = record.spending.in(each.window);
    }
    event.resets_at = refused.resets_at;
    on_event_(event);
}

void KeyRing::tell_soft(const Entry& entry, Usd before) const {
    const KeyRecord& record = entry.record;
    const std::optional<Usd>& soft = record.terms.soft_budget;
    const Usd spent = record.spending.in(BudgetWindow::kMonth);
    if (!on_event_ || !soft || before > *soft || spent <= *soft) return;
    KeyEvent event;
    event.account = record.account();
    event.key = record.id();
    event.name = record.terms.name;
    event.is_soft = true;
    event.limit = *soft;
    event.spent = spent;
    event.resets_at = window_end(BudgetWindow::kMonth, record.spending.as_of_unix_seconds);
    on_event_(event);
}

Refusal KeyRing::admit(const Hash& digest, Usd quote) {
    const auto found = entries_.find(digest);
    if (found == entries_.end()) return wrong_key();
    Entry& entry = found->second;
    const KeyTerms& terms = entry.record.terms;
    ApiError error;
    if (entry.running >= terms.parallel_max) {
        error.code = ErrorCode::kParallelLimitExceeded;
        error.message = "this key may have " + std::to_string(terms.parallel_max) + " requests at the same time";
        error.retry_after = std::chrono::seconds{1};
        return error;
    }
    const Result<Usd> reserved = add(entry.reserved, quote);
    if (!reserved) {
        error.code = ErrorCode::kInsufficientBalance;
        error.message = "the quotes of what this key runs are beyond all bounds";
        return error;
    }
    roll_period(&entry.record);
    if (Refusal refused = check_budgets(entry, quote)) {
        tell_exhausted(&entry, *refused);
        return refused;
    }
    entry.reserved = *reserved;
    ++entry.running;
    return std::nullopt;
}

void KeyRing::release(const Hash& digest, Usd quote, Usd charged) {
    const auto found = entries_.find(digest);
    CHECK(found != entries_.end());
    Entry& entry = found->second;
    CHECK(entry.running > 0 && entry.reserved >= quote);
    --entry.running;
    entry.reserved.micro -= quote.micro;
    if (charged == Usd{}) return;
    roll_period(&entry.record);
    const Result<Usd> spent = add(entry.record.spent, charged);
    entry.record.spent = spent ? *spent : Usd{UINT64_MAX};
    const Usd before = entry.record.spending.in(BudgetWindow::kMonth);
    entry.record.spending.charge(charged);
    tell_soft(entry, before);
    note_change(&entry);
}

void KeyRing::give_back(const Hash& digest, Usd amount, std::uint64_t charged_at_unix_seconds) {
    const auto found = entries_.find(digest);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    roll_period(&entry.record);
    entry.record.spending.give_back(amount, charged_at_unix_seconds);
    note_change(&entry);
    if (entry.record.period_started_at_unix_seconds > charged_at_unix_seconds) return;
    entry.record.spent.micro -= std::min(entry.record.spent.micro, amount.micro);
}

RateDecision KeyRing::take_rate(const Hash& digest) {
    const auto found = entries_.find(digest);
    CHECK(found != entries_.end());
    KeyRecord& record = found->second.record;
    if (now_seconds() >= record.last_used_at_unix_seconds + kUseInterval) {
        record.last_used_at_unix_seconds = now_seconds();
        note_change(&found->second);
    }
    return rates_.take(codec::to_hex(digest), record.terms.requests_per_minute, runtime_->now());
}

RateDecision KeyRing::look_at_tokens(const Hash& digest) {
    const auto found = entries_.find(digest);
    const std::uint64_t limit = found == entries_.end() ? 0 : found->second.record.terms.tokens_per_minute;
    if (limit == 0) return {.allowed = true, .limit = 0, .remaining = 0, .retry_after = {}, .reset_after = {}};
    return tokens_.look(codec::to_hex(digest), limit, runtime_->now());
}

void KeyRing::note_tokens(const Hash& digest, std::uint64_t tokens) {
    const auto found = entries_.find(digest);
    if (found == entries_.end() || found->second.record.terms.tokens_per_minute == 0) return;
    tokens_.note(codec::to_hex(digest), found->second.record.terms.tokens_per_minute, tokens, runtime_->now());
}

std::vector<KeyRecord> KeyRing::take_changed() {
    std::vector<KeyRecord> changed;
    for (const Hash& digest : std::exchange(changed_, {})) {
        Entry& entry = entries_.at(digest);
        entry.changed = false;
        changed.push_back(entry.record);
    }
    return changed;
}

}  // namespace vcity::gateway
