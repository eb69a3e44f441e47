// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/work/work_request.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "services/gateway/work/setup_reader.hpp"
#include "services/gateway/work/spec_reader.hpp"
#include "work/reservation.hpp"
#include "work/spec_check.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;
using Limits = work::SpecLimits;
using spec::Member;

constexpr double kMibPerGib = 1024;
constexpr std::uint32_t kMinuteSeconds = 60;
constexpr std::uint32_t kHoldWaitMinutes = 10;
constexpr std::array<std::string_view, 3> kClasses{"best_effort", "standard", "critical"};
constexpr std::array<std::string_view, 2> kKinds{"stable", "flexible"};
constexpr std::array<std::string_view, 4> kInterconnects{"none", "pcie", "nvlink", "fabric"};

// --- resources

// "H100:2": two of this model; "any:2": two of any.
Refusal read_accelerator(const Json& value, const std::string& path, std::string* model, std::uint32_t* count) {
    constexpr std::string_view kAllowed =
        "a GPU model and how many of one machine, such as \"H100\", \"H100:2\" or "
        "\"any:1\", 8 at most";
    const std::string* text = value.get_string();
    if (text == nullptr) return spec::refusal(ErrorCode::kInvalidType, path, value, kAllowed);
    const std::size_t colon = text->find(':');
    *model = text->substr(0, colon);
    *count = 1;
    if (colon != std::string::npos) {
        const char* begin = text->data() + colon + 1;
        const char* end = text->data() + text->size();
        const auto [stop, code] = std::from_chars(begin, end, *count);
        if (code != std::errc{} || stop != end) *count = 0;
    }
    const bool is_good =
        *count >= 1 && *count <= Limits::kGpusMax && !model->empty() && model->size() <= Limits::kLabelBytesMax;
    if (!is_good) return spec::refusal(ErrorCode::kInvalidValue, path, value, kAllowed);
    if (*model == "any") model->clear();
    return std::nullopt;
}

Refusal read_accelerators(const Json& value, const std::string& path, UnitAsk* ask) {
    codec::JsonArray single;
    const codec::JsonArray* list = value.get_array();
    if (list == nullptr) {
        single.push_back(value);
        list = &single;
    }
    if (list->empty() || list->size() > Limits::kNamesMax) {
        return spec::refusal(
            ErrorCode::kInvalidValue, path,
            fmt::format("'{}' has {} entries; 1 to {} are taken", path, list->size(), Limits::kNamesMax));
    }
    bool is_any = false;
    for (std::size_t at = 0; at < list->size(); ++at) {
        const std::string where = list == &single ? path : spec::child(path, at);
        std::string model;
        std::uint32_t count = 0;
        if (Refusal refused = read_accelerator((*list)[at], where, &model, &count)) return refused;
        if (at > 0 && count != ask->gpus) {
            return spec::refusal(ErrorCode::kInvalidValue, where,
                                 fmt::format("'{}' asks for {} GPUs, the entry before for {}; all must be equal", where,
                                             count, ask->gpus));
        }
        ask->gpus = count;
        is_any = is_any || model.empty();
        ask->gpu_models.push_back(std::move(model));
    }
    if (is_any) ask->gpu_models.clear();
    return std::nullopt;
}

template <std::uint32_t UnitAsk::* Field>
Refusal read_gib(const Json& value, const std::string& path, UnitAsk* ask) {
    constexpr double kMost = Field == &UnitAsk::disk_mib     ? Limits::kDiskMibMax
                             : Field == &UnitAsk::memory_mib ? Limits::kMemoryMibMax
                                                             : Limits::kVramMibMax;
    return spec::read_scaled(value, path, {1024, kMost / kMibPerGib, "GiB"}, &(ask->*Field));
}

constexpr std::array kResources = {
    Member<UnitAsk>{"accelerators", read_accelerators},
    Member<UnitAsk>{"cpus",
                    [](const Json& value, const std::string& path, UnitAsk* ask) {
                        return spec::read_scaled(value, path, {1000, Limits::kCpuMilliMax / 1000.0, "cores"},
                                                 &ask->cpu_milli);
                    }},
    Member<UnitAsk>{"memory_gb", read_gib<&UnitAsk::memory_mib>},
    Member<UnitAsk>{"disk_gb", read_gib<&UnitAsk::disk_mib>},
    Member<UnitAsk>{"vram_gb", read_gib<&UnitAsk::vram_mib>},
    Member<UnitAsk>{"gpu_share",
                    [](const Json& value, const std::string& path, UnitAsk* ask) {
                        return spec::read_scaled(value, path, {1000, 1, "of one GPU"}, &ask->gpu_milli);
                    }},
    Member<UnitAsk>{"interconnect",
                    [](const Json& value, const std::string& path, UnitAsk* ask) {
                        std::size_t choice = 0;
                        Refusal refused = spec::read_choice(value, path, kInterconnects, &choice);
                        if (!refused) ask->interconnect = static_cast<Interconnect>(choice);
                        return refused;
                    }},
};

