// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/work/work_json.hpp"

#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "services/gateway/job_progress.hpp"
#include "services/gateway/work/termination.hpp"
#include "work/plan.hpp"
#include "work/reservation.hpp"
#include "work/spec_check.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;

constexpr std::string_view kPrefix = "job-";
constexpr std::size_t kHexDigits = 64;

// Milliseconds as seconds; null for never.
Json seconds(UnixMillis at) {
    constexpr double kMillis = 1000;
    return at.count() == 0 ? Json{} : Json{static_cast<double>(at.count()) / kMillis};
}

bool is_over(StepState state) {
    return state == StepState::kDone || state == StepState::kFailed || state == StepState::kCancelled;
}

Json step_json(const StepStatus& step) {
    const bool has_node = !step.node.is_zero();
    return codec::JsonObject{
        {"id", codec::to_hex(step.step_id)},
        {"name", fmt::format("{}/{}", step.group, step.index)},
        {"group", step.group},
        {"index", step.index},
        {"state", std::string{to_string(step.state)}},
        {"attempt", step.attempt},
        {"node", has_node ? Json{codec::to_hex(step.node)} : Json{}},
        {"unit", has_node ? Json{step.unit} : Json{}},
        {"hourly", to_string(step.hourly)},
        {"charged", to_string(step.charged)},
        {"started", seconds(step.started_at)},
        {"ended", seconds(step.ended_at)},
        {"exit_code", is_over(step.state) ? Json{static_cast<std::int64_t>(step.exit_code)} : Json{}},
        {"reason", step.reason},
    };
}

codec::JsonArray steps_json(const std::vector<StepStatus>& steps, WorkState job_state, std::string_view job_error) {
    codec::JsonArray list;
    for (const StepStatus& step : steps) {
        list.push_back(step_json(step));
        list.back().set("termination", termination_json(step, job_state, job_error));
    }
    return list;
}

// How many steps are in each state.
Json progress_json(const std::vector<StepStatus>& steps) {
    constexpr std::array kStates = {StepState::kWaiting, StepState::kQueued, StepState::kLeased,   StepState::kRunning,
                                    StepState::kDone,    StepState::kFailed, StepState::kCancelled};
    Json progress{codec::JsonObject{{"total", static_cast<std::uint64_t>(steps.size())}}};
    for (const StepState state : kStates) {
        std::uint64_t count = 0;
        for (const StepStatus& step : steps) count += step.state == state ? 1 : 0;
        progress.set(std::string{to_string(state)}, count);
    }
    return progress;
}

}  // namespace

std::string make_work_id(const JobId& job_id) {
    return std::string{kPrefix} + codec::to_hex(job_id).substr(2);
}

std::optional<JobId> job_of_work(std::string_view id) {
    if (!id.starts_with(kPrefix) || id.size() != kPrefix.size() + kHexDigits) return std::nullopt;
    const Result<JobId> job_id = codec::parse_fixed<JobId>("0x" + std::string{id.substr(kPrefix.size())});
    if (!job_id) return std::nullopt;
    return *job_id;
}

std::optional<JobId> step_of_text(const JobId& job_id, std::string_view text) {
    if (text.starts_with("0x")) {
        const Result<JobId> id = codec::parse_fixed<JobId>(text);
        return id ? std::optional{*id} : std::nullopt;
    }
    const std::size_t slash = text.find('/');
    const std::string_view group = text.substr(0, slash);
    if (group.empty() || group.size() > work::SpecLimits::kGroupNameBytesMax) return std::nullopt;
    std::uint32_t index = 0;
    if (slash != std::string_view::npos) {
        const char* end = text.data() + text.size();
        const auto [stop, code] = std::from_chars(text.data() + slash + 1, end, index);
        if (code != std::errc{} || stop != end) return std::nullopt;
    }
    return work::step_id(job_id, group, index);
}

Json work_json(const WorkStatusReply& reply) {
    return codec::JsonObject{
        {"id", make_work_id(reply.job_id)},
        {"object", "job"},
        {"name", reply.name},
        {"state", std::string{to_string(reply.state)}},
        {"budget", to_string(reply.budget)},
        {"charged", to_string(reply.charged)},
        {"created", seconds(reply.submitted_at)},
        {"ended", seconds(reply.ended_at)},
        {"error", reply.error.empty() ? Json{} : Json{reply.error}},
        {"progress", progress_json(reply.steps)},
        {"steps", steps_json(reply.steps, reply.state, reply.error)},
    };
}

