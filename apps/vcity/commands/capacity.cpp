// SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "adapters/capacity_local/cpu_device.hpp"
#include "adapters/capacity_local/device_prover.hpp"
#include "adapters/capacity_local/measure.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "capacity/specs.hpp"
#include "cli/command.hpp"
#include "services/challenge/challenge.hpp"

namespace vcity::cli {
namespace {

using capacity::CardClaim;
using capacity::CardOutcome;
using capacity::CardScore;
using codec::Json;

// Below this share of the claimed speed a test would only waste time.
constexpr std::uint64_t kSlowestShare = 100;

struct CapacityOptions {
    std::string claim;  // of every card; empty: what the card calls itself, or its own speed when that is not known
    unsigned threads = 1;
    std::uint64_t memory_mib = 0;
    std::uint64_t exchange_ms = 0;
};

// What a card has to prove: the figures of the class it names, else what it measured of itself.
Result<CardClaim> claim_of(capacity::Device* device, const CapacityOptions& options) {
    const CapacityCard card = device->card();
    const std::string name = options.claim.empty() ? card.name : options.claim;
    const std::uint64_t memory = options.memory_mib << 20U;
    if (const capacity::CardSpec* spec = capacity::find_card(name)) {
        const std::uint64_t bytes = memory > 0 ? memory : spec->memory_bytes;
        const CardClaim claim{name, bytes, spec->bandwidth, spec->operations};
        if (card.name != adapters::kProcessorName) return claim;
        // A processor would compute a card's chain for hours before it is rejected.
        TRY(const CardClaim own, adapters::measure_claim(device, bytes));
        if (own.operations >= spec->operations / kSlowestShare) return claim;
        return make_error(Errc::kDenied, "this processor is far too slow to be tested as " + name);
    }
    if (!options.claim.empty()) return make_error(Errc::kNotFound, "no public figures of a card named " + name);
    return adapters::measure_claim(device, memory > 0 ? memory : std::uint64_t{512} << 20U);
}

Hash random_hash(Runtime* runtime) {
    Hash hash;
    runtime->random_bytes(hash.bytes);
    return hash;
}

Task<int> play(Runtime* runtime,
               ports::CapacityProver* prover,
               capacity::Session* session,
               std::vector<CardScore>* scores) {
    *scores = co_await services::challenge(runtime, prover, session, services::ChallengeOptions());
    co_return 0;
}

double milliseconds(Duration time) {
    return std::chrono::duration<double, std::milli>{time}.count();
}

// For programs: numbers in basic units.
Json record_of(const CardClaim& claim, const CardScore& score) {
    Json record{codec::JsonObject{}};
    record.set("claim", claim.name);
    record.set("outcome", std::string{to_string(score.outcome)});
    record.set("accepted", score.outcome == CardOutcome::kAccepted);
    record.set("operations_per_second", score.operations);
    record.set("bytes_per_second", score.bandwidth);
    record.set("resident_bytes", score.resident_bytes);
    record.set("rounds_in_time", std::uint64_t{score.rounds_in_time});
    record.set("chain_ms", milliseconds(score.chain_time));
    record.set("short_round_ms", milliseconds(score.short_time));
    record.set("card_busy_ms", milliseconds(score.card_time));
    return record;
}

Table table_of(const std::vector<CardClaim>& claims, const std::vector<CardScore>& scores) {
    Table table;
    table.titles = {"card", "claims", "outcome", "Gop/s", "GB/s", "resident MB", "busy s"};
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const CardScore& score = scores[i];
        table.rows.push_back({std::to_string(i), claims[i].name, std::string{to_string(score.outcome)},
                              fmt::format("{:.1f}", score.operations / 1e9),
                              fmt::format("{:.2f}", score.bandwidth / 1e9),
                              fmt::format("{:.1f}", static_cast<double>(score.resident_bytes) / 1e6),
                              fmt::format("{:.2f}", milliseconds(score.card_time) / 1e3)});
    }
    return table;
}

void report(const std::vector<CardClaim>& claims, const std::vector<CardScore>& scores, const Output& output) {
    if (!output.is_json()) return output.print(table_of(claims, scores));
    codec::JsonArray cards;
    for (std::size_t i = 0; i < scores.size(); ++i) cards.push_back(record_of(claims[i], scores[i]));
    Json all{codec::JsonObject{}};
    all.set("cards", Json{std::move(cards)});
    output.print(all);
}

Result<Exit> run_capacity(const CapacityOptions& options, Session* session) {
    adapters::AsioRuntime runtime;
    std::vector<std::unique_ptr<capacity::Device>> devices = adapters::find_devices({options.threads, 0});
    std::vector<CardClaim> claims;
    for (const auto& device : devices) {
        TRY(CardClaim claim, claim_of(device.get(), options));
        claims.push_back(std::move(claim));
    }
    adapters::DeviceProver prover{&runtime, std::move(devices)};
    capacity::SessionPolicy policy;
    if (options.exchange_ms > 0) policy.exchange = std::chrono::milliseconds{options.exchange_ms};
    capacity::Session test{random_hash(&runtime), random_hash(&runtime), claims, policy};
    std::vector<CardScore> scores;
    if (runtime.run_to_completion(play(&runtime, &prover, &test, &scores)) != 0) return Exit::kInterrupted;
    report(claims, scores, session->output);
    for (const CardScore& score : scores) {
        if (score.outcome != CardOutcome::kAccepted) return Exit::kVerification;
    }
    return Exit::kOk;
}

}  // namespace

void add_capacity_command(CLI::App* noun, Commands* commands) {
    auto options = std::make_shared<CapacityOptions>();
    CLI::App* capacity = noun->add_subcommand(
        "capacity", "test this machine's cards as a verifier would: speed, memory and whether the claim holds");
    capacity->add_option("--claim", options->claim, "class to be judged as, e.g. \"NVIDIA GeForce RTX 4090\"");
    capacity->add_option("--threads", options->threads, "of the processor when it stands in")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    capacity
        ->add_option("--memory-mib", options->memory_mib, "claimed memory (default: the class's; 512 of a processor)")
        ->check(CLI::Range(1, 1 << 24));
    capacity->add_option("--exchange-ms", options->exchange_ms, "allowed for one exchange (default: 2)")
        ->check(CLI::Range(1, 60'000));
    commands->on(capacity, [options](Session* session) { return run_capacity(*options, session); });
}

}  // namespace vcity::cli
