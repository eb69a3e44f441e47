// SPDX-License-Identifier: Apache-2.0
#include "work/plan.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "crypto/keccak.hpp"
#include "model/work_messages.hpp"
#include "work/byte_codec.hpp"
#include "work/order_codec.hpp"

namespace vcity::work {
namespace {

constexpr std::size_t kVariables = 2;
constexpr std::size_t kPartBytesMax = 64;

std::array<std::string, kVariables> place_variables(const StepGroup& group, std::uint32_t index) {
    return {"VCITY_INDEX=" + std::to_string(index), "VCITY_COUNT=" + std::to_string(group.count)};
}

// The bytes of a work but for its files; `put_environment` writes a list of texts.
template <class PutEnvironment>
Hash hash_work(const std::vector<std::string>& command,
               const PutEnvironment& put_environment,
               const UnitAsk& ask,
               std::uint32_t seconds_max,
               const StepSetup& setup,
               const Hash& inputs) {
    Bytes bytes;
    bytes.reserve(256);
    append(&bytes, as_bytes("vcity-step-work-v1"));
    detail::ByteWriter writer{&bytes};
    writer.put(command);
    put_environment(&writer);
    detail::put(&writer, ask);
    writer.put(seconds_max);
    detail::put(&writer, setup);
    writer.put(inputs);
    return crypto::keccak256(bytes);
}

std::uint32_t features_of(const StepSetup& setup, const std::vector<InputFile>& inputs) {
    std::uint32_t features = 0;
    const bool has_fetched = std::ranges::any_of(inputs, [](const InputFile& file) { return !file.sha256.is_zero(); });
    if (has_fetched || setup.keeps_files || setup.checkpoint_seconds != 0) features |= bit(UnitFeature::kFiles);
    if (!setup.image.empty()) features |= bit(UnitFeature::kContainers);
    if (setup.egress != Egress::kNone) features |= bit(UnitFeature::kPublicNetwork);
    if (!setup.ports.empty()) features |= bit(UnitFeature::kPorts);
    if (const auto program = feature_of_program(setup.program)) features |= bit(*program);
    return features;
}

}  // namespace

JobId step_id(const JobId& job_id, std::string_view group, std::uint32_t index) {
    std::array<std::uint8_t, 4> number{};
    for (std::size_t at = 0; at < number.size(); ++at) number[at] = static_cast<std::uint8_t>(index >> (24 - 8 * at));
    return crypto::keccak256({as_bytes("vcity-step-v1"), job_id.view(), as_bytes(group), number}).as<JobId>();
}

StepWork step_work(const StepGroup& group, std::uint32_t index) {
    StepWork work{.command = group.command,
                  .environment = {},
                  .inputs = group.inputs,
                  .ask = group.ask,
                  .seconds_max = group.seconds_max,
                  .setup = group.setup,
                  .files_url = {}};
    work.environment.reserve(kVariables + group.environment.size());
    for (std::string& variable : place_variables(group, index)) work.environment.push_back(std::move(variable));
    work.environment.insert(work.environment.end(), group.environment.begin(), group.environment.end());
    return work;
}

Hash inputs_hash(const std::vector<InputFile>& inputs) {
    Bytes bytes;
    detail::ByteWriter writer{&bytes};
    for (const InputFile& file : inputs) {
        if (file.name.find('/') != std::string::npos) continue;
        writer.put(file.name);
        writer.put(crypto::keccak256(file.content));
        writer.put(file.sha256);
        writer.put(file.bytes);
    }
    return crypto::keccak256(bytes);
}

InputFile input_of(const StepFile& file, std::string_view folder) {
    InputFile input;
    input.name = std::string{folder} + file.name;
    input.sha256 = file.sha256;
    input.bytes = file.bytes;
    return input;
}

bool is_file_path(std::string_view path, std::size_t parts_max) {
    std::size_t parts = 0;
    while (true) {
        const std::size_t end = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, end);
        const bool is_name = !part.empty() && part.size() <= kPartBytesMax && part != "." && part != ".." &&
                             std::ranges::all_of(part, [](char c) {
                                 return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                        c == '.' || c == '_' || c == '-';
                             });
        if (!is_name || ++parts > parts_max) return false;
        if (end == path.size()) return true;
        path.remove_prefix(end + 1);
    }
}

Result<void> check_files(const std::vector<StepFile>& files) {
    if (files.size() > kStepFilesMax) {
        return make_error(Errc::kInvalid, "a step left " + std::to_string(files.size()) + " files, at most " +
                                              std::to_string(kStepFilesMax) + " are kept");
    }
    for (std::size_t at = 0; at < files.size(); ++at) {
        if (!is_file_path(files[at].name)) return make_error(Errc::kInvalid, "a file's name is no path of four parts");
        if (files[at].sha256.is_zero()) return make_error(Errc::kInvalid, "a file has no hash");
        const bool is_ascending = at == 0 || files[at - 1].name < files[at].name;
        if (!is_ascending) return make_error(Errc::kInvalid, "the names of files do not ascend");
    }
    return {};
}

