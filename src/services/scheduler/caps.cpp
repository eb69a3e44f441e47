// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/caps.hpp"

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "crypto/secp256k1.hpp"
#include "market/typed_hashes.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::chrono::seconds kOpenPatience{60};

Usd plus(Usd a, Usd b) {
    const Result<Usd> sum = add(a, b);
    CHECK(sum.has_value());
    return *sum;
}

Usd minus(Usd a, Usd b) {
    const Result<Usd> rest = subtract(a, b);
    CHECK(rest.has_value());
    return *rest;
}

}  // namespace

Result<CapId> CapLedger::verify(const SignedCap& cap, UnixMillis job_deadline) const {
    if (cap.cap.scheduler != context_->self()) return make_error(Errc::kDenied, "the cap is for another scheduler");
    const auto margin = std::chrono::duration_cast<std::chrono::seconds>(context_->options.cap_expiry_margin).count();
    constexpr std::uint64_t kMillisPerSecond = 1000;
    const std::uint64_t needed = job_deadline.count() / kMillisPerSecond + static_cast<std::uint64_t>(margin);
    if (cap.cap.expiry_unix_seconds < needed) return make_error(Errc::kDenied, "the cap expires too soon");
    const CapId cap_id = market::cap_id(cap.cap);
    const auto known = accounts_.find(cap_id);
    if (known != accounts_.end() && known->second.record.cap == cap) return cap_id;
    const Result<Address> signer =
        crypto::recover(market::cap_digest(context_->deps.deployment, cap.cap), cap.signature);
    if (!signer || *signer != cap.cap.client) return make_error(Errc::kDenied, "the cap is not signed by its client");
    return cap_id;
}

Task<Result<CapId>> CapLedger::admit(SignedCap cap, UnixMillis job_deadline) {
    CO_TRY(const CapId cap_id, verify(cap, job_deadline));
    Account& account = accounts_[cap_id];
    if (account.record.cap == SignedCap{}) account.record.cap = cap;
    CO_TRY_OK(co_await ensure_open(cap_id));
    co_return cap_id;
}

Task<Result<void>> CapLedger::ensure_open(CapId cap_id) {
    const TimePoint deadline = context_->now() + kOpenPatience;
    while (true) {
        Account& account = accounts_.at(cap_id);
        if (account.is_open) co_return Result<void>{};
        if (!account.is_opening) break;
        const bool notified = co_await opened_.wait_until(deadline);
        if (!notified) co_return make_error(Errc::kTimeout, "the cap is still being opened on chain");
    }
    accounts_.at(cap_id).is_opening = true;
    Result<void> done = co_await open(cap_id);
    Account& account = accounts_.at(cap_id);
    account.is_opening = false;
    account.is_open = done.has_value();
    opened_.notify();
    co_return done;
}

Task<Result<void>> CapLedger::open(CapId cap_id) {
    ports::ChainReader* chain = context_->deps.chain_reader;
    CO_TRY(CapState state, co_await chain->cap(cap_id));
    if (!state.open) {
        SignedCap copy = accounts_.at(cap_id).record.cap;
        Result<Hash> opened = co_await context_->deps.chain_writer->open_cap(std::move(copy));
        // Whatever it says, the chain knows best: our own transaction of before may have been first.
        CO_TRY(state, co_await chain->cap(cap_id));
        if (!state.open && !opened && opened.error().code == Errc::kConflict) {
            co_return make_error(Errc::kDenied, "the chain refuses the cap: " + opened.error().message);
        }
        if (!state.open && !opened) co_return std::move(opened).error();
        if (!state.open) co_return make_error(Errc::kTimeout, "the cap is not visible on chain yet");
    }
    const CapRecord& record = accounts_.at(cap_id).record;
    ports::StoreChange change;
    change.puts.push_back({cap_key(cap_id), encode(record)});
    context_->log.info("cap_open", {{"cap", codec::to_hex(cap_id)}, {"limit_micro", record.cap.cap.limit.micro}});
    co_return co_await context_->commit(std::move(change));
}

Task<Result<void>> CapLedger::reopen(CapId cap_id) {
    accounts_.at(cap_id).is_open = false;
    co_return co_await ensure_open(cap_id);
}

Result<void> CapLedger::reserve(const CapId& cap_id, Usd quote) {
    Account& account = accounts_.at(cap_id);
    TRY(const Usd wanted, add(committed(cap_id), quote));
    if (wanted > account.record.cap.cap.limit) {
        const Usd left = minus(account.record.cap.cap.limit, committed(cap_id));
        return make_error(Errc::kExhausted,
                          "the cap allows " + to_string(left) + " more, the job may cost " + to_string(quote));
    }
    account.reserved = plus(account.reserved, quote);
    return {};
}

void CapLedger::release(const CapId& cap_id, Usd quote) {
    Account& account = accounts_.at(cap_id);
    account.reserved = minus(account.reserved, quote);
}

void CapLedger::consume(const CapId& cap_id, Usd quote, Usd amount) {
    CHECK(amount <= quote);
    Account& account = accounts_.at(cap_id);
    account.reserved = minus(account.reserved, quote);
    account.delivered = plus(account.delivered, amount);
}

void CapLedger::forgive(const CapId& cap_id, Usd amount) {
    Account& account = accounts_.at(cap_id);
    account.delivered = minus(account.delivered, amount);
}

Bytes CapLedger::record_after_charge(const CapId& cap_id, Usd amount) const {
    CapRecord record = accounts_.at(cap_id).record;
    record.charged = plus(record.charged, amount);
    return encode(record);
}

void CapLedger::charge(const CapId& cap_id, Usd amount) {
    Account& account = accounts_.at(cap_id);
    account.record.charged = plus(account.record.charged, amount);
    account.delivered = minus(account.delivered, amount);
}

void CapLedger::restore(const CapRecord& record) {
    Account& account = accounts_[market::cap_id(record.cap.cap)];
    account.record = record;
    account.is_open = true;
}

void CapLedger::restore_reserved(const CapId& cap_id, Usd quote) {
    Account& account = accounts_.at(cap_id);
    account.reserved = plus(account.reserved, quote);
}

void CapLedger::restore_delivered(const CapId& cap_id, Usd amount) {
    Account& account = accounts_.at(cap_id);
    account.delivered = plus(account.delivered, amount);
}

Usd CapLedger::committed(const CapId& cap_id) const {
    const Account& account = accounts_.at(cap_id);
    return plus(plus(account.record.charged, account.delivered), account.reserved);
}

}  // namespace vcity::scheduler
