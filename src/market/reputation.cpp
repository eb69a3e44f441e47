// SPDX-License-Identifier: Apache-2.0
#include "market/reputation.hpp"

#include <algorithm>
#include <array>

#include "base/check.hpp"
#include "base/uint256.hpp"

namespace vcity::market {
namespace {

constexpr int kFractionBits = 24;
constexpr std::uint64_t kOne = 1ULL << 32U;

// The largest r with r * r <= value.
constexpr std::uint64_t root(U128 value) {
    U128 low = 0;
    U128 high = U128{1} << 64U;
    while (high - low > 1) {
        const U128 middle = low + (high - low) / 2;
        (middle * middle <= value ? low : high) = middle;
    }
    return static_cast<std::uint64_t>(low);
}

// [i]: 2^(-2^-(i + 1)) times 2^32, each the root of the one before; the first of one half.
constexpr std::array<std::uint64_t, kFractionBits> half_powers() {
    std::array<std::uint64_t, kFractionBits> powers{};
    std::uint64_t before = kOne / 2;
    for (std::uint64_t& power : powers) {
        power = root(U128{before} << 32U);
        before = power;
    }
    return powers;
}

constexpr std::array<std::uint64_t, kFractionBits> kHalfPowers = half_powers();

std::uint64_t ratio(U128 part, U128 whole) {
    CHECK(whole > 0);
    return static_cast<std::uint64_t>(std::min(part * kPpm / whole, U128{kPpm}));
}

std::uint64_t product(std::uint64_t a, std::uint64_t b) {
    return a * b / kPpm;
}

// Sums over clients, each scaled down to the cap.
struct Deliveries {
    U128 good = 0;
    U128 all = 0;
    U128 speed = 0;
};

Deliveries sum_up(const ReputationRecord& record, const ReputationRules& rules) {
    Deliveries sum;
    for (const auto& [client, each] : record.clients) {
        const std::uint64_t all = each.good + each.bad;
        if (all == 0) continue;
        const std::uint64_t counted = std::min(all, rules.client_cap);
        sum.good += U128{each.good} * counted / all;
        sum.speed += U128{each.speed} * counted / all;
        sum.all += counted;
    }
    return sum;
}

// What a time leaves of every value.
struct Decay {
    Decay(Duration elapsed, Duration half_life) {
        CHECK(half_life.count() > 0);
        if (elapsed.count() <= 0) return;
        const auto time = static_cast<std::uint64_t>(elapsed.count());
        const auto life = static_cast<std::uint64_t>(half_life.count());
        halvings = time / life;
        const auto fraction = static_cast<std::uint64_t>((U128{time % life} << unsigned{kFractionBits}) / life);
        for (unsigned i = 0; i < kFractionBits; ++i) {
            const bool is_set = (fraction >> (kFractionBits - 1 - i) & 1U) != 0;
            if (is_set) factor = static_cast<std::uint64_t>(U128{factor} * kHalfPowers[i] >> 32U);
        }
    }
    std::uint64_t of(std::uint64_t value) const {
        return halvings >= 64 ? 0 : static_cast<std::uint64_t>(U128{value >> halvings} * factor >> 32U);
    }

