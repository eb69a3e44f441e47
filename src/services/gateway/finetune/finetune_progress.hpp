// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vcity::gateway {

// A line of vcity-worker finetune (docs/finetune.md).
struct FinetuneEvent {
    enum class Kind : std::uint8_t { kStart, kResumed, kMetrics, kCheckpoint, kDone };

    Kind kind = Kind::kStart;
    std::uint64_t step = 0;
    std::optional<double> train_loss{};
    std::optional<double> valid_loss{};
    std::uint64_t examples = 0;  // kStart
    std::uint64_t held_out = 0;
    std::uint64_t steps = 0;
    std::uint64_t tokens = 0;  // of one epoch that are learned from

    bool operator==(const FinetuneEvent&) const = default;
};

struct FinetuneProgress {
    std::vector<FinetuneEvent> events;  // in the order of the output, at most kFinetuneEventsMax
    std::string complaint;              // the last line that is none: why it failed, at most 500 bytes of UTF-8

    // The newest metrics at that step or before it; nullptr: none.
    const FinetuneEvent* metrics_at(std::uint64_t step) const;
};

inline constexpr std::size_t kFinetuneEventsMax = 20'000;

// Reads the output of a step, which a stranger's machine sent: any bytes. A line that is no event is skipped, and so is
// a last line without its end.
FinetuneProgress parse_finetune_progress(std::string_view output);

}  // namespace vcity::gateway
