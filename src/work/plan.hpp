// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/node.hpp"
#include "model/work.hpp"

// From a job to its steps, and what each of them needs of a unit beyond its ask.
namespace vcity::work {

// keccak-256("vcity-step-v1" || job id || group name || index as 4 big-endian bytes).
JobId step_id(const JobId& job_id, std::string_view group, std::uint32_t index);

// What a node runs for one step: the group's command, files, ask and setup, its environment with VCITY_INDEX and
// VCITY_COUNT before the rest. Copies the files.
StepWork step_work(const StepGroup& group, std::uint32_t index);

// Files that came from other steps or earlier attempts lie in these folders of a step; the order's own have no folder.
inline constexpr std::string_view kTakenFolder = "in/";  // in/<group>/<index>/<name>
inline constexpr std::string_view kCheckpointFolder = "checkpoint/";
InputFile input_of(const StepFile& file, std::string_view folder);
// Parts of [A-Za-z0-9._-]{1,64}, none of them "." or "..", with `/` between them: at most 4 in the name of a file that
// a step left, and three folders before it in the step that gets it.
inline constexpr std::size_t kFilePartsMax = 4;
inline constexpr std::size_t kInputPartsMax = kFilePartsMax + 3;
bool is_file_path(std::string_view path, std::size_t parts_max = kFilePartsMax);
// kInvalid: too many, a name that is no such path, names that do not ascend, or no hash.
Result<void> check_files(const std::vector<StepFile>& files);

// keccak-256 over names and content (or hash and size) of the order's own files; the expensive part of step_hash, equal
// for all steps of a group.
Hash inputs_hash(const std::vector<InputFile>& inputs);
// The receipt's request hash: keccak-256("vcity-step-work-v1" || canonical bytes), where inputs_hash stands for the
// files. Two different works never have the same bytes.
Hash step_hash(const StepWork& work);
Hash step_hash(const StepWork& work, const Hash& inputs);
// Of step_work(group, index) without copying the files.
Hash step_hash(const StepGroup& group, std::uint32_t index, const Hash& inputs);
// The receipt's response hash: that of the output without files, else keccak-256("vcity-step-result-v1" || output's
// keccak-256 || canonical bytes of the files).
Hash result_hash(const Hash& output, const std::vector<StepFile>& files);
// Of everything that decides where the steps of a job may go and for how long, and nothing else: two specs with equal
// hashes have equal prices. Commands, variables and files do not matter.
Hash price_hash(const WorkSpec& spec);

// Features of a node that a step of the group cannot do without; bits of UnitFeature.
std::uint32_t features_of(const StepGroup& group);
std::uint32_t features_of(const StepWork& work);

// Programs that nodes bring along, for StepSetup::program. Their command is what follows the program's name.
inline constexpr std::string_view kFinetuneProgram = "finetune";
inline constexpr std::string_view kRenderProgram = "render";
inline constexpr std::string_view kGenerateProgram = "generate";
// They end so when what they were given is wrong: another attempt would end the same way, so there is none.
inline constexpr std::int32_t kWrongOrderExit = 2;
// Of a step that had to give way, to its node's owner or to work that pays more, and goes on elsewhere from a
// checkpoint of this attempt: the time until that checkpoint is charged. No program can end with it.
inline constexpr std::int32_t kGaveWayExit = 331;
// Of the slower of two copies of a step, which was told to stop: its time is charged, and it is nobody's failure. The
// scheduler's own word, no node's.
inline constexpr std::int32_t kLostRaceExit = 332;
// Nullopt: there is no such program.
std::optional<UnitFeature> feature_of_program(std::string_view program);

// The receipt's model root: keccak-256("vcity-command-v1").
Hash command_root();

// Work of this length or longer is at home on stable nodes, shorter bursts on flexible ones.
inline constexpr std::uint32_t kLongSeconds = 3600;

// Which kind to ask first, and which when the first has no unit that would do.
struct KindPlan {
    NodeKind first = NodeKind::kStable;
    std::optional<NodeKind> then;

    bool operator==(const KindPlan&) const = default;
};

// What goes into the demand beside the ask.
struct UnitNeeds {
    bool is_any_kind = false;  // best effort: the cheapest, wherever it is; `kinds` does not matter then
    KindPlan kinds;
    std::uint32_t unit_gpus_min = 0;  // GPUs of the unit, busy ones included
    Interconnect interconnect = Interconnect::kNone;
    bool is_training = false;    // multi-GPU privilege: goes before other work in the queue, to such units only
    bool is_one_region = false;  // gangs
    std::uint32_t features = 0;  // see features_of()

    bool operator==(const UnitNeeds&) const = default;
};

// A gang with GPUs, or steps with two or more GPUs each.
bool is_training(const StepGroup& group);

// The spec's kind, where it has one, and nothing else. Otherwise stable first for critical work, gangs and everything
// of kLongSeconds or longer, flexible first for bursts. Training needs a unit with at least two GPUs that are connected
// with each other (N10).
UnitNeeds needs_of(const WorkSpec& spec, const StepGroup& group);

// Attempts that run at the same time from the start: two for critical, speculative groups that are no gang, else one.
std::uint32_t copies_of(const WorkSpec& spec, const StepGroup& group);

}  // namespace vcity::work
