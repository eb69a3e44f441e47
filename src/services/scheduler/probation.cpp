// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/probation.hpp"

#include <algorithm>

#include "services/common/record.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::uint64_t kOneMiss = 1'000'000;
constexpr std::uint64_t kPerMille = 1'000;
constexpr std::uint64_t kVersion = 1;

}  // namespace

void note_missed(Probation* probation, const AuditRates& rates, UnixMillis now) {
    const std::uint64_t limit = std::max<std::uint64_t>(rates.missed_limit, 1) * kOneMiss;
    probation->debt += kOneMiss;
    if (probation->debt < limit) return;
    probation->debt = limit - kOneMiss;
    probation->suspended_until = now + std::chrono::duration_cast<UnixMillis>(rates.suspension);
}

void note_accepted(Probation* probation, const AuditRates& rates, std::uint32_t lottery_per_mille) {
    const std::uint64_t paid = kOneMiss / kPerMille * lottery_per_mille * rates.missed_per_mille / kPerMille;
    probation->debt -= std::min(probation->debt, paid);
}

Bytes encode(const Probation& probation) {
    services::RecordWriter writer{kVersion};
    writer.put(probation.debt).put(std::uint64_t{probation.suspended_until.count()});
    return writer.take();
}

Result<Probation> parse_probation(ByteView bytes) {
    services::RecordReader reader{bytes};
    if (reader.integer() != kVersion) reader.fail();
    Probation probation;
    probation.debt = reader.integer();
    probation.suspended_until = UnixMillis{reader.integer()};
    TRY_OK(reader.finish("probation"));
    return probation;
}

}  // namespace vcity::scheduler
