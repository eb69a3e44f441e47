// SPDX-License-Identifier: Apache-2.0
// The confusion matrix of the capacity proof and its cost; run.sh says what is printed.
#include <chrono>
#include <cstdio>
#include <map>
#include <string_view>
#include <vector>

#include "adapters/capacity_local/cpu_device.hpp"
#include "adapters/capacity_local/device_prover.hpp"
#include "adapters/capacity_local/measure.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "capacity/chain.hpp"
#include "capacity/check.hpp"
#include "capacity/prover.hpp"
#include "capacity/stream.hpp"
#include "capacity/testing/adversaries.hpp"
#include "codec/integer.hpp"
#include "services/challenge/challenge.hpp"

namespace vcity::bench {
namespace {

using capacity::CardOutcome;

struct Options {
    bool json = false;
    std::uint64_t trials = 400;
    std::uint64_t honest = 40'000;
};

struct Matrix {
    std::uint64_t forgeries = 0;
    std::uint64_t forgeries_rejected = 0;
    std::uint64_t honest = 0;
    std::uint64_t honest_rejected = 0;
};

// One real session and what its parts cost.
struct Real {
    capacity::CardScore score;
    double seconds = 0;
    std::uint64_t store_bytes = 0;
    double make_bytes_per_second = 0;  // D and s, one core
    double check_seconds = 0;          // an opening of 96 cells at 4096 rows, one core
    double accept_seconds = 0;         // the sums of one round
};

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void print_outcomes(std::string_view name, std::uint64_t trials, const std::map<std::string_view, int>& outcomes) {
    std::printf("%-24.*s %8llu", static_cast<int>(name.size()), name.data(), static_cast<unsigned long long>(trials));
    for (const auto& [outcome, count] : outcomes) {
        std::printf("  %.*s: %d", static_cast<int>(outcome.size()), outcome.data(), count);
    }
    std::printf("\n");
}

Matrix play_all(const Options& options) {
    Matrix matrix;
    if (!options.json) std::printf("%-24s %8s  outcomes\n", "player", "sessions");
    for (const capacity::testing::Cheat& cheat : capacity::testing::cheats()) {
        std::map<std::string_view, int> outcomes;
        for (std::uint64_t trial = 0; trial < options.trials; ++trial) ++outcomes[to_string(cheat.play(trial))];
        const auto accepted = outcomes.find(to_string(CardOutcome::kAccepted));
        matrix.forgeries += options.trials;
        matrix.forgeries_rejected += options.trials;
        if (accepted != outcomes.end()) matrix.forgeries_rejected -= static_cast<std::uint64_t>(accepted->second);
        if (!options.json) print_outcomes(cheat.name, options.trials, outcomes);
    }
    std::map<std::string_view, int> outcomes;
    for (std::uint64_t trial = 0; trial < options.honest; ++trial) {
        const CardOutcome outcome = capacity::testing::play_honest(trial);
        ++outcomes[to_string(outcome)];
        ++matrix.honest;
        if (outcome != CardOutcome::kAccepted) ++matrix.honest_rejected;
    }
    if (!options.json) print_outcomes("honest", options.honest, outcomes);
    return matrix;
}

Hash random_hash(Runtime* runtime) {
    Hash hash;
    runtime->random_bytes(hash.bytes);
    return hash;
}

Task<int> play_session(Runtime* runtime,
                       ports::CapacityProver* prover,
                       capacity::Session* session,
                       std::vector<capacity::CardScore>* scores) {
    *scores = co_await services::challenge(runtime, prover, session, services::ChallengeOptions());
    co_return 0;
}

void play_real(Real* real) {
    adapters::AsioRuntime runtime;
    std::vector<std::unique_ptr<capacity::Device>> devices;
    devices.push_back(std::make_unique<adapters::CpuDevice>(1));
    capacity::CardClaim claim = *adapters::measure_claim(devices.front().get(), std::uint64_t{512} << 20U);
    // This machine is shared: half of what it reached alone, and an exchange may wait for whoever else computes.
    claim.bandwidth /= 2;
    claim.operations /= 2;
    adapters::DeviceProver prover{&runtime, std::move(devices)};
    capacity::SessionPolicy policy;
    policy.exchange = std::chrono::milliseconds{500};
    capacity::Session session{random_hash(&runtime), random_hash(&runtime), {claim}, policy};
    std::vector<capacity::CardScore> scores;
    const double start = now();
    (void)runtime.run_to_completion(play_session(&runtime, &prover, &session, &scores));
    real->seconds = now() - start;
    real->score = scores.front();
    real->store_bytes = static_cast<std::uint64_t>(static_cast<double>(claim.memory_bytes) * policy.memory_fraction);
}

void measure_verifier(Real* real) {
    const CapacityStoreShape shape = capacity::store_for(std::uint64_t{64} << 20U);
    capacity::StoreKey key{shape, {}, {}};
    double start = now();
    while (!key.complete()) (void)key.next_chunk(std::size_t{4} << 20U);
    real->make_bytes_per_second = static_cast<double>(shape.bytes()) / (now() - start);
    const CapacitySweep sweep{{}, 0, 0, 0, shape.rows, {}};
    start = now();
    (void)key.accepts(sweep, std::vector<std::int64_t>(shape.columns));
    real->accept_seconds = now() - start;

    // A chain of full height, cut down to one segment of 128 columns: the cost of checking 96 cells is the same.
    adapters::CpuDevice device{1};
    capacity::Prover prover{&device};
    const CapacityChainChallenge challenge{{}, 0, {4096, 128, 1, 1, 64}, {}};
    const auto commitment = prover.run_chain(challenge);
    const CapacityDraw draw{{}, 0, capacity::draw_cells(challenge.shape, 96, {})};
    const auto opening = prover.open(draw);
    start = now();
    const auto fault = capacity::check_opening(challenge, *commitment, draw, *opening, {}, 1);
    real->check_seconds = fault == capacity::ChainFault::kNone ? now() - start : -1;
}

void print(const Matrix& matrix, const Real& real) {
    std::printf(
        "\nforgeries rejected: %llu of %llu; honest sessions rejected: %llu of %llu\n",
        static_cast<unsigned long long>(matrix.forgeries_rejected), static_cast<unsigned long long>(matrix.forgeries),
        static_cast<unsigned long long>(matrix.honest_rejected), static_cast<unsigned long long>(matrix.honest));
    std::printf("one real session, processor, 1 thread: %.1f s, %s; store %.0f MB, %.2f GB/s, chain %.1f Gop/s\n",
                real.seconds, std::string{to_string(real.score.outcome)}.c_str(),
                static_cast<double>(real.store_bytes) / 1e6, real.score.bandwidth / 1e9, real.score.operations / 1e9);
    std::printf(
        "verifier, one core: store and its key %.2f GB/s; sums of a round %.2f ms; opening of 96 cells at 4096 "
        "rows %.0f ms\n",
        real.make_bytes_per_second / 1e9, real.accept_seconds * 1e3, real.check_seconds * 1e3);
    std::printf("a store made from a public seed: regeneration accepted by the naive scheme: %s\n",
                capacity::testing::naive_scheme_accepts_regeneration(1) ? "yes" : "no");
}

void print_json(const Matrix& matrix, const Real& real) {
    std::printf(
        "{\"capacity_forgeries_rejected_percent\": %.4f, \"capacity_honest_rejected\": %.6f, "
        "\"capacity_seconds\": %.2f, \"capacity_gpu_time_percent_per_day\": %.4f}\n",
        100.0 * static_cast<double>(matrix.forgeries_rejected) / static_cast<double>(matrix.forgeries),
        static_cast<double>(matrix.honest_rejected) / static_cast<double>(matrix.honest), real.seconds,
        100 * real.seconds / 86400);
}

}  // namespace
}  // namespace vcity::bench

int main(int argc, char** argv) {
    using vcity::bench::Options;
    Options options;
    std::vector<std::uint64_t> numbers;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const auto number = vcity::codec::parse_decimal(word);
        if (word == "--json") options.json = true;
        if (number && *number > 0) numbers.push_back(*number);
    }
    if (!numbers.empty()) options.trials = numbers[0];
    if (numbers.size() > 1) options.honest = numbers[1];
    const vcity::bench::Matrix matrix = play_all(options);
    vcity::bench::Real real;
    vcity::bench::play_real(&real);
    vcity::bench::measure_verifier(&real);
    if (options.json) print_json(matrix, real);
    if (!options.json) print(matrix, real);
    return 0;
}
