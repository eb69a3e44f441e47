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
            CO_TRY(KeyRecord record, parse_key_record(json));
            const Hash digest = record.digest;
            entries_[digest].record = std::move(record);
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
    KeyEntropy entropy{};
    runtime_->random_bytes(entropy);
    NewKey created;
    created.key = make_api_key(entropy);
    created.record.digest = api_key_digest(pepper_.reveal(), created.key);
    created.record.last4 = created.key.substr(created.key.size() - 4);
    created.record.terms = std::move(terms);
    created.record.created_at_unix_seconds = now_seconds();
    created.record.period_started_at_unix_seconds = now_seconds();
    CO_TRY_OK(co_await persist(created.record));
    entries_[created.record.digest].record = created.record;
    co_return created;
}

Task<Result<void>> KeyRing::revoke(std::string id) {
    const auto found =
        std::ranges::find_if(entries_, [&](const auto& entry) { return entry.second.record.id() == id; });
    if (found == entries_.end()) co_return make_error(Errc::kNotFound, "no key has the id " + id);
    found->second.record.revoked = true;
    CO_TRY_OK(co_await persist(found->second.record));
    co_return Result<void>{};
}

std::vector<KeyRecord> KeyRing::list() const {
    std::vector<KeyRecord> records;
    records.reserve(entries_.size());
    for (const auto& [digest, entry] : entries_) records.push_back(entry.record);
    std::ranges::sort(records, [](const KeyRecord& a, const KeyRecord& b) {
        return std::tie(a.created_at_unix_seconds, a.digest) < std::tie(b.created_at_unix_seconds, b.digest);
    });
    return records;
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
    const std::uint64_t period = record->terms.budget_period_seconds;
    if (period == 0 || now_seconds() < record->period_started_at_unix_seconds + period) return;
    const std::uint64_t passed = (now_seconds() - record->period_started_at_unix_seconds) / period;
    record->period_started_at_unix_seconds += passed * period;
    record->spent = Usd{};
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
    roll_period(&entry.record);
    const Result<Usd> taken = add(entry.record.spent, entry.reserved);
    const Result<Usd> total = taken ? add(*taken, quote) : taken;
    if (terms.budget && (!total || *total > *terms.budget)) {
        error.code = ErrorCode::kKeyBudgetExceeded;
        error.message = "the quote of $" + to_string(quote) + " does not fit this key's budget of $" +
                        to_string(*terms.budget) + ", of which $" + to_string(entry.record.spent) + " is spent";
        if (terms.budget_period_seconds != 0) {
            error.resets_at = entry.record.period_started_at_unix_seconds + terms.budget_period_seconds;
        }
        return error;
    }
    if (terms.budget) entry.reserved = Usd{entry.reserved.micro + quote.micro};
    ++entry.running;
    return std::nullopt;
}

void KeyRing::release(const Hash& digest, Usd quote, Usd charged) {
    const auto found = entries_.find(digest);
    CHECK(found != entries_.end());
    Entry& entry = found->second;
    CHECK(entry.running > 0);
    --entry.running;
    if (entry.record.terms.budget) {
        CHECK(entry.reserved >= quote);
        entry.reserved.micro -= quote.micro;
    }
    if (charged == Usd{}) return;
    roll_period(&entry.record);
    const Result<Usd> spent = add(entry.record.spent, charged);
    entry.record.spent = spent ? *spent : Usd{UINT64_MAX};
    if (!std::exchange(entry.changed, true)) changed_.push_back(digest);
}

void KeyRing::give_back(const Hash& digest, Usd amount, std::uint64_t charged_at_unix_seconds) {
    const auto found = entries_.find(digest);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    roll_period(&entry.record);
    if (entry.record.period_started_at_unix_seconds > charged_at_unix_seconds) return;
    entry.record.spent.micro -= std::min(entry.record.spent.micro, amount.micro);
    if (!std::exchange(entry.changed, true)) changed_.push_back(digest);
}

RateDecision KeyRing::take_rate(const Hash& digest) {
    const auto found = entries_.find(digest);
    CHECK(found != entries_.end());
    return rates_.take(codec::to_hex(digest), found->second.record.terms.requests_per_minute, runtime_->now());
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
