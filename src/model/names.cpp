// SPDX-License-Identifier: Apache-2.0
#include "base/check.hpp"
#include "model/work.hpp"

namespace vcity {

std::string_view to_string(Role role) {
    switch (role) {
        case Role::kCompute: return "compute";
        case Role::kScheduler: return "scheduler";
        case Role::kVerifier: return "verifier";
        case Role::kGateway: return "gateway";
    }
    unreachable();
}

std::string_view to_string(NodeKind kind) {
    switch (kind) {
        case NodeKind::kStable: return "stable";
        case NodeKind::kFlexible: return "flexible";
    }
    unreachable();
}

std::string_view to_string(FinishReason reason) {
    switch (reason) {
        case FinishReason::kStop: return "stop";
        case FinishReason::kLength: return "length";
        case FinishReason::kCancelled: return "cancelled";
    }
    unreachable();
}

std::string_view to_string(VerdictOutcome outcome) {
    switch (outcome) {
        case VerdictOutcome::kAccepted: return "accepted";
        case VerdictOutcome::kRejected: return "rejected";
        case VerdictOutcome::kNotOpened: return "not_opened";
    }
    unreachable();
}

std::string_view to_string(Verification verification) {
    switch (verification) {
        case Verification::kNone: return "none";
        case Verification::kSampled: return "sampled";
        case Verification::kFull: return "full";
        case Verification::kTee: return "tee";
    }
    unreachable();
}

std::string_view to_string(AnswerKind kind) {
    switch (kind) {
        case AnswerKind::kText: return "text";
        case AnswerKind::kEmbedding: return "embedding";
    }
    unreachable();
}

std::string_view to_string(JobState state) {
    switch (state) {
        case JobState::kQueued: return "queued";
        case JobState::kLeased: return "leased";
        case JobState::kStreaming: return "streaming";
        case JobState::kDelivered: return "delivered";
        case JobState::kBatched: return "batched";
        case JobState::kSettled: return "settled";
        case JobState::kFailed: return "failed";
        case JobState::kRejected: return "rejected";
    }
    unreachable();
}

std::string_view to_string(Interconnect interconnect) {
    switch (interconnect) {
        case Interconnect::kNone: return "none";
        case Interconnect::kPcie: return "pcie";
        case Interconnect::kNvlink: return "nvlink";
        case Interconnect::kFabric: return "fabric";
    }
    unreachable();
}

std::string_view to_string(UnitFeature feature) {
    switch (feature) {
        case UnitFeature::kFiles: return "files";
        case UnitFeature::kContainers: return "containers";
        case UnitFeature::kPublicNetwork: return "public-network";
        case UnitFeature::kPorts: return "ports";
        case UnitFeature::kFinetune: return "finetune";
        case UnitFeature::kRender: return "render";
        case UnitFeature::kGenerate: return "generate";
    }
    unreachable();
}

std::string feature_names(std::uint32_t features) {
    std::string names;
    for (std::uint32_t one = 1; one <= kAllFeatures; one <<= 1U) {
        if ((features & one) == 0) continue;
        names += (names.empty() ? "" : ", ") + std::string{to_string(static_cast<UnitFeature>(one))};
    }
    return names.empty() ? "nothing" : names;
}

std::string_view to_string(Egress egress) {
    switch (egress) {
        case Egress::kNone: return "none";
        case Egress::kPublic: return "public";
    }
    unreachable();
}

std::string_view to_string(ServiceClass service_class) {
    switch (service_class) {
        case ServiceClass::kBestEffort: return "best_effort";
        case ServiceClass::kStandard: return "standard";
        case ServiceClass::kCritical: return "critical";
    }
    unreachable();
}

std::string_view to_string(StepState state) {
    switch (state) {
        case StepState::kWaiting: return "waiting";
        case StepState::kQueued: return "queued";
        case StepState::kLeased: return "leased";
        case StepState::kRunning: return "running";
        case StepState::kDone: return "done";
        case StepState::kFailed: return "failed";
        case StepState::kCancelled: return "cancelled";
    }
    unreachable();
}

std::string_view to_string(WorkState state) {
    switch (state) {
        case WorkState::kActive: return "active";
        case WorkState::kSucceeded: return "succeeded";
        case WorkState::kFailed: return "failed";
        case WorkState::kCancelled: return "cancelled";
    }
    unreachable();
}

}  // namespace vcity
