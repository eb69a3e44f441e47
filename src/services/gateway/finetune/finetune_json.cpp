// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/finetune/finetune_json.hpp"

#include <fmt/format.h>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "services/gateway/finetune/finetune_names.hpp"
#include "services/gateway/work/work_json.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;
using codec::JsonObject;
using Kind = FinetuneEvent::Kind;

constexpr std::string_view kPrefix = "ftjob-";
constexpr std::size_t kHexDigits = 64;
constexpr std::size_t kShortDigits = 8;

std::string text_at(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    return value != nullptr && value->get_string() != nullptr ? *value->get_string() : std::string{};
}

// Unix seconds; null where there is none.
Json time_at(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    double seconds = 0;
    if (value == nullptr || !value->get_double(&seconds) || !(seconds > 0) || seconds > 1e12) return {};
    return static_cast<std::uint64_t>(seconds);
}

const Json* first_step(const Json& work) {
    const Json* steps = work.find("steps");
    const codec::JsonArray* list = steps == nullptr ? nullptr : steps->get_array();
    return list == nullptr || list->empty() ? nullptr : &list->front();
}

std::string status_of(const Json& work) {
    const std::string state = text_at(work, "state");
    if (state == "succeeded" || state == "failed" || state == "cancelled") return state;
    const Json* step = first_step(work);
    const std::string of_step = step == nullptr ? "" : text_at(*step, "state");
    return of_step == "running" || of_step == "done" ? "running" : "queued";
}

// What the program said last, behind what the network says.
Json error_of(const Json& work, const FinetuneProgress& progress) {
    if (text_at(work, "state") != "failed") return {};
    std::string message = text_at(work, "error");
    if (!progress.complaint.empty()) message = progress.complaint + (message.empty() ? "" : " (" + message + ")");
    if (message.empty()) message = "the job failed";
    const bool is_data = message.find(kTrainName) != std::string::npos || message.find(kValidName) != std::string::npos;
    const bool is_training = message.find(kValidName) == std::string::npos;
    return JsonObject{{"code", is_data ? "invalid_dataset" : "job_failed"},
                      {"message", message},
                      {"param", is_data ? Json{is_training ? "training_file" : "validation_file"} : Json{}}};
}

Json hyperparameters_of(const FinetuneRequest& request) {
    return JsonObject{{"n_epochs", request.epochs_used()},
                      {"batch_size", request.batch_used()},
                      {"learning_rate_multiplier", request.rate_used()}};
}

// Tokens of answers, over all epochs that were run.
Json trained_tokens(const FinetuneRecord& record, const FinetuneProgress& progress) {
    std::uint64_t tokens = 0;
    std::uint64_t steps = 0;
    std::uint64_t done = 0;
    for (const FinetuneEvent& event : progress.events) {
        if (event.kind == Kind::kStart) {
            tokens = event.tokens;
            steps = event.steps;
        }
        if (event.kind == Kind::kDone) done = event.step;
    }
    if (steps == 0 || done == 0 || done > steps) return {};
    const double all = static_cast<double>(tokens) * record.request.epochs_used();
    if (all > 1e15) return {};
    return static_cast<std::uint64_t>(all * static_cast<double>(done) / static_cast<double>(steps));
}

Json times_started(const FinetuneRecord& record, const Json& work) {
    const Json* step = first_step(work);
    Json started = step == nullptr ? Json{} : time_at(*step, "started");
    return started.is_null() ? Json{record.created_unix_seconds} : started;
}

std::string message_of(const FinetuneEvent& event) {
    const auto loss = [](std::string_view name, const std::optional<double>& value) {
        return value ? fmt::format(", {} loss {:.4f}", name, *value) : std::string{};
    };
    switch (event.kind) {
        case Kind::kStart:
            return fmt::format("{} examples, {} held out, {} steps", event.examples, event.held_out, event.steps);
        case Kind::kResumed: return fmt::format("resumed at step {} on another attempt", event.step);
        case Kind::kMetrics:
            return fmt::format("Step {}{}{}", event.step, loss("training", event.train_loss),
                               loss("validation", event.valid_loss));
        case Kind::kCheckpoint: return fmt::format("Checkpoint created at step {}", event.step);
        case Kind::kDone: return "The adapter is written";
    }
    unreachable();
}

Json metrics_json(const FinetuneEvent& event) {
    Json data = JsonObject{{"step", event.step}};
    if (event.train_loss) data.set("train_loss", *event.train_loss);
    if (event.valid_loss) data.set("valid_loss", *event.valid_loss);
    return data;
}

// {"id", ...} of a part of the job, by its number.
std::string part_id(std::string_view kind, const FinetuneRecord& record, std::size_t number) {
    return fmt::format("{}-{}-{}", kind, codec::to_hex(record.job_id).substr(2, kShortDigits), number);
}

}  // namespace

