// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "async/runtime.hpp"
#include "model/receipt.hpp"
#include "ports/store.hpp"

namespace vcity::node {

// On what of this machine a step ran: stands beside its receipt, which does not tell.
struct WorkOrigin {
    std::uint32_t unit = 0;
    std::uint32_t gpu_mask = 0;  // bit i: GPU i of the unit

    bool operator==(const WorkOrigin&) const = default;
};
Bytes encode(const WorkOrigin& origin);
Result<WorkOrigin> parse_work_origin(ByteView bytes);
inline constexpr std::string_view kOriginPrefix = "origin/";
std::string origin_key(const JobId& attempt);

// One result that this node has signed for.
struct WorkEntry {
    UsageReceipt receipt;
    bool is_acknowledged = false;  // the scheduler has signed it too
    bool is_step = false;          // of a job on units; otherwise a model call
    WorkOrigin origin;             // of a step
};

struct WorkPage {
    std::vector<WorkEntry> entries;
    std::string next;  // to ask for the next page; empty: this was the last one
};

inline constexpr std::size_t kWorkPageMax = 1'000;

// What a node has signed for: first the results that wait for their acknowledgement, then the countersigned receipts,
// both by job id. `after` is empty or the `next` of the page before. From the node's own store, which the agent may
// have open: then only the agent itself can ask. kInvalid: no such `after`.
Task<Result<WorkPage>> read_work(Runtime* runtime, ports::Store* store, std::string after);

}  // namespace vcity::node
