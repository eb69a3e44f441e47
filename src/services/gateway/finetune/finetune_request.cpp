// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/finetune/finetune_request.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "services/gateway/finetune/finetune_names.hpp"
#include "services/gateway/work/spec_reader.hpp"
#include "work/spec_check.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;
using spec::Member;
using Limits = work::SpecLimits;

constexpr std::size_t kModelBytesMax = 128;
constexpr std::size_t kFileIdBytesMax = 128;
constexpr std::size_t kSuffixBytesMax = 64;
constexpr std::uint32_t kEpochsMax = 50;
constexpr std::uint32_t kBatchMax = 256;
constexpr double kRateMultiplierMax = 100;
constexpr std::uint32_t kRankMax = 256;
constexpr std::uint32_t kAlphaMax = 1024;
constexpr std::size_t kMetadataMax = 16;
constexpr std::size_t kMetadataNameMax = 64;
constexpr std::size_t kMetadataValueMax = 512;
constexpr double kRateOfOne = 2e-3;  // the worker's default
constexpr std::uint32_t kDeadlineMax = 90U * 24U * 60U;

bool is_made_of(const std::string& text, std::string_view others) {
    return std::ranges::all_of(text, [&](char one) {
        return (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') || (one >= '0' && one <= '9') ||
               others.find(one) != std::string_view::npos;
    });
}

Refusal read_model(const Json& value, const std::string& path, FinetuneRequest* out) {
    if (Refusal refused = spec::read_text(value, path, kModelBytesMax, &out->model)) return refused;
    const std::string name = out->folder();
    const std::string owner = out->model.substr(0, out->model.size() - name.size());
    const bool is_name = !name.empty() && is_made_of(name, "._-") && name.front() != '.' && name.front() != '-' &&
                         !owner.starts_with('/') && !owner.starts_with('.') && is_made_of(owner, "._-/");
    if (is_name) return std::nullopt;
    return spec::refusal(ErrorCode::kInvalidValue, path, value,
                         "the name of a base model as GET /v1/models has it, or without its owner");
}

Refusal read_suffix(const Json& value, const std::string& path, FinetuneRequest* out) {
    if (Refusal refused = spec::read_text(value, path, kSuffixBytesMax, &out->suffix)) return refused;
    if (is_made_of(out->suffix, "._-")) return std::nullopt;
    return spec::refusal(ErrorCode::kInvalidValue, path, value, "made of A-Z, a-z, 0-9, '.', '_' and '-'");
}

bool is_auto(const Json& value) {
    return value.get_string() != nullptr && *value.get_string() == "auto";
}

template <std::optional<std::uint32_t> FinetuneRequest::* Field, std::uint32_t Most>
Refusal read_count(const Json& value, const std::string& path, FinetuneRequest* out) {
    if (is_auto(value)) return std::nullopt;
    return spec::read_whole(value, path, 1, Most, &(out->*Field).emplace());
}

Refusal read_rate(const Json& value, const std::string& path, FinetuneRequest* out) {
    if (is_auto(value)) return std::nullopt;
    const std::string allowed = fmt::format("\"auto\" or a number above 0 and up to {}", kRateMultiplierMax);
    double number = 0;
    if (!value.get_double(&number)) return spec::refusal(ErrorCode::kInvalidType, path, value, allowed);
    const bool is_good = std::isfinite(number) && number >= 1e-6 && number <= kRateMultiplierMax;
    if (!is_good) return spec::refusal(ErrorCode::kInvalidValue, path, value, allowed);
    out->rate_multiplier = number;
    return std::nullopt;
}

constexpr std::array kHyperparameters = {
    Member<FinetuneRequest>{"n_epochs", read_count<&FinetuneRequest::epochs, kEpochsMax>},
    Member<FinetuneRequest>{"batch_size", read_count<&FinetuneRequest::batch, kBatchMax>},
    Member<FinetuneRequest>{"learning_rate_multiplier", read_rate},
};

Refusal read_hyperparameters(const Json& value, const std::string& path, FinetuneRequest* out) {
    return spec::read_members<FinetuneRequest>(value, path, kHyperparameters, out);
}

constexpr std::array kSupervised = {Member<FinetuneRequest>{"hyperparameters", read_hyperparameters}};

constexpr std::array kMethod = {
    Member<FinetuneRequest>{"type",
                            [](const Json& value, const std::string& path, FinetuneRequest*) -> Refusal {
                                if (value.get_string() != nullptr && *value.get_string() == "supervised") {
                                    return std::nullopt;
                                }
                                return spec::refusal(ErrorCode::kUnsupportedParameter, path, value, "supervised");
                            }},
    Member<FinetuneRequest>{"supervised",
                            [](const Json& value, const std::string& path, FinetuneRequest* out) {
                                return spec::read_members<FinetuneRequest>(value, path, kSupervised, out);
                            }},
};

Refusal read_metadata(const Json& value, const std::string& path, FinetuneRequest* out) {
    const codec::JsonObject* object = value.get_object();
    if (object == nullptr) return spec::refusal(ErrorCode::kInvalidType, path, value, "an object of texts");
    bool is_good = object->size() <= kMetadataMax;
    for (const auto& [name, content] : *object) {
        const std::string* text = content.get_string();
        is_good = is_good && name.size() <= kMetadataNameMax && text != nullptr && text->size() <= kMetadataValueMax;
    }
    if (!is_good) {
        return spec::refusal(ErrorCode::kInvalidValue, path, value,
                             "an object of at most 16 texts of 512 bytes, with names of 64 bytes");
    }
    out->metadata = value;
    return std::nullopt;
}

Refusal refuse_integrations(const Json& value, const std::string& path, FinetuneRequest*) {
    if (value.get_array() != nullptr && value.get_array()->empty()) return std::nullopt;
    return spec::refusal(ErrorCode::kUnsupportedParameter, path, value, "absent or empty: there are no integrations");
}

template <std::uint32_t FinetuneRequest::* Field, std::uint32_t Least, std::uint32_t Most>
Refusal read_number(const Json& value, const std::string& path, FinetuneRequest* out) {
    return spec::read_whole(value, path, Least, Most, &(out->*Field));
}

template <std::string FinetuneRequest::* Field>
Refusal read_file(const Json& value, const std::string& path, FinetuneRequest* out) {
    return spec::read_text(value, path, kFileIdBytesMax, &(out->*Field));
}

constexpr std::array kBody = {
    Member<FinetuneRequest>{"model", read_model},
    Member<FinetuneRequest>{"training_file", read_file<&FinetuneRequest::training_file>},
    Member<FinetuneRequest>{"validation_file", read_file<&FinetuneRequest::validation_file>},
    Member<FinetuneRequest>{"suffix", read_suffix},
    Member<FinetuneRequest>{"seed", read_number<&FinetuneRequest::seed, 0, INT32_MAX>},
    Member<FinetuneRequest>{"hyperparameters", read_hyperparameters},
    Member<FinetuneRequest>{"method",
                            [](const Json& value, const std::string& path, FinetuneRequest* out) {
                                return spec::read_members<FinetuneRequest>(value, path, kMethod, out);
                            }},
    Member<FinetuneRequest>{"metadata", read_metadata},
    Member<FinetuneRequest>{"integrations", refuse_integrations},
    Member<FinetuneRequest>{"budget",
                            [](const Json& value, const std::string& path, FinetuneRequest* out) {
                                return spec::read_money(value, path, &out->budget);
                            }},
    Member<FinetuneRequest>{"rank", read_number<&FinetuneRequest::rank, 1, kRankMax>},
    Member<FinetuneRequest>{"alpha", read_number<&FinetuneRequest::alpha, 1, kAlphaMax>},
    Member<FinetuneRequest>{"seconds_max", read_number<&FinetuneRequest::seconds_max, 1, Limits::kSecondsMax>},
    Member<FinetuneRequest>{"deadline_minutes", read_number<&FinetuneRequest::deadline_minutes, 1, kDeadlineMax>},
    Member<FinetuneRequest>{"resources",
                            [](const Json& value, const std::string& path, FinetuneRequest* out) -> Refusal {
                                if (!value.is_object()) {
                                    return spec::refusal(ErrorCode::kInvalidType, path, value, "an object");
                                }
                                out->resources = value;
                                return std::nullopt;
                            }},
};

Json default_resources() {
    return codec::JsonObject{{"cpus", 1}, {"memory_gb", 2}, {"disk_gb", 2}};
}

}  // namespace

