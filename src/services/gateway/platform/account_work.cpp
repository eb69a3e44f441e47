// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/platform/account_work.hpp"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "services/common/http_text.hpp"
#include "services/gateway/work/work_json.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kPlatform = "/api";
constexpr std::string_view kJobs = "/api/v1/jobs";
constexpr std::string_view kLeases = "/api/v1/leases";
constexpr std::size_t kListDefault = 20;
constexpr std::size_t kListMax = 100;
// Of notes: more active jobs than that are looked through for none.
constexpr std::size_t kNotesMax = 1'000;

bool is_held(const StepStatus& step) {
    return step.state == StepState::kLeased || step.state == StepState::kRunning;
}

codec::Json lease_json(const WorkStatusReply& job, const StepStatus& step) {
    constexpr double kMillis = 1'000;
    const std::uint64_t started = step.started_at.count();
    return codec::JsonObject{
        {"job", make_work_id(job.job_id)},
        {"job_name", job.name},
        {"step", fmt::format("{}/{}", step.group, step.index)},
        {"state", std::string{to_string(step.state)}},
        {"node", codec::to_hex(step.node)},
        {"unit", step.unit},
        {"hourly", to_string(step.hourly)},
        {"charged", to_string(step.charged)},
        {"started", started == 0 ? codec::Json{} : codec::Json{static_cast<double>(started) / kMillis}},
    };
}

}  // namespace

Task<ApiResult<ports::HttpResponse>> AccountWork::answer(Exchange* exchange, Caller caller) {
    const std::string_view path = services::path_of(exchange->request.target);
    if (path == kLeases) {
        co_return co_await leases(caller.account);
    }
    if (path == kJobs) co_return list(*exchange, caller.account);
    // A job belongs to its client, and that is all that the answers below ask a key for.
    KeyRecord key;
    key.terms.cap.cap.client = caller.account;
    exchange->request.target.erase(0, kPlatform.size());
    co_return co_await work_->answer(exchange, caller.key ? *std::move(caller.key) : std::move(key));
}

ApiResult<ports::HttpResponse> AccountWork::list(const Exchange& exchange, const Address& account) const {
    const std::string_view text = services::query_of(exchange.request.target, "limit");
    std::size_t limit = kListDefault;
    if (!text.empty()) limit = codec::parse_decimal(text).value_or(0);
    if (limit < 1 || limit > kListMax) {
        ApiError error;
        error.code = ErrorCode::kInvalidValue;
        error.param = "limit";
        error.message = "'limit' must be a whole number from 1 to 100";
        return error;
    }
    codec::JsonArray data;
    for (const WorkNote& note : notes_of(account, limit)) data.push_back(WorkApi::to_json(note));
    return services::json_response(codec::JsonObject{{"object", "list"}, {"data", std::move(data)}});
}

std::vector<WorkNote> AccountWork::notes_of(const Address& account, std::size_t limit) const {
    std::vector<WorkNote> found;
    for (const KeyRecord& key : shared_->keys->of(account)) {
        for (WorkNote& note : shared_->work->of(key.digest, limit)) found.push_back(std::move(note));
    }
    const auto newest_first = [](const WorkNote& note) { return std::tuple{note.created_unix_seconds, note.job_id}; };
    std::ranges::sort(found, std::ranges::greater{}, newest_first);
    if (found.size() > limit) found.resize(limit);
    return found;
}

Task<ApiResult<ports::HttpResponse>> AccountWork::leases(Address account) {
    codec::JsonArray data;
    std::size_t asked = 0;
    const TimePoint deadline = shared_->runtime->now() + shared_->options->work_patience;
    for (const WorkNote& note : notes_of(account, kNotesMax)) {
        if (note.state != WorkState::kActive || asked >= kLeasesJobsMax) continue;
        ++asked;
        WorkStatusRequest question{.job_id = note.job_id, .client = account, .with_history = false};
        const Result<WorkAnswer> answered = co_await shared_->schedulers->ask(std::move(question), deadline);
        if (!answered) co_return unanswered_error(answered.error());
        const auto* job = std::get_if<WorkStatusReply>(&*answered);
        if (job == nullptr || !job->known) continue;
        for (const StepStatus& step : job->steps) {
            if (is_held(step)) data.push_back(lease_json(*job, step));
        }
    }
    co_return services::json_response(codec::JsonObject{{"object", "list"}, {"data", std::move(data)}});
}

}  // namespace vcity::gateway