    std::uint64_t halvings = 0;
    std::uint64_t factor = kOne;
};

ReputationRecord faded(ReputationRecord record, const ReputationRules& rules, UnixMillis now) {
    if (now <= record.as_of) return record;
    const Decay decay{now - record.as_of, rules.half_life};
    const auto fade_one = [&](std::uint64_t* value) { *value = decay.of(*value); };
    for (auto& [client, each] : record.clients) {
        fade_one(&each.good);
        fade_one(&each.bad);
        fade_one(&each.speed);
    }
    std::erase_if(record.clients, [](const auto& entry) { return entry.second == ClientRecord{}; });
    for (std::uint64_t* value : {&record.online, &record.offline, &record.accepted, &record.missed, &record.rejected}) {
        fade_one(value);
    }
    record.as_of = now;
    return record;
}

void make_room(ReputationRecord* record, const ReputationRules& rules, const Address& client) {
    if (record->clients.contains(client) || record->clients.size() < rules.clients_max) return;
    const auto faintest = std::ranges::min_element(
        record->clients, {}, [](const auto& entry) { return entry.second.good + entry.second.bad; });
    record->clients.erase(faintest);
}

std::string percent(std::uint64_t ppm) {
    const std::string digits = std::to_string(ppm / 1000 % 10);
    return std::to_string(ppm / 10'000) + "." + digits + " %";
}

}  // namespace

std::uint64_t decayed(std::uint64_t value, Duration elapsed, Duration half_life) {
    return Decay{elapsed, half_life}.of(value);
}

void note_delivery(ReputationRecord* record, const ReputationRules& rules, const Delivery& delivery, UnixMillis now) {
    *record = faded(std::move(*record), rules, now);
    const std::uint64_t weight = ratio(delivery.paid.micro, std::max<std::uint64_t>(rules.full_weight.micro, 1));
    if (weight == 0) return;
    make_room(record, rules, delivery.client);
    ClientRecord& client = record->clients[delivery.client];
    (delivery.went_well ? client.good : client.bad) += weight;
    if (!delivery.went_well) return;
    const bool was_fast = delivery.promised_ms == 0 || delivery.measured_ms <= delivery.promised_ms;
    client.speed += was_fast ? weight : product(weight, ratio(delivery.promised_ms, delivery.measured_ms));
}

void note_audit(ReputationRecord* record, const ReputationRules& rules, AuditResultKind result, UnixMillis now) {
    *record = faded(std::move(*record), rules, now);
    switch (result) {
        case AuditResultKind::kAccepted: record->accepted += kPpm; break;
        case AuditResultKind::kNotOpened: record->missed += kPpm; break;
        case AuditResultKind::kRejected: record->rejected += kPpm; break;
    }
}

void note_presence(ReputationRecord* record, const ReputationRules& rules, bool was_online, UnixMillis now) {
    if (now <= record->as_of) return;
    // The first note only starts the clock.
    const std::uint64_t elapsed = record->as_of.count() == 0 ? 0 : (now - record->as_of).count();
    *record = faded(std::move(*record), rules, now);
    (was_online ? record->online : record->offline) += elapsed;
}

void fade(ReputationRecord* record, const ReputationRules& rules, UnixMillis now) {
    *record = faded(std::move(*record), rules, now);
}

ReputationScore score_of(const ReputationRecord& record, const ReputationRules& rules, UnixMillis now) {
    const ReputationRecord present = faded(record, rules, now);
    const Deliveries deliveries = sum_up(present, rules);
    const U128 prior = U128{rules.prior_mean} * rules.prior_weight / kPpm;
    ReputationScore score;
    score.success = ratio(deliveries.good + prior, deliveries.all + rules.prior_weight);
    score.speed = ratio(deliveries.speed + prior, deliveries.good + rules.prior_weight);
    const auto known = static_cast<std::uint64_t>(std::chrono::duration_cast<UnixMillis>(rules.prior_time).count());
    score.availability = ratio(U128{present.online} + U128{rules.prior_mean} * known / kPpm,
                               U128{present.online} + present.offline + known);
    const bool was_rejected = present.rejected > rules.rejection_forgotten;
    score.verification =
        was_rejected ? 0
                     : ratio(U128{present.accepted} + prior,
                             U128{present.accepted} + U128{present.missed} * rules.missed_penalty + rules.prior_weight);
    score.score =
        product(product(score.success, score.availability), product((kPpm + score.speed) / 2, score.verification));
    return score;
}

std::vector<std::string> explain(const ReputationRecord& record, const ReputationRules& rules, UnixMillis now) {
    const ReputationScore score = score_of(record, rules, now);
    const ReputationRecord present = faded(record, rules, now);
    const Deliveries deliveries = sum_up(present, rules);
    const auto whole = [](U128 millionths) { return std::to_string(static_cast<std::uint64_t>(millionths / kPpm)); };
    std::vector<std::pair<std::uint64_t, std::string>> parts{
        {score.success, "success " + percent(score.success) + ": " + whole(deliveries.good) + " of " +
                            whole(deliveries.all) + " deliveries that count went well, for " +
                            std::to_string(present.clients.size()) + " clients"},
        {score.availability, "availability " + percent(score.availability) + " of the time it is known"},
        {(kPpm + score.speed) / 2, "speed " + percent(score.speed) + " of what it promised to the first token"},
        {score.verification,
         "verification " + percent(score.verification) + ": " + whole(present.accepted) + " audits passed, " +
             whole(present.missed) + " not opened, " +
             (present.rejected > rules.rejection_forgotten ? "a result was rejected" : "none rejected")},
    };
    std::ranges::sort(parts);
    std::vector<std::string> sentences;
    for (auto& [value, sentence] : parts) sentences.push_back(std::move(sentence));
    return sentences;
}

}  // namespace vcity::market
