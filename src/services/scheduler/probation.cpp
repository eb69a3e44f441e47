// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/probation.hpp"

#include <algorithm>

#include "services/common/record.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::uint64_t kOneMiss = 1'000'000;
constexpr std::uint64_t kPerMille = 1'000;
constexpr std::uint64_t kVersion = 2;

}  // namespace

std::uint32_t Probation::lottery_per_mille(const AuditRates& rates) const {
    return std::max(rates.per_mille, market::audit_rate_per_mille(record));
}

namespace {

void owe(Probation* probation, const AuditRates& rates, UnixMillis now) {
    const std::uint64_t limit = std::max<std::uint64_t>(rates.missed_limit, 1) * kOneMiss;
    probation->debt += kOneMiss;
    if (probation->debt < limit) return;
    probation->debt = limit - kOneMiss;
    probation->suspended_until = now + std::chrono::duration_cast<UnixMillis>(rates.suspension);
}

}  // namespace

void note_missed(Probation* probation, const AuditRates& rates, UnixMillis now) {
    ++probation->record.missed;
    owe(probation, rates, now);
}

void note_rejected(Probation* probation, const AuditRates& rates, UnixMillis now) {
    ++probation->record.rejected;
    owe(probation, rates, now);
}

void note_accepted(Probation* probation, const AuditRates& rates) {
    const std::uint32_t clean_rate = market::audit_rate_per_mille({.clean = probation->record.clean});
    const std::uint64_t lottery = std::max(rates.per_mille, clean_rate);
    const std::uint64_t paid = kOneMiss / kPerMille * lottery * rates.missed_per_mille / kPerMille;
    ++probation->record.clean;
    probation->debt -= std::min(probation->debt, paid);
}

Bytes encode(const Probation& probation) {
    services::RecordWriter writer{kVersion};
    writer.put(probation.debt).put(std::uint64_t{probation.suspended_until.count()});
    const market::AuditRecord& record = probation.record;
    writer.put(record.clean).put(std::uint64_t{record.missed}).put(std::uint64_t{record.rejected});
    return writer.take();
}

Result<Probation> parse_probation(ByteView bytes) {
    services::RecordReader reader{bytes};
    if (reader.integer() != kVersion) reader.fail();
    Probation probation;
    probation.debt = reader.integer();
    probation.suspended_until = UnixMillis{reader.integer()};
    const auto small = [&reader] {
        const std::uint64_t value = reader.integer();
        if (value > UINT32_MAX) reader.fail();
        return static_cast<std::uint32_t>(value);
    };
    probation.record.clean = reader.integer();
    probation.record.missed = small();
    probation.record.rejected = small();
    TRY_OK(reader.finish("probation"));
    return probation;
}

}  // namespace vcity::scheduler