// --- steps

Refusal read_run(const Json& value, const std::string& path, StepGroup* group) {
    std::string script;
    if (Refusal refused = spec::read_text(value, path, Limits::kCommandBytesMax, &script)) return refused;
    if (!group->command.empty()) {
        return spec::refusal(ErrorCode::kInvalidValue, path, "'" + path + "': give 'run' or 'command', not both");
    }
    group->command = {"/bin/sh", "-c", std::move(script)};
    return std::nullopt;
}

Refusal read_command(const Json& value, const std::string& path, StepGroup* group) {
    if (!group->command.empty()) {
        return spec::refusal(ErrorCode::kInvalidValue, path, "'" + path + "': give 'run' or 'command', not both");
    }
    return spec::read_texts(value, path, Limits::kArgumentsMax, Limits::kCommandBytesMax, &group->command);
}

Refusal read_env(const Json& value, const std::string& path, StepGroup* group) {
    const codec::JsonObject* object = value.get_object();
    if (object == nullptr) {
        return spec::refusal(ErrorCode::kInvalidType, path, value, "an object such as {\"NAME\": \"value\"}");
    }
    for (const auto& [name, content] : *object) {
        std::string text;
        if (Refusal refused =
                spec::read_text(content, spec::child(path, name.substr(0, 64)), Limits::kEnvironmentBytesMax, &text)) {
            return refused;
        }
        group->environment.push_back(name + "=" + text);
    }
    return std::nullopt;
}

template <std::string StepSetup::* Field, std::size_t kBytesMax>
Refusal read_setup_text(const Json& value, const std::string& path, StepGroup* group) {
    return spec::read_text(value, path, kBytesMax, &(group->setup.*Field));
}

constexpr std::array kStep = {
    Member<StepGroup>{"name",
                      [](const Json& value, const std::string& path, StepGroup* group) {
                          return spec::read_text(value, path, Limits::kGroupNameBytesMax, &group->name);
                      }},
    Member<StepGroup>{"needs",
                      [](const Json& value, const std::string& path, StepGroup* group) {
                          return spec::read_texts(value, path, Limits::kGroupsMax, Limits::kGroupNameBytesMax,
                                                  &group->needs);
                      }},
    Member<StepGroup>{"count",
                      [](const Json& value, const std::string& path, StepGroup* group) {
                          return spec::read_whole(value, path, 1, Limits::kStepsMax, &group->count);
                      }},
    Member<StepGroup>{"gang",
                      [](const Json& value, const std::string& path, StepGroup* group) {
                          return spec::read_flag(value, path, &group->is_gang);
                      }},
    Member<StepGroup>{"run", read_run},
    Member<StepGroup>{"command", read_command},
    Member<StepGroup>{"env", read_env},
    Member<StepGroup>{"inputs", spec::read_inputs},
    Member<StepGroup>{"takes",
                      [](const Json& value, const std::string& path, StepGroup* group) {
                          return spec::read_texts(value, path, Limits::kGroupsMax, Limits::kGroupNameBytesMax,
                                                  &group->takes);
                      }},
    Member<StepGroup>{"image", read_setup_text<&StepSetup::image, Limits::kImageBytesMax>},
    Member<StepGroup>{"program", read_setup_text<&StepSetup::program, Limits::kGroupNameBytesMax>},
    Member<StepGroup>{"keeps_files",
                      [](const Json& value, const std::string& path, StepGroup* group) {
                          return spec::read_flag(value, path, &group->setup.keeps_files);
                      }},
    Member<StepGroup>{"checkpoint_seconds",
                      [](const Json& value, const std::string& path, StepGroup* group) {
                          return spec::read_whole(value, path, Limits::kCheckpointSecondsMin, Limits::kSecondsMax,
                                                  &group->setup.checkpoint_seconds);
                      }},
    Member<StepGroup>{"service",
                      [](const Json& value, const std::string& path, StepGroup* group) {
                          return spec::read_flag(value, path, &group->setup.is_service);
                      }},
    Member<StepGroup>{"ports", spec::read_ports},
    Member<StepGroup>{"egress", spec::read_egress},
    Member<StepGroup>{"resources",
                      [](const Json& value, const std::string& path, StepGroup* group) {
                          return spec::read_members<UnitAsk>(value, path, kResources, &group->ask);
                      }},
    Member<StepGroup>{"seconds_max",
                      [](const Json& value, const std::string& path, StepGroup* group) {
                          return spec::read_whole(value, path, 1, Limits::kSecondsMax, &group->seconds_max);
                      }},
    Member<StepGroup>{"retries",
                      [](const Json& value, const std::string& path, StepGroup* group) {
                          return spec::read_whole(value, path, 0, Limits::kRetriesMax, &group->retries);
                      }},
    Member<StepGroup>{"speculative",
                      [](const Json& value,
                         const std::string& path,
                         StepGroup* group) { return spec::read_flag(value, path, &group->is_speculative); }},
};

