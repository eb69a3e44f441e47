// SPDX-License-Identifier: Apache-2.0
// What a scheduler computes for one job of the load, without network and store, on one core: the order is checked, the
// best of 10,000 units is chosen and taken, the lease is made, its events are encoded. Prints one JSON object.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <vector>

#include "peers.hpp"
#include "services/scheduler/work/unit_directory.hpp"
#include "services/scheduler/work/work_store.hpp"
#include "work/job.hpp"
#include "work/pricing.hpp"
#include "work/spec_check.hpp"

namespace vcity::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kNodes = 4;
constexpr std::uint32_t kUnits = 10'000;
constexpr std::uint64_t kJobs = 60'000;  // of 80,000 that fit

void fill(scheduler::UnitDirectory* directory) {
    for (std::uint8_t index = 1; index <= kNodes; ++index) {
        NodeRecord record;
        record.identity.bytes[0] = index;
        record.kind = NodeKind::kStable;
        or_fail(directory->announce(record, offer_units(kUnits / kNodes), 5'000));
    }
}

std::size_t place(scheduler::UnitDirectory* directory, WorkOrder order, std::uint64_t token) {
    or_fail(work::check(order));
    work::Effects effects;
    work::Job job = or_fail(work::Job::submit(std::move(order), UnixMillis{1}, &effects));
    const scheduler::UnitQuery query{&job.spec(), &job.group_of(0), {}};
    const auto seat = or_fail(directory->place(query, token));
    if (!seat) fail(make_error(Errc::kExhausted, "no unit"));
    work::LeaseTerms terms;
    terms.node = seat->node;
    terms.unit = seat->unit;
    terms.gpu_mask = seat->gpu_mask;
    terms.fencing_token = token;
    terms.hourly = or_fail(work::hourly_of(job.group_of(0).ask, seat->offered));
    terms.quote = or_fail(work::quote_of(terms.hourly, job.group_of(0).seconds_max));
    terms.expires_at = UnixMillis{1'000'000};
    terms.reason = "measured";
    or_fail(job.lease(std::move(terms), UnixMillis{1}, &effects));
    return scheduler::encode_events(effects.events).size();
}

int run() {
    scheduler::UnitDirectory directory;
    fill(&directory);
    SignedCap cap;
    cap.cap.client.bytes[0] = 1;
    cap.cap.limit = Usd{1'000'000};
    WorkOrder pattern = order_pattern(cap);
    pattern.deadline = UnixMillis{2'000'000};
    std::vector<double> micros;
    micros.reserve(kJobs);
    std::size_t bytes = 0;
    const std::clock_t begin = std::clock();
    for (std::uint64_t number = 1; number <= kJobs; ++number) {
        const auto before = Clock::now();
        WorkOrder order = pattern;
        for (std::size_t index = 0; index < 8; ++index) {
            order.job_id.bytes[index] = static_cast<std::uint8_t>(number >> (8 * index));
        }
        bytes += place(&directory, std::move(order), number);
        micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - before).count());
    }
    const double took = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    std::ranges::sort(micros);
    std::printf(
        "{\"decisions_per_second\": %.0f, \"decision_p50_us\": %.2f, \"decision_p99_us\": %.2f, "
        "\"event_bytes_per_job\": %.0f}\n",
        static_cast<double>(kJobs) / took, micros[kJobs / 2], micros[kJobs * 99 / 100],
        static_cast<double>(bytes) / static_cast<double>(kJobs));
    return 0;
}

}  // namespace
}  // namespace vcity::bench

int main() {
    return vcity::bench::run();
}
