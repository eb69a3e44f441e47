// SPDX-License-Identifier: Apache-2.0
// What the desk of deployments does with replicas: their jobs, their health, and the requests that they get.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "codec/hex.hpp"
#include "services/gateway/deployments/deployment_desk.hpp"
#include "services/gateway/deployments/fleet_live.hpp"
#include "services/gateway/deployments/fleet_request.hpp"
#include "services/gateway/work/spec_reader.hpp"
#include "services/gateway/work/work_json.hpp"

namespace vcity::gateway {
namespace {

constexpr Duration kLookSoon = std::chrono::seconds{1};
constexpr Duration kLookLater = std::chrono::seconds{3};
constexpr Duration kProbeSoon = std::chrono::milliseconds{500};
constexpr Duration kProbeLater = std::chrono::seconds{3};
constexpr Duration kProbePatience = std::chrono::seconds{5};
constexpr std::chrono::seconds kUnknownMax{90};  // an order that the scheduler does not know by then is lost
constexpr unsigned kTriesMax = 4;
constexpr Duration kRetryPatience = std::chrono::seconds{15};
constexpr Duration kGlance = std::chrono::seconds{1};
constexpr std::uint64_t kHoldSecondsMax = 600;
constexpr std::string_view kHoldHeader = "x-scale-up-timeout";

std::string text_of(const codec::Json& json, std::string_view name) {
    const codec::Json* value = json.find(name);
    return value == nullptr || value->get_string() == nullptr ? std::string{} : *value->get_string();
}

ReplicaReport report_of(const codec::Json& job) {
    ReplicaReport report;
    const std::string state = text_of(job, "state");
    report.has_ended = !state.empty() && state != "active";
    const Result<Usd> charged = parse_usd(text_of(job, "charged"));
    if (charged) report.charged = *charged;
    report.reason = text_of(job, "error");
    const codec::Json* steps = job.find("steps");
    if (steps == nullptr || steps->get_array() == nullptr || steps->get_array()->empty()) return report;
    const codec::Json& step = steps->get_array()->front();
    const Result<Address> node = codec::parse_fixed<Address>(text_of(step, "node"));
    if (node) report.node = *node;
    const codec::Json* started = step.find("started");
    double seconds = 0;
    if (started != nullptr && started->get_double(&seconds) && seconds > 0) {
        report.started_at = UnixMillis{static_cast<std::uint64_t>(seconds * 1'000)};
    }
    if (report.reason.empty()) report.reason = text_of(step, "reason");
    if (report.reason.empty()) report.reason = "its job has ended: " + state;
    return report;
}

// Whether the order may still come to something, or may have.
bool is_undecided(const ApiError& error) {
    return error.code == ErrorCode::kSchedulerUnavailable || error.code == ErrorCode::kGatewayOverloaded ||
           error.code == ErrorCode::kParallelLimitExceeded || error.code == ErrorCode::kInternalError;
}

std::chrono::seconds hold_of(const ports::HttpRequest& request) {
    const std::string_view text = request.headers.get(kHoldHeader);
    std::uint64_t seconds = 0;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const bool is_number = code == std::errc{} && stop == text.data() + text.size();
    return std::chrono::seconds{is_number ? std::min(seconds, kHoldSecondsMax) : 0};
}

ApiError not_ready(const Fleet& fleet) {
    std::string why = fmt::format("no replica of {} is ready ({})", fleet.name, to_string(fleet.state()));
    const FleetVersion* version = fleet.version(fleet.target);
    if (fleet.is_budget_out) why += ": its budget is spent";
    if (version != nullptr && version->failures > 0) why += ": " + version->problem;
    ApiError error = spec::refusal(ErrorCode::kDeploymentNotReady, "", std::move(why));
    constexpr std::chrono::seconds kAgain{5};
    error.retry_after = kAgain;
    return error;
}

}  // namespace

// Whatever is to be done about the replicas that the store knows of.
void DeploymentDesk::act(const std::shared_ptr<Live>& live) {
    const TimePoint now = runtime_->now();
    const Fleet& fleet = live->fleet;
    std::erase_if(live->next_look, [&](const auto& entry) { return fleet.replica(entry.first) == nullptr; });
    std::erase_if(live->next_probe, [&](const auto& entry) { return fleet.replica(entry.first) == nullptr; });
    const bool is_linked = parts_.shared->schedulers->connected() > 0;
    for (const Replica& replica : fleet.replicas) {
        const bool is_kept = std::ranges::find(live->kept, replica.number, &Replica::number) != live->kept.end();
        if (!is_kept || !is_linked) continue;
        const std::uint64_t number = replica.number;
        if (!live->asked.contains(number) && now >= live->next_look[number]) {
            live->asked.insert(number);
            const bool is_settled = replica.state == ReplicaState::kReady || replica.state == ReplicaState::kDraining;
            live->next_look[number] = now + (is_settled ? kLookLater : kLookSoon);
            if (replica.job_id.is_zero()) {
                tasks_.spawn(order(live, number));
            } else {
                tasks_.spawn(look(live, number, replica.state == ReplicaState::kStopping));
            }
        }
        const bool is_there = replica.is_live() && replica.started_at.count() != 0;
        if (is_there && !live->probed.contains(number) && now >= live->next_probe[number]) {
            live->probed.insert(number);
            live->next_probe[number] = now + (replica.state == ReplicaState::kReady ? kProbeLater : kProbeSoon);
            tasks_.spawn(probe(live, number));
        }
    }
}

// --- jobs

Task<ApiResult<ports::HttpResponse>> DeploymentDesk::ask(
    Exchange* inner, Hash owner, std::string method, std::string target, std::string body) {
    ApiResult<KeyRecord> key = parts_.shared->keys->find(owner);
    if (!key) co_return std::move(key).error();
    inner->started = runtime_->now();
    inner->log = parts_.shared->log;
    inner->request.method = std::move(method);
    inner->request.target = std::move(target);
    inner->request.body = std::move(body);
    co_return co_await parts_.work->answer(inner, *std::move(key));
}

Task<void> DeploymentDesk::order(std::shared_ptr<Live> live, std::uint64_t number) {
    const Fleet& fleet = live->fleet;
    const Replica* replica = fleet.replica(number);
    const FleetVersion* version = replica == nullptr ? nullptr : fleet.version(replica->version);
    if (version != nullptr) {
        Exchange inner;
        inner.request_id = fmt::format("{}_{}", fleet.id, number);
        inner.request.headers.set("idempotency-key", fmt::format("deployment {} {}", fleet.id, number));
        std::string body = codec::dump_json(replica_order(fleet, *version, *replica));
        std::string method = "POST";
        std::string target{kJobsPath};
        const ApiResult<ports::HttpResponse> answer =
            co_await ask(&inner, fleet.owner, std::move(method), std::move(target), std::move(body));
        const std::optional<JobId> job_id = job_of_work(inner.headers.get("x-job-id"));
        if (answer && job_id) {
            machine_.on_ordered(&live->fleet, number, *job_id);
            live->next_look[number] = runtime_->now();
        } else if (!answer && !is_undecided(answer.error())) {
            machine_.on_refused(&live->fleet, number, answer.error().message, runtime_->unix_now());
        }
    }
    live->asked.erase(number);
    live->changed.notify();
}

Task<void> DeploymentDesk::look(std::shared_ptr<Live> live, std::uint64_t number, bool cancels) {
    const Replica* replica = live->fleet.replica(number);
    if (replica != nullptr) {
        Exchange inner;
        std::string target = std::string{kJobPath} + make_work_id(replica->job_id);
        std::string method = cancels ? "DELETE" : "GET";
        std::string none;
        const Hash owner = live->fleet.owner;
        const ApiResult<ports::HttpResponse> answer =
            co_await ask(&inner, owner, std::move(method), std::move(target), std::move(none));
        learn(live.get(), number, answer);
    }
    live->asked.erase(number);
    live->changed.notify();
}

void DeploymentDesk::learn(Live* live, std::uint64_t number, const ApiResult<ports::HttpResponse>& answer) {
    const UnixMillis now = runtime_->unix_now();
    if (answer) {
        const Result<codec::Json> job = codec::parse_json(answer->body);
        if (job) machine_.on_report(&live->fleet, number, report_of(*job), now);
        return;
    }
    const Replica* replica = live->fleet.replica(number);
    const bool is_lost = answer.error().code == ErrorCode::kJobNotFound && replica != nullptr &&
                         now >= replica->created_at + std::chrono::duration_cast<UnixMillis>(kUnknownMax);
    if (!is_lost) return;
    ReplicaReport report;
    report.has_ended = true;
    report.charged = replica->charged;
    report.reason = "the scheduler does not know its job";
    machine_.on_report(&live->fleet, number, report, now);
}

Task<void> DeploymentDesk::probe(std::shared_ptr<Live> live, std::uint64_t number) {
    const Fleet& fleet = live->fleet;
    const Replica* replica = fleet.replica(number);
    const FleetVersion* version = replica == nullptr ? nullptr : fleet.version(replica->version);
    if (version != nullptr) {
        const bool takes_any = version->readiness_path.empty();
        ReplicaPlace place{replica->job_id, fleet.client, version->group, version->port};
        std::string path = takes_any ? "/" : version->readiness_path;
        const TimePoint deadline = runtime_->now() + kProbePatience;
        const CallResult result = co_await calls_.probe(std::move(place), std::move(path), deadline);
        const bool is_answer = result.outcome == CallOutcome::kAnswered;
        const bool is_good = is_answer && (takes_any || (result.status >= 200 && result.status < 400));
        if (result.outcome != CallOutcome::kNoNews) {
            const std::size_t before = fleet.count(ReplicaState::kReady);
            machine_.on_probe(&live->fleet, number, is_good, runtime_->unix_now());
            if (fleet.count(ReplicaState::kReady) > before) {
                live->changed.notify();
                live->ready.notify();
            }
        }
    }
    live->probed.erase(number);
}

// --- requests

Task<ApiResult<DeploymentDesk::Pick>> DeploymentDesk::pick(std::shared_ptr<Live> live,
                                                           TimePoint deadline,
                                                           std::set<std::uint64_t> tried) {
    while (true) {
        const Fleet& fleet = live->fleet;
        const Replica* best = nullptr;
        for (const Replica& replica : fleet.replicas) {
            if (replica.state != ReplicaState::kReady || tried.contains(replica.number)) continue;
            if (best == nullptr || replica.active < best->active) best = &replica;
        }
        if (best != nullptr) {
            const FleetVersion* version = fleet.version(best->version);
            co_return Pick{best->number, {best->job_id, fleet.client, version->group, version->port}};
        }
        if (is_stopping_ || fleet.is_paused || fleet.is_removed) co_return not_ready(fleet);
        if (fleet.desired() == 0) {
            machine_.set_wanted(&live->fleet, 1, "a request came", runtime_->unix_now());
            live->changed.notify();
        }
        const bool is_hopeless = fleet.state() == FleetState::kFailed;
        if (is_hopeless || runtime_->now() >= deadline) co_return not_ready(fleet);
        ++live->waiting;
        const TimePoint glance = std::min(deadline, runtime_->now() + kGlance);
        co_await live->ready.wait_until(glance);
        --live->waiting;
        // One that failed may be well again.
        tried.clear();
    }
}

Task<Refusal> DeploymentDesk::forward(Exchange* exchange, Address client, std::string name, std::string rest) {
    const std::shared_ptr<Live> live = find_live(client, name);
    if (live == nullptr || live->fleet.is_removed) {
        co_return spec::refusal(ErrorCode::kDeploymentNotFound, "",
                                fmt::format("no deployment '{}' belongs to this key's client", name.substr(0, 64)));
    }
    count_demand(live.get(), 1);
    Refusal refused = co_await try_replicas(live, exchange, std::move(rest));
    count_demand(live.get(), -1);
    co_return refused;
}

Task<Refusal> DeploymentDesk::try_replicas(std::shared_ptr<Live> live, Exchange* exchange, std::string rest) {
    const TimePoint begun = runtime_->now();
    TimePoint deadline = begun + hold_of(exchange->request);
    const std::string prefix = fmt::format("/d/{}", live->fleet.name);
    std::set<std::uint64_t> tried;
    const auto month = [&]() -> SlaMonth& { return live->month_at(runtime_->unix_now()); };
    ApiError last;
    for (unsigned tries = 0; tries < kTriesMax; ++tries) {
        ApiResult<Pick> picked = co_await pick(live, deadline, tried);
        if (!picked) {
            // Before it was ever ready nothing is promised, and what sleeps by agreement is not away.
            if (live->fleet.desired() > 0 && !live->months.empty()) month().add_request({}, false);
            co_return tries == 0 ? std::move(picked).error() : last;
        }
        const std::uint64_t number = picked->number;
        if (Replica* replica = live->fleet.replica(number)) ++replica->active;
        ReplicaPlace place = picked->place;
        std::string same_rest = rest;
        std::string label = std::to_string(number);
        std::string same_prefix = prefix;
        const CallResult result = co_await calls_.forward(exchange, std::move(place), std::move(same_prefix),
                                                          std::move(same_rest), std::move(label));
        if (Replica* replica = live->fleet.replica(number)) {
            --replica->active;
            if (replica->active == 0 && replica->state == ReplicaState::kDraining) live->changed.notify();
        }
        if (result.outcome == CallOutcome::kAnswered) {
            const bool is_good = result.status < 500;
            if (!live->months.empty()) {
                month().add_request(std::chrono::duration_cast<std::chrono::milliseconds>(result.first_byte), is_good);
            }
            live->first_bytes += result.first_byte;
            ++live->answers;
            co_return std::nullopt;
        }
        if (result.is_begun) {
            if (!live->months.empty()) month().add_request({}, false);
            co_return std::nullopt;
        }
        if (!exchange->responder->is_connected())
            co_return spec::refusal(ErrorCode::kRequestTimeout, "", "it has gone");
        last = spec::refusal(ErrorCode::kStepNotReachable, "", result.problem);
        if (result.outcome == CallOutcome::kNoNews) {
            const bool is_linked = parts_.shared->schedulers->connected() > 0;
            last.code = is_linked ? ErrorCode::kParallelLimitExceeded : ErrorCode::kSchedulerUnavailable;
            last.retry_after = std::chrono::seconds{1};
            co_return last;
        }
        machine_.on_broken(&live->fleet, number, runtime_->unix_now());
        live->changed.notify();
        tried.insert(number);
        deadline = std::max(deadline, begun + kRetryPatience);
    }
    if (!live->months.empty()) month().add_request({}, false);
    co_return last;
}

}  // namespace vcity::gateway
