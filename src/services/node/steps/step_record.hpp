// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "model/messages.hpp"

namespace vcity::node {

// Of a step whose sandbox outlives the agent: what a later agent must know to go on with it.
struct StepHeritage {
    StepGrant grant;
    Address scheduler;
    UnixMillis started_at{0};
    std::string volume;  // its path; empty: the step has none

    bool operator==(const StepHeritage&) const = default;
};

// What a node must not forget of a step: that it took it, and its result until the scheduler has acknowledged it.
struct StepRecord {
    Lease lease;
    std::optional<StepHeritage> heritage;  // once its command runs
    bool is_finished = false;
    // The rest only when finished.
    SignedReceipt receipt;  // without the scheduler's signature
    std::int32_t exit_code = 0;
    std::string output;
    std::vector<StepFile> files;

    bool operator==(const StepRecord&) const = default;
};

Bytes encode(const StepRecord& record);
Result<StepRecord> parse_step_record(ByteView bytes);

inline constexpr std::string_view kStepPrefix = "step/";
std::string step_key(const JobId& attempt);

}  // namespace vcity::node
