// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "model/unit.hpp"
#include "services/node/intake.hpp"

namespace vcity::node {

// One step of a customer's job that runs now.
struct RunningStep {
    JobId attempt;
    std::uint32_t unit = 0;
    std::uint32_t gpu_mask = 0;   // bit i: GPU i of the unit
    UnixMillis started_at{0};     // 0: not started yet
    std::uint32_t cpu_milli = 0;  // what it asked for
    std::uint32_t memory_mib = 0;
    std::uint64_t output_bytes = 0;
    Usd hourly;
};

struct UnitStatus {
    UnitOffer offer;
    std::uint32_t running = 0;  // steps
    std::uint32_t cpu_milli = 0;
    std::uint32_t memory_mib = 0;
    std::uint32_t gpu_mask = 0;
};

// What a node can tell of itself at one moment.
struct NodeStatus {
    Address identity;
    std::optional<Address> scheduler;  // that it was last connected to
    bool is_connected = false;
    bool takes_work = false;
    std::string pause;  // why it takes none for now, beside what the owner has said; empty: no reason
    Intake intake;
    std::string model;  // empty while it loads
    std::uint32_t slots = 0;
    std::size_t model_calls = 0;  // that run now
    std::vector<UnitStatus> units;
    std::vector<RunningStep> steps;
    std::size_t unacknowledged = 0;  // results that the scheduler has not confirmed
    std::size_t done_last_hour = 0;
};

}  // namespace vcity::node
