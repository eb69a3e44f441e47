// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/scheduler_link.hpp"

#include <type_traits>
#include <utility>
#include <vector>

namespace vcity::gateway {
namespace {

constexpr std::size_t kOrphansMax = 10'000;
constexpr std::size_t kStatusWaitsMax = 1'000;
constexpr std::size_t kWorkWaitsMax = 1'000;

}  // namespace

Task<Result<JobEvent>> UpstreamJob::next(TimePoint deadline) {
    Result<JobEvent> event = co_await events_.receive(deadline);
    if (!event && event.error().code == Errc::kUnavailable) co_return last_;
    co_return event;
}

void UpstreamJob::deliver(JobEvent event) {
    if (events_.is_closed()) return;
    if (!events_.try_send(std::move(event))) end_with(EventsLost{});
}

void UpstreamJob::end_with(JobEvent last) {
    if (events_.is_closed()) return;
    last_ = std::move(last);
    events_.close();
}

SchedulerLink::SchedulerLink(const Deps& deps, const SchedulerLinkOptions& options)
    : runtime_{deps.runtime},
      log_{deps.log},
      events_per_job_max_{options.events_per_job_max},
      work_{deps.runtime, kWorkWaitsMax},
      link_{{.runtime = deps.runtime, .dialer = deps.dialer, .log = deps.log},
            {.endpoints = options.endpoints,
             .introduction = {.deployment = deps.deployment,
                              .signer = deps.signer,
                              .role = Role::kGateway,
                              .software_version = options.software_version},
             .session = options.session,
             .backoff = options.backoff},
            this} {}

void SchedulerLink::on_connected(services::LinkSession* session, const LinkWelcome& welcome) {
    session_ = session;
    scheduler_ = welcome.scheduler;
    send(OffersRequest{});
    for (const JobId& job_id : std::exchange(orphans_, {})) cancel(job_id);
}

void SchedulerLink::on_disconnected() {
    session_ = nullptr;
    for (const auto& [job_id, job] : std::exchange(jobs_, {})) {
        job->end_with(LinkLost{});
        if (orphans_.size() < kOrphansMax) orphans_.push_back(job_id);
    }
    for (const auto& [job_id, wait] : std::exchange(status_waits_, {})) wait->close();
    work_.lose_all();
}

// The operator must put this gateway's address on the scheduler's allow-list; until then, trying again is all there is.
Task<void> SchedulerLink::on_denied() {
    log_.warn("scheduler_denies_this_gateway");
    co_return;
}

Heartbeat SchedulerLink::make_heartbeat() {
    send(OffersRequest{});
    Heartbeat heartbeat;
    heartbeat.active_jobs = static_cast<std::uint32_t>(jobs_.size());
    return heartbeat;
}

void SchedulerLink::on_message(Message message) {
    std::visit(
        [this](auto&& content) {
            using Content = std::decay_t<decltype(content)>;
            if constexpr (std::is_same_v<Content, JobDone>) {
                const JobId job_id = content.receipt.receipt.job_id;
                deliver(job_id, std::forward<decltype(content)>(content));
            } else if constexpr (std::is_same_v<Content, JobFailed>) {
                const JobId job_id = content.job_id;
                if (!work_.deliver(content)) deliver(job_id, std::forward<decltype(content)>(content));
            } else if constexpr (std::is_constructible_v<WorkAnswer, Content>) {
                work_.deliver(std::forward<decltype(content)>(content));
            } else if constexpr (std::is_constructible_v<JobEvent, Content>) {
                const JobId job_id = content.job_id;
                deliver(job_id, std::forward<decltype(content)>(content));
            } else if constexpr (std::is_same_v<Content, OffersReply>) {
                offers_.update(content, runtime_->unix_now().count() / 1000);
            } else if constexpr (std::is_same_v<Content, JobStatusReply>) {
                on_status(content);
            } else if constexpr (std::is_same_v<Content, TunnelRefused>) {
                if (on_tunnel_) on_tunnel_(content);
            }
            // Nothing else is for a gateway.
        },
        std::move(message));
}

void SchedulerLink::deliver(const JobId& job_id, JobEvent event) {
    const auto found = jobs_.find(job_id);
    if (found != jobs_.end()) found->second->deliver(std::move(event));
}

bool SchedulerLink::send(Message message) {
    return session_ != nullptr && session_->post(std::move(message));
}

Result<std::shared_ptr<UpstreamJob>> SchedulerLink::submit(JobOrder order) {
    if (session_ == nullptr) return make_error(Errc::kUnavailable, "no connection to the scheduler");
    const JobId job_id = order.job_id;
    if (!send(JobRequest{std::move(order)})) return make_error(Errc::kExhausted, "the scheduler does not keep up");
    auto job = std::make_shared<UpstreamJob>(runtime_, events_per_job_max_);
    jobs_[job_id] = job;
    return job;
}

void SchedulerLink::cancel(const JobId& job_id) {
    if (!send(JobCancel{.job_id = job_id, .fencing_token = 0, .gives_way = false})) {
        if (orphans_.size() < kOrphansMax) orphans_.push_back(job_id);
    }
}

Task<Result<JobStatusReply>> SchedulerLink::status(JobId job_id, TimePoint deadline) {
    if (status_waits_.size() >= kStatusWaitsMax) co_return make_error(Errc::kExhausted, "too many status requests");
    if (!send(JobStatusRequest{job_id})) {
        co_return make_error(Errc::kUnavailable, "no connection to the scheduler");
    }
    const auto wait = std::make_shared<Channel<JobStatusReply>>(runtime_, 1);
    status_waits_.emplace(job_id, wait);
    Result<JobStatusReply> reply = co_await wait->receive(deadline);
    std::erase_if(status_waits_, [&](const auto& entry) { return entry.second == wait; });
    co_return reply;
}

Task<Result<WorkAnswer>> SchedulerLink::ask(WorkQuestion question, TimePoint deadline) {
    auto post = [this](Message message) { return send(std::move(message)); };
    co_return co_await work_.ask(std::move(question), post, deadline);
}

void SchedulerLink::on_status(const JobStatusReply& reply) {
    const auto [begin, end] = status_waits_.equal_range(reply.job_id);
    for (auto waiting = begin; waiting != end; ++waiting) waiting->second->try_send(reply);
}

}  // namespace vcity::gateway