Refusal read_steps(const Json& value, const std::string& path, WorkRequest* request) {
    const codec::JsonArray* list = value.get_array();
    if (list == nullptr) return spec::refusal(ErrorCode::kInvalidType, path, value, "a list of steps");
    if (!request->spec.groups.empty()) {
        return spec::refusal(ErrorCode::kInvalidValue, path, "'" + path + "': give 'steps' or 'groups', not both");
    }
    if (list->empty() || list->size() > Limits::kGroupsMax) {
        return spec::refusal(
            ErrorCode::kInvalidValue, path,
            fmt::format("'{}' has {} entries; 1 to {} are taken", path, list->size(), Limits::kGroupsMax));
    }
    for (std::size_t at = 0; at < list->size(); ++at) {
        const std::string where = spec::child(path, at);
        StepGroup group;
        if (Refusal refused = spec::read_members<StepGroup>((*list)[at], where, kStep, &group)) return refused;
        if (group.name.empty()) group.name = list->size() == 1 ? "main" : fmt::format("step-{}", at);
        if (group.command.empty() && group.setup.program.empty() && group.setup.image.empty()) {
            return spec::refusal(ErrorCode::kMissingParameter, spec::child(where, "run"),
                                 fmt::format("'{}' has neither 'run' (a shell script) nor 'command' (a list)", where));
        }
        request->spec.groups.push_back(std::move(group));
    }
    return std::nullopt;
}

// --- where and what matters

constexpr std::array kWhere = {
    Member<WorkSpec>{"regions",
                     [](const Json& value, const std::string& path, WorkSpec* out) {
                         return spec::read_texts(value, path, Limits::kNamesMax, Limits::kLabelBytesMax, &out->regions);
                     }},
    Member<WorkSpec>{"kind",
                     [](const Json& value, const std::string& path, WorkSpec* out) {
                         std::size_t choice = 0;
                         Refusal refused = spec::read_choice(value, path, kKinds, &choice);
                         if (!refused) out->kind = static_cast<NodeKind>(choice);
                         return refused;
                     }},
    Member<WorkSpec>{"hourly_max",
                     [](const Json& value, const std::string& path, WorkSpec* out) {
                         return spec::read_money(value, path, &out->hourly_max.emplace());
                     }},
    Member<WorkSpec>{"reputation_min",
                     [](const Json& value, const std::string& path, WorkSpec* out) {
                         return spec::read_scaled(value, path, {Limits::kReputationMax, 1, "0.95 is 95 %"},
                                                  &out->reputation_bp_min);
                     }},
    Member<WorkSpec>{"level_min",
                     [](const Json& value, const std::string& path, WorkSpec* out) {
                         return spec::read_whole(value, path, 0, Limits::kLevelMax, &out->level_min);
                     }},
    Member<WorkSpec>{"spread",
                     [](const Json& value, const std::string& path, WorkSpec* out) {
                         return spec::read_text(value, path, Limits::kSpreadBytesMax, &out->spread);
                     }},
    Member<WorkSpec>{"exclusive",
                     [](const Json& value, const std::string& path, WorkSpec* out) {
                         return spec::read_flag(value, path, &out->is_exclusive);
                     }},
    Member<WorkSpec>{"stake_min",
                     [](const Json& value, const std::string& path, WorkSpec* out) {
                         return spec::read_whole(value, path, 0, UINT32_MAX, &out->stake_vcai_min);
                     }},
};