ApiResult<FinetuneRequest> parse_finetune_request(const Json& body) {
    FinetuneRequest request;
    if (Refusal refused = spec::read_members<FinetuneRequest>(body, "", kBody, &request)) return *std::move(refused);
    for (const auto& [name, value] : {std::pair{"model", &request.model}, {"training_file", &request.training_file}}) {
        if (!value->empty()) continue;
        return spec::refusal(ErrorCode::kMissingParameter, name, fmt::format("missing required parameter '{}'", name));
    }
    return request;
}

Json finetune_order(const FinetuneRequest& request) {
    codec::JsonObject inputs{{std::string{kTrainName}, codec::JsonObject{{"file", request.training_file}}}};
    codec::JsonArray command{"--model",         request.folder(),
                             "--data",          fmt::format("/job/{}", kTrainName),
                             "--out",           "/job/out",
                             "--checkpoint",    "/job/checkpoint",
                             "--epochs",        fmt::format("{}", request.epochs_used()),
                             "--batch",         fmt::format("{}", request.batch_used()),
                             "--learning-rate", fmt::format("{}", kRateOfOne * request.rate_used()),
                             "--rank",          fmt::format("{}", request.rank),
                             "--alpha",         fmt::format("{}", request.alpha),
                             "--seed",          fmt::format("{}", request.seed)};
    if (!request.validation_file.empty()) {
        inputs.emplace_back(std::string{kValidName}, codec::JsonObject{{"file", request.validation_file}});
        command.emplace_back("--validation");
        command.emplace_back(fmt::format("/job/{}", kValidName));
    }
    Json step = codec::JsonObject{
        {"name", std::string{kFinetuneStep}}, {"program", "finetune"}, {"command", std::move(command)},
        {"inputs", std::move(inputs)},        {"keeps_files", true},   {"checkpoint_seconds", 60},
        {"seconds_max", request.seconds_max}, {"retries", 2}};
    step.set("resources", request.resources.is_null() ? default_resources() : request.resources);
    codec::JsonArray steps;
    steps.push_back(std::move(step));
    return codec::JsonObject{{"name", fmt::format("finetune {}", request.model).substr(0, Limits::kNameBytesMax)},
                             {"budget", to_string(request.budget)},
                             {"deadline_minutes", request.deadline_minutes},
                             {"steps", std::move(steps)}};
}

}  // namespace vcity::gateway
