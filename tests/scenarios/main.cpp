// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cstdio>
#include <string_view>
#include <vector>

#include "scenarios/scenario.hpp"

namespace {

using vcity::scenarios::Outcome;
using vcity::scenarios::Planted;
using vcity::scenarios::ScenarioOptions;

struct Command {
    std::uint64_t first = 1;
    std::uint64_t last = 1;
    ScenarioOptions options;
    bool is_mixed = false;  // 1, 2 or 3 scheduler processes, by the seed
    bool is_valid = true;
};

bool parse_number(std::string_view text, std::uint64_t* out) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), *out);
    return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
}

bool parse_range(std::string_view text, Command* command) {
    const std::size_t dots = text.find("..");
    if (dots == std::string_view::npos) return false;
    return parse_number(text.substr(0, dots), &command->first) && parse_number(text.substr(dots + 2), &command->last) &&
           command->first <= command->last;
}

bool parse_planted(std::string_view text, Planted* out) {
    if (text == "double-payment") *out = Planted::kDoublePayment;
    if (text == "stale-token") *out = Planted::kStaleToken;
    if (text == "unpersisted-receipt") *out = Planted::kUnpersistedReceipt;
    if (text == "no-fence") *out = Planted::kNoFence;
    if (text == "no-margin") *out = Planted::kNoMargin;
    if (text == "hidden-epochs") *out = Planted::kHiddenEpochs;
    return *out != Planted::kNone;
}

Command parse(const std::vector<std::string_view>& arguments) {
    Command command;
    for (std::size_t index = 0; index < arguments.size(); ++index) {
        const std::string_view name = arguments[index];
        if (name == "--verbose") {
            command.options.is_verbose = true;
            continue;
        }
        const bool has_value = index + 1 < arguments.size();
        const std::string_view value = has_value ? arguments[++index] : std::string_view{};
        if (name == "--seed") {
            command.is_valid &= parse_number(value, &command.first);
            command.last = command.first;
        } else if (name == "--seeds") {
            command.is_valid &= parse_range(value, &command);
        } else if (name == "--schedulers") {
            command.is_mixed = value == "mixed";
            command.is_valid &= command.is_mixed ||
                                (parse_number(value, &command.options.schedulers) && command.options.schedulers >= 1);
        } else if (name == "--planted") {
            command.is_valid &= parse_planted(value, &command.options.planted);
        } else {
            command.is_valid = false;
        }
    }
    return command;
}

void tell(const ScenarioOptions& options, const Outcome& outcome) {
    std::printf(
        "seed %lu: %s\n  %lu steps, %lu checks, %lu virtual seconds, %lu faults\n"
        "  %lu jobs: %lu answered, %lu settled, %lu rejected\n",
        options.seed, outcome.violation.empty() ? "all invariants hold" : outcome.violation.c_str(), outcome.steps,
        outcome.checks, outcome.virtual_seconds, outcome.faults, outcome.jobs, outcome.jobs_done, outcome.jobs_settled,
        outcome.results_rejected);
}

}  // namespace

int main(int argc, char** argv) {
    Command command = parse({argv + 1, argv + argc});
    if (!command.is_valid) {
        std::fprintf(stderr,
                     "usage: vcity_scenario [--seed N | --seeds A..B] [--schedulers N|mixed] [--verbose]\n"
                     "                      [--planted double-payment|stale-token|unpersisted-receipt|no-fence|\n"
                     "                                 no-margin|hidden-epochs]\n");
        return 2;
    }
    const bool is_of_several = command.options.planted >= Planted::kNoFence;
    if (is_of_several && command.options.schedulers == 1) command.options.schedulers = 2;
    Outcome total;
    std::uint64_t failed = 0;
    for (std::uint64_t seed = command.first; seed <= command.last; ++seed) {
        command.options.seed = seed;
        if (command.is_mixed) command.options.schedulers = 1 + seed % 3;
        const Outcome outcome = vcity::scenarios::run_scenario(command.options);
        total.steps += outcome.steps;
        total.checks += outcome.checks;
        total.faults += outcome.faults;
        total.jobs += outcome.jobs;
        total.jobs_done += outcome.jobs_done;
        total.jobs_settled += outcome.jobs_settled;
        total.results_rejected += outcome.results_rejected;
        total.proofs_checked += outcome.proofs_checked;
        total.epochs += outcome.epochs;
        if (command.first == command.last) tell(command.options, outcome);
        if (outcome.violation.empty()) continue;
        ++failed;
        std::printf("seed %lu FAILED: %s\n  replay: %s\n", seed, outcome.violation.c_str(),
                    vcity::scenarios::replay_command(command.options).c_str());
        std::fflush(stdout);
    }
    const std::uint64_t seeds = command.last - command.first + 1;
    std::printf(
        "%lu seeds, %lu failed; %lu steps, %lu checks, %lu faults, %lu proofs; "
        "%lu jobs: %lu answered, %lu settled, %lu rejected; %lu epochs\n",
        seeds, failed, total.steps, total.checks, total.faults, total.proofs_checked, total.jobs, total.jobs_done,
        total.jobs_settled, total.results_rejected, total.epochs);
    return failed == 0 ? 0 : 1;
}
