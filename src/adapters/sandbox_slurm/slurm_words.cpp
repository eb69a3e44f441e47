// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_slurm/slurm_words.hpp"

#include <algorithm>
#include <array>

namespace vcity::adapters {
namespace {

constexpr std::uint64_t kMib = 1U << 20U;
constexpr std::uint64_t kCellMib = 64;  // for the cell itself
constexpr std::size_t kNumberMax = 20;

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    return text;
}

// As one word of the shell.
std::string quoted(const std::string& text) {
    std::string result = "'";
    for (const char letter : text) {
        if (letter == '\'') {
            result += "'\\''";
        } else {
            result += letter;
        }
    }
    return result + "'";
}

}  // namespace

std::string cell_script(const SlurmSandboxOptions& options, const std::string& folder) {
    return "#!/bin/sh\nexec " + quoted(options.cell_program) + " cell " + quoted(folder) + "\n";
}

std::vector<std::string> sbatch_words(const SlurmSandboxOptions& options,
                                      const ports::SandboxSpec& spec,
                                      const std::string& name,
                                      const std::string& folder) {
    const std::uint64_t bytes = spec.memory_total_bytes_max + (spec.job_folder.empty() ? spec.work_bytes_max : 0);
    std::vector<std::string> words{options.bin_folder + "/sbatch",
                                   "--parsable",
                                   "--no-requeue",
                                   "--export=NONE",
                                   "--job-name=" + name,
                                   "--chdir=/",
                                   "--output=" + folder + "/log",
                                   "--nodes=1",
                                   "--ntasks=1",
                                   "--cpus-per-task=" + std::to_string(std::max(1U, spec.cores_max)),
                                   "--mem=" + std::to_string((bytes + kMib - 1) / kMib + kCellMib) + "M",
                                   "--time=" + std::to_string(std::max<std::int64_t>(1, options.time_max.count()))};
    if (!options.partition.empty()) words.push_back("--partition=" + options.partition);
    if (!options.account.empty()) words.push_back("--account=" + options.account);
    words.push_back(folder + "/job.sh");
    return words;
}

Result<std::string> parse_job_number(std::string_view output) {
    const std::size_t line = output.rfind('\n', output.empty() ? 0 : output.size() - 2);
    std::string_view last = trimmed(line == std::string_view::npos ? output : output.substr(line + 1));
    last = last.substr(0, last.find(';'));
    const bool is_number = !last.empty() && last.size() <= kNumberMax &&
                           std::ranges::all_of(last, [](char letter) { return letter >= '0' && letter <= '9'; });
    if (is_number) return std::string{last};
    return make_error(Errc::kUnavailable, "sbatch: " + std::string{trimmed(output).substr(0, 500)});
}

bool is_alive_state(std::string_view state) {
    constexpr std::array kAlive{"PENDING",  "CONFIGURING", "RUNNING",   "COMPLETING", "SUSPENDED",
                                "RESIZING", "REQUEUED",    "SIGNALING", "STAGE_OUT",  "STOPPED"};
    return std::ranges::find(kAlive, state) != kAlive.end();
}

bool is_taken_state(std::string_view state) {
    constexpr std::array kTaken{"CANCELLED", "PREEMPTED", "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "TIMEOUT", "REVOKED"};
    return std::ranges::find(kTaken, state) != kTaken.end();
}

std::optional<std::string> read_squeue(int status, std::string_view output) {
    const std::string_view state = trimmed(output);
    if (status != 0) {
        if (state.find("Invalid job id") != std::string_view::npos) return "";
        return std::nullopt;
    }
    const bool is_word =
        std::ranges::all_of(state, [](char letter) { return (letter >= 'A' && letter <= 'Z') || letter == '_'; });
    if (!is_word) return std::nullopt;
    return std::string{state};
}

}  // namespace vcity::adapters
