// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "model/job.hpp"
#include "model/node.hpp"

// Work on execution units: what a customer orders, the steps it becomes, and what is known of each of them.
namespace vcity {

// Its content, or where it is and what it must be: at `url` (https) or, with no url, in the job's space of files under
// its hash.
struct InputFile {
    std::string name;  // [A-Za-z0-9._-]{1,64}; what a node gets may lie in folders, see work/plan.hpp
    Bytes content;
    std::string url{};
    Hash sha256{};  // zero: content is all of it
    std::uint64_t bytes = 0;

    bool operator==(const InputFile&) const = default;
};

// A file that a step left, kept by its hash in the job's space of files.
struct StepFile {
    std::string name;  // path under the folder it lay in, at most 4 parts of [A-Za-z0-9._-]{1,64}
    Hash sha256;
    std::uint64_t bytes = 0;

    bool operator==(const StepFile&) const = default;
};

// Networks that a step may reach. Never the node's own, nor what answers on link-local addresses.
enum class Egress : std::uint8_t { kNone = 0, kPublic = 1 };
std::string_view to_string(Egress egress);

struct StepPort {
    std::string name;  // [a-z0-9-]{1,32}, unique in the group
    std::uint16_t port = 0;

    bool operator==(const StepPort&) const = default;
};

// What surrounds the command of a step.
struct StepSetup {
    std::string image;    // OCI reference; empty: the node's own /usr
    std::string program;  // that the node brings along, see work/plan.hpp; empty: the command itself
    Egress egress = Egress::kNone;
    std::vector<std::string> egress_hosts;  // of these only; empty: all that egress allows
    std::vector<StepPort> ports;            // reachable through the network while the step runs
    bool keeps_files = false;               // what lies in /job/out at its end is kept
    std::uint32_t checkpoint_seconds = 0;   // so often /job/checkpoint is kept for a later attempt; 0: never
    bool is_service = false;                // runs until it is stopped or its time is over; anything else is a failure

    bool operator==(const StepSetup&) const = default;
};

// Equal tasks: shards of a batch, frames of a film, replicas of a training. Each becomes one step, which learns its
// place from VCITY_INDEX (from 0) and VCITY_COUNT.
struct StepGroup {
    std::string name;                // [a-z0-9-]{1,32}, unique in the job
    std::vector<std::string> needs;  // groups that must have succeeded before
    std::vector<std::string> takes;  // of these, groups whose kept files are inputs: /job/in/<group>/<index>/<name>
    std::uint32_t count = 1;
    bool is_gang = false;                  // all at once on units of one region, or none; one failure restarts all
    std::vector<std::string> command;      // absolute path inside the sandbox, then arguments
    std::vector<std::string> environment;  // "NAME=value"
    std::vector<InputFile> inputs;         // in the working directory of each step
    UnitAsk ask;
    std::uint32_t seconds_max = 3600;  // of one attempt; then it is stopped and has failed
    std::uint32_t retries = 2;         // attempts after the first
    bool is_speculative = false;       // a straggler may get a second copy; the first to end counts
    StepSetup setup{};

    bool operator==(const StepGroup&) const = default;
};

// What matters when several units would do, 0 to 100 each.
struct Preferences {
    std::uint32_t latency = 0;
    std::uint32_t price = 50;
    std::uint32_t quality = 25;
    std::uint32_t packing = 25;

    bool operator==(const Preferences&) const = default;
};

enum class ServiceClass : std::uint8_t {
    kBestEffort = 0,  // spot: cheapest, may be stopped for somebody who pays more, and starts again
    kStandard = 1,
    kCritical = 2,  // stable units first; over-provisioned where the job allows it
};
std::string_view to_string(ServiceClass service_class);

struct WorkSpec {
    std::string name;
    std::vector<StepGroup> groups;
    // Where it may run. Empty lists: anywhere.
    std::vector<std::string> regions;
    std::string customer_region;
    std::optional<NodeKind> kind;         // none: by length, see work/plan.hpp
    std::optional<Usd> hourly_max;        // for one step and hour
    std::uint32_t reputation_bp_min = 0;  // of 10,000
    std::uint32_t level_min = 0;          // of verification, 0 to 3
    std::uint32_t stake_vcai_min = 0;     // whole tokens
    Preferences prefer;
    ServiceClass service_class = ServiceClass::kStandard;
    // Steps of this client's jobs with the same label go to nodes of different owners, while there are such.
    std::string spread{};       // at most 64 bytes; empty: wherever is best
    bool is_exclusive = false;  // on nodes that run steps of nobody else meanwhile

    bool operator==(const WorkSpec&) const = default;
};

struct WorkOrder {
    JobId job_id;  // drawn by the client: the idempotency key
    Address client;
    SignedCap cap;
    WorkSpec spec;
    Usd budget;                  // never charged more
    std::uint64_t quote_id = 0;  // of a WorkQuote whose price must hold; zero: none
    UnixMillis deadline{0};
    std::string trace_id;
    // Where the job's files are: GET, HEAD and PUT <files_url><sha256 in hex>. Its path holds a secret. Empty: the job
    // has no files but inline ones.
    std::string files_url{};

    bool operator==(const WorkOrder&) const = default;
};

// One attempt at one step as a node runs it. The lease's job id is the step's id, see work/plan.hpp.
struct StepWork {
    std::vector<std::string> command;
    std::vector<std::string> environment;
    std::vector<InputFile> inputs;
    UnitAsk ask;
    std::uint32_t seconds_max = 0;
    StepSetup setup{};
    std::string files_url{};  // of its order

    bool operator==(const StepWork&) const = default;
};

enum class StepState : std::uint8_t {
    kWaiting = 0,  // for the groups it needs
    kQueued = 1,   // for a unit
    kLeased = 2,
    kRunning = 3,  // the node has said that it started
    kDone = 4,
    kFailed = 5,  // after its last retry
    kCancelled = 6,
};
std::string_view to_string(StepState state);

enum class WorkState : std::uint8_t {
    kActive = 0,
    kSucceeded = 1,
    kFailed = 2,  // what its steps delivered before is kept
    kCancelled = 3,
};
std::string_view to_string(WorkState state);

// For people and their programs.
struct StepStatus {
    JobId step_id;
    std::string group;
    std::uint32_t index = 0;
    StepState state = StepState::kWaiting;
    std::uint32_t attempt = 0;
    Address node;  // of the newest attempt
    std::uint32_t unit = 0;
    Usd hourly;
    Usd charged;
    UnixMillis started_at{0};
    UnixMillis ended_at{0};
    std::int32_t exit_code = 0;
    std::string reason;             // why there, why nowhere yet, or why it failed
    std::vector<StepFile> files{};  // that its counted result left

    bool operator==(const StepStatus&) const = default;
};

struct WorkEventLine {
    UnixMillis at{0};
    std::string text;

    bool operator==(const WorkEventLine&) const = default;
};

}  // namespace vcity
