// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "model/work.hpp"

// What happens to a job, one fact at a time. A job is what its events make of it: they are written before anything
// that follows from them is announced, and read again after a restart.
namespace vcity::work {

// What a step got. Steps are numbered over all groups of the job in the order of the spec.
struct LeaseTerms {
    std::uint32_t step = 0;
    std::uint32_t attempt = 1;
    std::uint64_t fencing_token = 0;
    Address node;
    std::uint32_t unit = 0;      // number of the node's unit
    std::uint32_t gpu_mask = 0;  // bit i: GPU i of the unit
    Usd hourly;                  // for this step
    Usd quote;                   // the most that the attempt may cost
    UnixMillis expires_at{0};
    bool is_spot = false;  // at the spot price: may be stopped for work that pays more
    std::string reason;    // why there, one sentence; at most kReasonBytesMax

    bool operator==(const LeaseTerms&) const = default;
};

// Who has to answer for an attempt that delivered nothing.
enum class Fault : std::uint8_t {
    kNode = 0,       // lost, refused, broke; does not use up the customer's retries
    kStep = 1,       // the customer's command, e.g. it took too long; uses up one
    kPreempted = 2,  // nobody: best-effort work that had to give way
};
std::string_view to_string(Fault fault);

struct Submitted {
    std::shared_ptr<const WorkOrder> order;  // never null; shared with the job, which never changes it
    std::vector<Usd> hourly_max;             // by group, that a quote has promised; empty: there was none

    bool operator==(const Submitted& other) const { return *order == *other.order && hourly_max == other.hourly_max; }
};
struct Leased {
    LeaseTerms terms;

    bool operator==(const Leased&) const = default;
};
struct GangLeased {  // all members at once, in the order of their steps
    std::vector<LeaseTerms> members;

    bool operator==(const GangLeased&) const = default;
};
struct Started {  // the node says that the command runs
    std::uint32_t step = 0;
    std::uint64_t fencing_token = 0;

    bool operator==(const Started&) const = default;
};
struct Finished {  // delivered and charged, whatever the exit code
    std::uint32_t step = 0;
    std::uint64_t fencing_token = 0;
    std::int32_t exit_code = 0;
    Usd amount;
    std::uint64_t output_bytes = 0;
    Hash receipt_hash;
    bool is_cut_short = false;      // its job is being stopped: neither done nor a failure
    std::vector<StepFile> files{};  // at most kStepFilesMax, names ascending

    bool operator==(const Finished&) const = default;
};
struct AttemptFailed {  // nothing delivered, nothing charged
    std::uint32_t step = 0;
    std::uint64_t fencing_token = 0;
    Fault fault = Fault::kNode;
    Errc code = Errc::kUnavailable;
    std::string reason;

    bool operator==(const AttemptFailed&) const = default;
};
struct GivenUp {  // a step that waits for a unit, or its whole gang, will not get one
    std::uint32_t step = 0;
    Errc code = Errc::kInvalid;
    std::string reason;

    bool operator==(const GivenUp&) const = default;
};
struct Stopped {                              // the whole job, by its customer or because its time is over
    WorkState state = WorkState::kCancelled;  // or kFailed
    Errc code = Errc::kDenied;
    std::string reason;

    bool operator==(const Stopped&) const = default;
};

struct Checkpointed {  // what a later attempt begins with; replaces the one before
    std::uint32_t step = 0;
    std::uint64_t fencing_token = 0;
    std::uint32_t sequence = 0;  // of this attempt, growing
    std::vector<StepFile> files;

    bool operator==(const Checkpointed&) const = default;
};

struct Unreachable {  // its node was away, and the attempt goes on; a service is not billed for that time
    std::uint32_t step = 0;
    std::uint64_t fencing_token = 0;
    std::uint64_t away_ms = 0;  // in all

    bool operator==(const Unreachable&) const = default;
};

using Change = std::variant<Submitted,
                            Leased,
                            GangLeased,
                            Started,
                            Finished,
                            AttemptFailed,
                            GivenUp,
                            Stopped,
                            Checkpointed,
                            Unreachable>;

struct Event {
    UnixMillis at{0};  // the scheduler's wall clock
    Change change;

    bool operator==(const Event&) const = default;
};

inline constexpr std::size_t kReasonBytesMax = 512;
// At most kReasonBytesMax of it, not cut inside a character.
std::string_view shorten(std::string_view reason);
inline constexpr std::size_t kEventBytesMax = 8U << 20U;

// Canonical bytes: version 2, time, number of the change, its fields in the order of the struct; integers big-endian,
// lists and texts with their count (4 bytes) before them. Reasons longer than kReasonBytesMax are cut.
Bytes encode(const Event& event);
// Untrusted (a disk may lie). kCorrupt for anything but what encode() writes. Allocates no more than a few times the
// size of the input. Whether the event fits a job is for Job::apply to say.
Result<Event> parse_event(ByteView bytes);

}  // namespace vcity::work