template <std::uint32_t Preferences::* Field>
Refusal read_preference(const Json& value, const std::string& path, Preferences* out) {
    return spec::read_whole(value, path, 0, Limits::kPreferenceMax, &(out->*Field));
}

constexpr std::array kPrefer = {
    Member<Preferences>{"latency", read_preference<&Preferences::latency>},
    Member<Preferences>{"price", read_preference<&Preferences::price>},
    Member<Preferences>{"quality", read_preference<&Preferences::quality>},
    Member<Preferences>{"packing", read_preference<&Preferences::packing>},
};

constexpr std::array kBody = {
    Member<WorkRequest>{"name",
                        [](const Json& value, const std::string& path, WorkRequest* out) {
                            return spec::read_text(value, path, Limits::kNameBytesMax, &out->spec.name);
                        }},
    Member<WorkRequest>{"steps", read_steps},
    Member<WorkRequest>{"groups", read_steps},
    Member<WorkRequest>{"where",
                        [](const Json& value, const std::string& path, WorkRequest* out) {
                            return spec::read_members<WorkSpec>(value, path, kWhere, &out->spec);
                        }},
    Member<WorkRequest>{"prefer",
                        [](const Json& value, const std::string& path, WorkRequest* out) {
                            return spec::read_members<Preferences>(value, path, kPrefer, &out->spec.prefer);
                        }},
    Member<WorkRequest>{"service_class",
                        [](const Json& value, const std::string& path, WorkRequest* out) {
                            std::size_t choice = 0;
                            Refusal refused = spec::read_choice(value, path, kClasses, &choice);
                            if (!refused) out->spec.service_class = static_cast<ServiceClass>(choice);
                            return refused;
                        }},
    Member<WorkRequest>{"customer_region",
                        [](const Json& value, const std::string& path, WorkRequest* out) {
                            return spec::read_text(value, path, Limits::kLabelBytesMax, &out->spec.customer_region);
                        }},
    Member<WorkRequest>{"budget",
                        [](const Json& value, const std::string& path, WorkRequest* out) {
                            return spec::read_money(value, path, &out->budget);
                        }},
    Member<WorkRequest>{"deadline_minutes",
                        [](const Json& value, const std::string& path, WorkRequest* out) {
                            return spec::read_whole(value, path, 1, kDeadlineMinutesMax, &out->deadline_minutes);
                        }},
    Member<WorkRequest>{"hold_minutes",
                        [](const Json& value, const std::string& path, WorkRequest* out) {
                            return spec::read_whole(value, path, 1, kHoldMinutesMax, &out->hold_minutes);
                        }},
    Member<WorkRequest>{"quote_id",
                        [](const Json& value, const std::string& path, WorkRequest* out) -> Refusal {
                            if (value.get_u64(&out->quote_id)) return std::nullopt;
                            return spec::refusal(ErrorCode::kInvalidType, path, value, "the number of a quote");
                        }},
};

}  // namespace

ApiResult<InputFile> no_files(const std::string& /*id*/, const std::string& path) {
    return spec::refusal(ErrorCode::kFilesUnavailable, path, "'" + path + "': there are no files here");
}

ApiResult<WorkRequest> parse_work_request(const Json& body, const FileResolver& resolve) {
    WorkRequest request;
    if (Refusal refused = spec::read_members<WorkRequest>(body, "", kBody, &request)) return *std::move(refused);
    if (request.spec.groups.empty()) {
        return spec::refusal(ErrorCode::kMissingParameter, "steps", "missing required parameter 'steps'");
    }
    if (request.budget.micro == 0) {
        return spec::refusal(ErrorCode::kMissingParameter, "budget",
                             "missing required parameter 'budget': the most that the job may cost, in dollars");
    }
    if (Refusal refused = spec::resolve_files(resolve, &request.spec)) return *std::move(refused);
    if (request.spec.name.empty()) request.spec.name = request.spec.groups.front().name;
    const Result<void> good = work::check(request.spec);
    if (!good) return spec::refusal(ErrorCode::kInvalidValue, "steps", good.error().message);
    if (request.hold_minutes == 0) return request;
    Result<WorkSpec> hold = work::hold_of(request.spec, request.hold_minutes * kMinuteSeconds);
    if (!hold) return spec::refusal(ErrorCode::kInvalidValue, "hold_minutes", hold.error().message);
    request.spec = *std::move(hold);
    // Units that are not there by then are not waited for.
    request.deadline_minutes = request.hold_minutes + kHoldWaitMinutes;
    return request;
}

}  // namespace vcity::gateway
