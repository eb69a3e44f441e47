// SPDX-License-Identifier: Apache-2.0
// placement_throughput --latency FILE --units N: exact placements per second in a network at 90 % load, one release for
// each, beside a full scan that also checks the answers. Prints one JSON object.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <string>

#include "base/check.hpp"
#include "full_scan.hpp"
#include "network.hpp"
#include "placement/unit_index.hpp"
#include "placement/value_packing.hpp"

namespace vcity::bench {
namespace {

using placement::Decision;
using placement::Grant;
using placement::Outcome;
using placement::UnitDemand;
using placement::UnitIndex;
using Clock = std::chrono::steady_clock;

constexpr double kLoad = 0.9;
constexpr double kRandomLoad = 0.85;
// Shares are asked in multiples of it, so packing sees them exactly; CPU is seen in steps.
constexpr placement::PackingGrain kGrain{100, 16000};
constexpr std::size_t kDemands = 1U << 16;

// What this thread has had of a core: on a shared machine the wall clock also counts others.
double core_seconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<std::uint32_t> read_latencies(const char* path) {
    std::ifstream file{path};
    std::vector<std::uint32_t> all;
    for (std::uint32_t value = 0; file >> value;) all.push_back(value);
    CHECK(all.size() == kRegions * kRegions);
    return all;
}

std::uint64_t gpu_milli_of(const Grant& grant) {
    return std::uint64_t{grant.gpu_milli} * static_cast<unsigned>(__builtin_popcount(grant.gpu_mask));
}

struct Figures {
    double placements_per_second = 0;
    double placements_per_core_second = 0;
    std::vector<std::uint32_t> place_ns;
    std::vector<std::uint32_t> release_ns;
    std::size_t refused = 0;
    std::size_t decisions = 0;
    std::size_t checked = 0;
    std::size_t disagreements = 0;
    double scan_seconds = 0;
};

class Run {
  public:
    Run(const Network& network, std::size_t units, std::unique_ptr<placement::ValuePacking> policy)
        : policy_{std::move(policy)},
          index_{network.catalogue(), policy_.get(), options_for(units)},
          scan_{network.catalogue(), policy_.get()} {
        index_.reserve(units);
        for (std::uint32_t number = 0; number < units; ++number) {
            const placement::ExecutionUnit unit = network.unit(number, &random_);
            const auto handle = index_.join(unit);
            CHECK(handle.has_value());
            scan_.join(unit, *handle);
            total_milli_ += 1000ULL * unit.capacity.gpus;
        }
        for (std::size_t count = 0; count < kDemands; ++count) demands_.push_back(network.demand(&random_));
        grants_.reserve(units * 40);
    }

    // Mostly at random, as an idle network is not what is measured; the last part by placements.
    void fill(std::size_t units) {
        mark_milli_ = static_cast<std::uint64_t>(kLoad * static_cast<double>(total_milli_));
        while (load() < kRandomLoad) take_somewhere(units);
        while (is_below_mark()) place();
    }
    // The policy for the network as it stands, as the scheduler replaces it now and then.
    void plan(placement::PackingPlanner* planner) {
        placement::PackingSupply supply;
        index_.for_each([&](placement::UnitHandle handle, const placement::UnitRecord& unit) {
            supply.add(ordered_state(unit).state, index_.unit(handle).capacity.cpu_milli);
        });
        auto fresh = planner->plan(supply);
        index_.replace_policy(fresh.get());
        scan_.replace_policy(fresh.get());
        policy_ = std::move(fresh);
    }
    const std::vector<UnitDemand>& demands() const { return demands_; }
    bool is_below_mark() const { return used_milli_ < mark_milli_; }
    double load() const { return static_cast<double>(used_milli_) / static_cast<double>(total_milli_); }

    // One placement and one release, and a placement more where the load has drifted below the mark.
    void step() {
        place();
        release();
        while (is_below_mark()) place();
    }

