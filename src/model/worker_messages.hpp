// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "model/audit.hpp"
#include "model/job.hpp"

namespace vcity {

// What travels between a node agent and the vcity-worker in its sandbox: u32 little-endian length, then a protobuf
// WorkerFrame (proto/vcity/v1/worker.proto) of at most 8 MiB.

// --- agent -> worker
struct WorkerGenerate {
    JobId job_id;
    ModelRequest request;
    std::uint64_t epoch = 0;  // epoch_of() the receipt's start
    Hash monitor_key{};       // as announced; zero: none
    bool operator==(const WorkerGenerate&) const = default;
};
struct WorkerCancel {  // answered by WorkerDone with kCancelled
    JobId job_id;
    bool operator==(const WorkerCancel&) const = default;
};
struct WorkerOpen {
    JobId job_id;
    Hash root{};  // which tree: the job's own or that of its newest replay; a WorkerError kNotFound for any other
    AuditQuestion question{};
    bool operator==(const WorkerOpen&) const = default;
};
struct WorkerDrop {  // the trace of this job is no longer needed
    JobId job_id;
    bool operator==(const WorkerDrop&) const = default;
};

struct WorkerReplay {  // run this finished job again and keep what tier B keeps; answered by WorkerReplayed
    JobId job_id;
    bool operator==(const WorkerReplay&) const = default;
};

// --- worker -> agent
struct WorkerReady {
    std::string model;
    Hash weights_root;
    std::uint32_t context_tokens_max = 0;
    std::uint32_t vocabulary = 0;
    std::uint32_t slots = 0;
    AuditTiers tiers;
    bool operator==(const WorkerReady&) const = default;
};
struct WorkerToken {
    JobId job_id;
    std::string text;  // whole characters only; may be empty while a character is incomplete
    std::uint32_t tokens = 0;
    std::vector<TokenLogprobs> logprobs{};  // of these tokens; empty unless asked for
    bool operator==(const WorkerToken&) const = default;
};
struct WorkerDone {
    JobId job_id;
    FinishReason reason = FinishReason::kStop;
    TokenUsage usage;
    Hash verification_root;
    bool operator==(const WorkerDone&) const = default;
};
struct WorkerOpening {
    JobId job_id;
    Opening opening;
    bool operator==(const WorkerOpening&) const = default;
};
struct WorkerReplayed {  // from now on WorkerOpen opens the replay, under this root
    JobId job_id;
    Hash root;
    bool operator==(const WorkerReplayed&) const = default;
};
struct WorkerError {  // the job ended without a result, or the opening cannot be had
    JobId job_id;
    Errc code = Errc::kInternal;
    std::string message;
    bool operator==(const WorkerError&) const = default;
};

using WorkerMessage = std::variant<WorkerGenerate,
                                   WorkerCancel,
                                   WorkerOpen,
                                   WorkerDrop,
                                   WorkerReady,
                                   WorkerToken,
                                   WorkerDone,
                                   WorkerOpening,
                                   WorkerError,
                                   WorkerReplay,
                                   WorkerReplayed>;

}  // namespace vcity