std::string make_finetune_id(const JobId& job_id) {
    return std::string{kPrefix} + codec::to_hex(job_id).substr(2);
}

std::optional<JobId> job_of_finetune(std::string_view id) {
    if (!id.starts_with(kPrefix) || id.size() != kPrefix.size() + kHexDigits) return std::nullopt;
    const Result<JobId> job_id = codec::parse_fixed<JobId>("0x" + std::string{id.substr(kPrefix.size())});
    return job_id ? std::optional{*job_id} : std::nullopt;
}

std::string tuned_model_name(const FinetuneRecord& record) {
    return fmt::format("ft:{}:vcity:{}:{}", record.request.model, record.request.suffix,
                       codec::to_hex(record.job_id).substr(2, kShortDigits));
}

Json finetune_json(const FinetuneRecord& record,
                   const Json& work,
                   const FinetuneProgress& progress,
                   const Json& files) {
    const FinetuneRequest& request = record.request;
    const std::string status = status_of(work);
    const Json hyperparameters = hyperparameters_of(request);
    const bool has_model = status == "succeeded";
    Json json =
        JsonObject{{"id", make_finetune_id(record.job_id)},
                   {"object", "fine_tuning.job"},
                   {"created_at", record.created_unix_seconds},
                   {"error", error_of(work, progress)},
                   {"fine_tuned_model", has_model ? Json{tuned_model_name(record)} : Json{}},
                   {"finished_at", time_at(work, "ended")},
                   {"hyperparameters", hyperparameters},
                   {"model", request.model},
                   {"organization_id", "vcity"},
                   {"result_files", codec::JsonArray{}},
                   {"seed", request.seed},
                   {"status", status},
                   {"trained_tokens", trained_tokens(record, progress)},
                   {"training_file", request.training_file},
                   {"validation_file", request.validation_file.empty() ? Json{} : Json{request.validation_file}},
                   {"estimated_finish", Json{}},
                   {"integrations", codec::JsonArray{}},
                   {"metadata", request.metadata}};
    json.set("method",
             JsonObject{{"type", "supervised"}, {"supervised", JsonObject{{"hyperparameters", hyperparameters}}}});
    const Json* list = files.find("data");
    json.set("vcity", JsonObject{{"job", make_work_id(record.job_id)},
                                 {"rank", request.rank},
                                 {"alpha", request.alpha},
                                 {"charged", text_at(work, "charged")},
                                 {"files", list == nullptr ? Json{codec::JsonArray{}} : *list}});
    return json;
}

codec::JsonArray event_list(const FinetuneRecord& record, const Json& work, const FinetuneProgress& progress) {
    codec::JsonArray list;
    const auto add = [&](std::string_view level, const std::string& message, const Json& at) -> Json& {
        list.emplace_back(JsonObject{{"object", "fine_tuning.job.event"},
                                     {"id", part_id("ftevent", record, list.size())},
                                     {"created_at", at},
                                     {"level", level},
                                     {"message", message},
                                     {"type", "message"},
                                     {"data", Json{}}});
        return list.back();
    };
    add("info", "Created fine-tuning job: " + make_finetune_id(record.job_id), record.created_unix_seconds);
    const Json started = times_started(record, work);
    for (const FinetuneEvent& event : progress.events) {
        Json& json = add("info", message_of(event), started);
        if (event.kind != Kind::kMetrics) continue;
        json.set("type", "metrics");
        json.set("data", metrics_json(event));
    }
    const std::string status = status_of(work);
    if (status == "queued" || status == "running") return list;
    const Json error = error_of(work, progress);
    const Json ended = time_at(work, "ended");
    const std::string message = error.is_null() ? "The job has " + status : text_at(error, "message");
    add(status == "succeeded" ? "info" : "error", message, ended.is_null() ? started : ended);
    return list;
}

codec::JsonArray checkpoint_list(const FinetuneRecord& record, const Json& work, const FinetuneProgress& progress) {
    codec::JsonArray list;
    for (const FinetuneEvent& event : progress.events) {
        if (event.kind != Kind::kCheckpoint) continue;
        const FinetuneEvent* metrics = progress.metrics_at(event.step);
        list.emplace_back(JsonObject{
            {"object", "fine_tuning.job.checkpoint"},
            {"id", part_id("ftckpt", record, list.size())},
            {"created_at", times_started(record, work)},
            {"fine_tuned_model_checkpoint", fmt::format("{}:ckpt-step-{}", tuned_model_name(record), event.step)},
            {"fine_tuning_job_id", make_finetune_id(record.job_id)},
            {"metrics", metrics == nullptr ? Json{JsonObject{{"step", event.step}}} : metrics_json(*metrics)},
            {"step_number", event.step}});
    }
    return list;
}

}  // namespace vcity::gateway