    void measure_rate(std::size_t steps, Figures* figures) {
        decisions_ = 0;
        refused_ = 0;
        const auto start = Clock::now();
        const double core_start = core_seconds();
        for (std::size_t done = 0; done < steps; ++done) step();
        const auto placed = static_cast<double>(decisions_ - refused_);
        figures->placements_per_core_second = placed / (core_seconds() - core_start);
        figures->placements_per_second = placed / seconds_since(start);
        figures->decisions = decisions_;
        figures->refused = refused_;
    }

    void measure_latency(std::size_t steps, Figures* figures) {
        figures->place_ns.reserve(steps);
        figures->release_ns.reserve(steps);
        const auto nanoseconds = [](Clock::time_point from, Clock::time_point to) {
            return static_cast<std::uint32_t>(std::chrono::nanoseconds{to - from}.count());
        };
        for (std::size_t done = 0; done < steps; ++done) {
            const auto start = Clock::now();
            place();
            const auto middle = Clock::now();
            release();
            const auto end = Clock::now();
            figures->place_ns.push_back(nanoseconds(start, middle));
            figures->release_ns.push_back(nanoseconds(middle, end));
            while (is_below_mark()) place();
        }
    }

    void check_against_scan(std::size_t checks, Figures* figures) {
        for (std::size_t done = 0; done < checks; ++done) {
            for (int steps = 0; steps < 50; ++steps) step();
            settle_scan();
            const UnitDemand& demand = next_demand();
            const auto decision = index_.best(demand);
            const auto start = Clock::now();
            const FullScan::Best best = scan_.best(demand);
            figures->scan_seconds += seconds_since(start);
            CHECK(decision.has_value());
            const bool is_same = best.is_found
                                     ? decision->outcome == Outcome::kPlaced && decision->grant.unit == best.unit &&
                                           decision->terms.score() == best.score
                                     : decision->outcome == Outcome::kNoUnit;
            figures->disagreements += is_same ? 0 : 1;
            ++figures->checked;
        }
    }

    const UnitIndex& index() const { return index_; }

  private:
    static placement::UnitIndexOptions options_for(std::size_t units) {
        placement::UnitIndexOptions options;
        options.states_max = std::max<std::size_t>(1U << 14U, units / 4);
        return options;
    }

    // The next demand on some unit that has room for it, whatever it costs.
    void take_somewhere(std::size_t units) {
        const UnitDemand& demand = next_demand();
        for (int tries = 0; tries < 100; ++tries) {
            const auto slot = static_cast<std::uint32_t>(random_() % units);
            Grant grant{{slot, slot + 1}, 0, demand.gpu_milli, demand.cpu_milli, demand.memory_mib, demand.disk_mib};
            const placement::UnitRecord& unit = index_.record(grant.unit);
            unsigned missing = demand.gpus;
            for (std::size_t gpu = 0; gpu < unit.gpus && missing > 0; ++gpu) {
                if (unit.left_milli[gpu] < demand.gpu_milli) continue;
                grant.gpu_mask = static_cast<std::uint8_t>(grant.gpu_mask | 1U << gpu);
                --missing;
            }
            if (missing > 0 || !index_.take(grant)) continue;
            took(grant);
            return;
        }
    }
    void took(const Grant& grant) {
        used_milli_ += gpu_milli_of(grant);
        grants_.push_back(grant);
    }

    const UnitDemand& next_demand() { return demands_[next_++ % kDemands]; }

    void place() {
        const auto decision = index_.place(next_demand());
        ++decisions_;
        if (decision->outcome != Outcome::kPlaced) {
            ++refused_;
            return;
        }
        took(decision->grant);
    }
    // xorshift64* (Marsaglia, 2003; Vigna, 2016): a few instructions, as the benchmark's own work is in the figures.
    std::size_t draw(std::size_t below) {
        state_ ^= state_ >> 12U;
        state_ ^= state_ << 25U;
        state_ ^= state_ >> 27U;
        const std::uint64_t high = (state_ * 0x2545f4914f6cdd1dULL) >> 32U;
        return static_cast<std::size_t>((high * below) >> 32U);
    }
    // Which grant is drawn a step ahead, so that the benchmark's own list is not what is waited for.
    void release() {
        const std::size_t at = leaving_ < grants_.size() ? leaving_ : draw(grants_.size());
        const Grant grant = grants_[at];
        grants_[at] = grants_.back();
        grants_.pop_back();
        leaving_ = draw(grants_.size());
        __builtin_prefetch(&grants_[leaving_]);
        used_milli_ -= gpu_milli_of(grant);
        const auto released = index_.release(grant);
        if (!released) std::abort();
    }
    // Brings the peer up to date, outside every measurement.
    void settle_scan() { scan_.take_only(grants_); }