Json reserved_json(const WorkAccepted& accepted, const std::string& name) {
    Json json = accepted_json(accepted, name);
    json.set("quote_id", work::reservation_number(accepted.job_id));
    return json;
}

Json accepted_json(const WorkAccepted& accepted, const std::string& name) {
    return codec::JsonObject{
        {"id", make_work_id(accepted.job_id)},
        {"object", "job"},
        {"name", name},
        {"state", std::string{to_string(WorkState::kActive)}},
        {"budget", to_string(accepted.reserved)},
        {"charged", to_string(Usd{})},
        {"progress", progress_json(accepted.steps)},
        {"steps", steps_json(accepted.steps, WorkState::kActive, "")},
    };
}

Json quote_json(const WorkQuote& quote) {
    codec::JsonArray where;
    for (const StepStatus& step : quote.steps) {
        where.emplace_back(codec::JsonObject{{"group", step.group},
                                             {"node", codec::to_hex(step.node)},
                                             {"unit", step.unit},
                                             {"hourly", to_string(step.hourly)},
                                             {"reason", step.reason}});
    }
    return codec::JsonObject{
        {"object", "job.quote"},
        {"quote_id", quote.quote_id},
        {"most", to_string(quote.most)},
        {"hourly", to_string(quote.hourly)},
        {"until", seconds(quote.until)},
        {"where", std::move(where)},
        {"text", quote.text},
    };
}

std::uint64_t next_offset(const WorkOutputReply& reply) {
    const std::string_view text = as_text(reply.bytes);
    const std::size_t whole = codec::utf8_complete_prefix(text);
    const bool is_cut = whole > 0 && whole < text.size() && !reply.is_end && codec::is_utf8(text.substr(0, whole));
    return reply.offset + (is_cut ? whole : text.size());
}

Json output_json(const WorkOutputReply& reply, std::string_view step) {
    const std::uint64_t next = next_offset(reply);
    const ByteView bytes = ByteView{reply.bytes}.first(next - reply.offset);
    const bool is_text = codec::is_utf8(as_text(bytes));
    Json json{codec::JsonObject{{"object", "job.output"}, {"step", step}, {"offset", reply.offset}}};
    json.set("next_offset", next);
    json.set("end", reply.is_end);
    json.set("encoding", is_text ? "utf-8" : "base64");
    json.set("data", is_text ? std::string{as_text(bytes)} : codec::to_base64(bytes));
    return json;
}

Json explanation_json(const WorkStatusReply& reply) {
    codec::JsonArray history;
    for (const WorkEventLine& line : reply.history) {
        history.emplace_back(codec::JsonObject{{"at", seconds(line.at)}, {"text", line.text}});
    }
    codec::JsonArray steps;
    for (const StepStatus& step : reply.steps) {
        steps.emplace_back(codec::JsonObject{{"name", fmt::format("{}/{}", step.group, step.index)},
                                             {"state", std::string{to_string(step.state)}},
                                             {"node", step.node.is_zero() ? Json{} : Json{codec::to_hex(step.node)}},
                                             {"reason", step.reason}});
    }
    return codec::JsonObject{{"id", make_work_id(reply.job_id)},
                             {"object", "job.explanation"},
                             {"state", std::string{to_string(reply.state)}},
                             {"error", reply.error.empty() ? Json{} : Json{reply.error}},
                             {"steps", std::move(steps)},
                             {"history", std::move(history)}};
}

ApiError work_error(const JobFailed& failed) {
    ApiError error = to_api_error(failed, false);
    if (failed.code == Errc::kInvalid) error.code = ErrorCode::kRequestRefused;
    if (failed.code == Errc::kNotFound) error.code = ErrorCode::kQuoteNotFound;
    if (failed.code == Errc::kConflict) error.code = ErrorCode::kIdempotencyMismatch;
    error.param = failed.code == Errc::kNotFound ? "quote_id" : "";
    return error;
}

ApiError unanswered_error(const Error& error) {
    ApiError answer;
    answer.code = error.code == Errc::kExhausted ? ErrorCode::kGatewayOverloaded : ErrorCode::kSchedulerUnavailable;
    answer.message = error.message;
    answer.retry_after = std::chrono::seconds{1};
    return answer;
}

}  // namespace vcity::gateway