Hash step_hash(const StepWork& work) {
    return step_hash(work, inputs_hash(work.inputs));
}

Hash step_hash(const StepWork& work, const Hash& inputs) {
    const auto put_environment = [&](detail::ByteWriter* writer) { writer->put(work.environment); };
    return hash_work(work.command, put_environment, work.ask, work.seconds_max, work.setup, inputs);
}

Hash step_hash(const StepGroup& group, std::uint32_t index, const Hash& inputs) {
    const auto put_environment = [&](detail::ByteWriter* writer) {
        writer->put(static_cast<std::uint32_t>(kVariables + group.environment.size()));
        for (const std::string& variable : place_variables(group, index)) writer->put(variable);
        for (const std::string& variable : group.environment) writer->put(variable);
    };
    return hash_work(group.command, put_environment, group.ask, group.seconds_max, group.setup, inputs);
}

Hash result_hash(const Hash& output, const std::vector<StepFile>& files) {
    if (files.empty()) return output;
    Bytes bytes;
    append(&bytes, as_bytes("vcity-step-result-v1"));
    detail::ByteWriter writer{&bytes};
    writer.put(output);
    detail::put(&writer, files);
    return crypto::keccak256(bytes);
}

Hash price_hash(const WorkSpec& spec) {
    WorkSpec priced;
    for (const StepGroup& group : spec.groups) {
        StepGroup& copy = priced.groups.emplace_back();
        copy.name = group.name;
        copy.needs = group.needs;
        copy.count = group.count;
        copy.is_gang = group.is_gang;
        copy.ask = group.ask;
        copy.seconds_max = group.seconds_max;
        copy.is_speculative = group.is_speculative;
        // Only what decides which units would do.
        copy.setup.program = group.setup.program;
        if (!group.setup.image.empty()) copy.setup.image = "any";
        copy.setup.egress = group.setup.egress;
        if (!group.setup.ports.empty()) copy.setup.ports.resize(1);
        copy.setup.keeps_files = (features_of(group) & bit(UnitFeature::kFiles)) != 0;
    }
    priced.regions = spec.regions;
    priced.customer_region = spec.customer_region;
    priced.kind = spec.kind;
    priced.hourly_max = spec.hourly_max;
    priced.reputation_bp_min = spec.reputation_bp_min;
    priced.level_min = spec.level_min;
    priced.stake_vcai_min = spec.stake_vcai_min;
    priced.prefer = spec.prefer;
    priced.service_class = spec.service_class;
    Bytes bytes;
    append(&bytes, as_bytes("vcity-work-price-v1"));
    detail::ByteWriter writer{&bytes};
    detail::put(&writer, priced);
    return crypto::keccak256(bytes);
}

std::optional<UnitFeature> feature_of_program(std::string_view program) {
    if (program == kFinetuneProgram) return UnitFeature::kFinetune;
    if (program == kRenderProgram) return UnitFeature::kRender;
    if (program == kGenerateProgram) return UnitFeature::kGenerate;
    return std::nullopt;
}

std::uint32_t features_of(const StepGroup& group) {
    return features_of(group.setup, group.inputs) | (group.takes.empty() ? 0U : bit(UnitFeature::kFiles));
}

std::uint32_t features_of(const StepWork& work) {
    return features_of(work.setup, work.inputs);
}

Hash command_root() {
    static const Hash root = crypto::keccak256_text("vcity-command-v1");
    return root;
}

bool is_training(const StepGroup& group) {
    return group.ask.gpus >= 2 || (group.is_gang && group.ask.gpus > 0);
}

UnitNeeds needs_of(const WorkSpec& spec, const StepGroup& group) {
    UnitNeeds needs;
    const bool is_long = group.seconds_max >= kLongSeconds || group.is_gang;
    const bool is_stable = is_long || spec.service_class == ServiceClass::kCritical;
    if (spec.kind) {
        needs.kinds = {*spec.kind, std::nullopt};
    } else if (is_stable) {
        needs.kinds = {NodeKind::kStable, NodeKind::kFlexible};
    } else {
        needs.kinds = {NodeKind::kFlexible, NodeKind::kStable};
    }
    needs.is_any_kind = !spec.kind && spec.service_class == ServiceClass::kBestEffort;
    needs.interconnect = group.ask.interconnect;
    needs.is_one_region = group.is_gang;
    needs.features = features_of(group);
    needs.is_training = is_training(group);
    if (needs.is_training) {
        needs.unit_gpus_min = std::max(group.ask.gpus, 2U);
        needs.interconnect = std::max(needs.interconnect, Interconnect::kPcie);
    }
    return needs;
}

std::uint32_t copies_of(const WorkSpec& spec, const StepGroup& group) {
    return spec.service_class == ServiceClass::kCritical && group.is_speculative && !group.is_gang ? 2 : 1;
}

}  // namespace vcity::work