    std::mt19937_64 random_{42};
    std::uint64_t state_ = 42;
    std::unique_ptr<placement::ValuePacking> policy_;
    UnitIndex index_;
    FullScan scan_;
    std::vector<UnitDemand> demands_;
    std::size_t next_ = 0;
    std::size_t leaving_ = SIZE_MAX;
    std::vector<Grant> grants_;
    std::uint64_t total_milli_ = 0;
    std::uint64_t used_milli_ = 0;
    std::uint64_t mark_milli_ = 0;
    std::size_t refused_ = 0;
    std::size_t decisions_ = 0;
};

std::uint32_t quantile(std::vector<std::uint32_t>* values, double share) {
    const auto at = static_cast<std::size_t>(static_cast<double>(values->size() - 1) * share);
    std::ranges::nth_element(*values, values->begin() + static_cast<std::ptrdiff_t>(at));
    return (*values)[at];
}

void print(const Run& run, std::size_t units, Figures* figures) {
    std::printf(
        "{\"units\": %zu, \"placements_per_second\": %.0f, \"placements_per_core_second\": %.0f, \"p50_ns\": %u, "
        "\"p99_ns\": %u, \"p999_ns\": %u, ",
        units, figures->placements_per_second, figures->placements_per_core_second, quantile(&figures->place_ns, 0.5),
        quantile(&figures->place_ns, 0.99), quantile(&figures->place_ns, 0.999));
    std::printf("\"release_p99_ns\": %u, \"bytes_per_node\": %.1f, \"load\": %.4f, \"refused_share\": %.4f, ",
                quantile(&figures->release_ns, 0.99),
                static_cast<double>(run.index().bytes()) / static_cast<double>(units), run.load(),
                static_cast<double>(figures->refused) / static_cast<double>(figures->decisions));
    std::printf("\"states\": %zu, \"checked\": %zu, \"disagreements\": %zu, \"full_scans_per_second\": %.0f}\n",
                run.index().states_in_use(), figures->checked, figures->disagreements,
                static_cast<double>(figures->checked) / figures->scan_seconds);
}

int bench(int count, char** words) {
    const char* latency = nullptr;
    std::size_t units = 100'000;
    std::size_t steps = 2'000'000;
    std::size_t checks = 500;
    for (int word = 1; word + 1 < count; word += 2) {
        const std::string name = words[word];
        if (name == "--latency") latency = words[word + 1];
        if (name == "--units") units = std::strtoull(words[word + 1], nullptr, 10);
        if (name == "--steps") steps = std::strtoull(words[word + 1], nullptr, 10);
        if (name == "--checks") checks = std::strtoull(words[word + 1], nullptr, 10);
    }
    if (latency == nullptr) {
        std::fputs("usage: placement_throughput --latency FILE [--units N] [--steps N] [--checks N]\n", stderr);
        return 2;
    }
    const Network network{read_latencies(latency)};
    placement::PackingPlanner planner{{}, kGrain};
    Run run{network, units, planner.plan({})};
    for (const UnitDemand& demand : run.demands()) planner.mix().add(gpu_request(demand));
    run.plan(&planner);
    run.fill(units);
    run.plan(&planner);
    Figures figures;
    run.measure_rate(steps / 2, &figures);  // warm: states and request classes are known
    run.measure_rate(steps, &figures);
    run.measure_latency(steps / 2, &figures);
    run.check_against_scan(checks, &figures);
    print(run, units, &figures);
    return figures.disagreements == 0 ? 0 : 1;
}

}  // namespace
}  // namespace vcity::bench

int main(int count, char** words) {
    return vcity::bench::bench(count, words);
}
