// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "ports/sandbox.hpp"

// What the agent and the program that runs on a cluster's node (`vcity cell`) say to each other: files in a folder that
// both see. Whoever writes a file is its only writer; `state` is replaced as a whole, `input` and `output` grow.
namespace vcity::adapters {

inline constexpr const char* kCellSpec = "spec.json";    // agent: what to run
inline constexpr const char* kCellJob = "job";           // agent: Slurm's number of the job
inline constexpr const char* kCellInput = "input";       // agent: what the program reads
inline constexpr const char* kCellOutput = "output";     // cell: what the program writes
inline constexpr const char* kCellState = "state.json";  // cell: how far it is
inline constexpr std::size_t kCellFileBytesMax = 96U << 20U;

struct CellState {
    enum class Phase : unsigned char { kRunning, kRefused, kEnded };

    Phase phase = Phase::kRunning;
    int status = 0;              // of the program, when it has ended
    bool is_lost = false;        // it has ended, and nobody knows how
    Errc code = Errc::kInvalid;  // when refused
    std::string message;         // likewise, or why it is lost

    bool operator==(const CellState&) const = default;
};

std::string to_text(const CellState& state);
// kCorrupt: not a state.
Result<CellState> parse_cell_state(std::string_view text);

// Only what a cell can do. kInvalid: an image, GPUs, a network, ways in.
Result<std::string> to_text(const ports::SandboxSpec& spec);
Result<ports::SandboxSpec> parse_cell_spec(std::string_view text);

// In place of the file, as a whole. Mode 0600.
Result<void> replace_file(const std::string& path, std::string_view content);
// kNotFound, kExhausted beyond the size.
Result<std::string> read_whole_file(const std::string& path, std::size_t bytes_max);

}  // namespace vcity::adapters
