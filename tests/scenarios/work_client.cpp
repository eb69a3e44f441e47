// SPDX-License-Identifier: Apache-2.0
#include "scenarios/work_client.hpp"

#include <algorithm>

#include "codec/hex.hpp"

namespace vcity::scenarios {

using namespace std::chrono_literals;

void WorkLedger::blame(const JobId& job_id, std::string_view what) {
    if (violation.empty()) violation = "customer of job " + codec::to_hex(job_id) + ": " + std::string{what};
}

bool WorkLedger::has_open() const {
    return std::ranges::any_of(jobs, [](const auto& entry) {
        const WorkJob::Status status = entry.second.status;
        return status != WorkJob::Status::kRefused && status != WorkJob::Status::kEnded;
    });
}

WorkClient::WorkClient(Deps deps, WorkLedger* ledger) : deps_{deps}, ledger_{ledger}, group_{deps_.runtime} {
    services::PeerLinkOptions options;
    options.endpoints = {std::string{kEndpoint}};
    options.introduction.deployment = deps_.deployment;
    options.introduction.signer = deps_.signer;
    options.introduction.role = Role::kGateway;
    services::PeerLinkDeps link_deps{deps_.runtime, deps_.dialer, Log{deps_.log, "work.link"}};
    services::PeerLinkHandler* self = this;
    link_ = std::make_unique<services::PeerLink>(std::move(link_deps), std::move(options), self);
}

Task<Result<void>> WorkClient::run() {
    group_.spawn(tend_all());
    co_await link_->run();
    co_return co_await group_.join(deps_.runtime->now() + 5s);
}

void WorkClient::stop() {
    stopping_ = true;
    link_->stop();
}

void WorkClient::post(Message message) {
    if (session_ != nullptr) session_->post(std::move(message));
}

void WorkClient::on_connected(services::LinkSession* session, const LinkWelcome& /*welcome*/) {
    session_ = session;
    for (const auto& [job_id, job] : ledger_->jobs) {
        if (job.status == WorkJob::Status::kSent) post(WorkSubmit{job.order});
    }
}

Task<void> WorkClient::on_denied() {
    co_return;
}

Task<void> WorkClient::tend_all() {
    while (!stopping_) {
        for (auto& [job_id, job] : ledger_->jobs) tend(&job);
        co_await deps_.runtime->sleep_until(deps_.runtime->now() + 250ms);
    }
}

void WorkClient::tend(WorkJob* job) {
    const TimePoint now = deps_.runtime->now();
    if (session_ == nullptr || now < job->send_at) return;
    const JobId job_id = job->order.job_id;
    if (job->status == WorkJob::Status::kPlanned) {
        job->status = WorkJob::Status::kSent;
        post(WorkSubmit{job->order});
    }
    // An answer may have been lost with the scheduler, and with it the time for asking again.
    constexpr std::uint64_t kAskedOneIn = 4;
    const bool is_open = job->status == WorkJob::Status::kSent || job->status == WorkJob::Status::kAccepted;
    if (!is_open) return;
    if (job->cancel_after && now >= job->send_at + *job->cancel_after && !job->is_cancelled) {
        job->is_cancelled = true;
        post(WorkCancel{job_id, job->order.client});
    }
    if (deps_.runtime->random_u64() % kAskedOneIn == 0) {
        post(WorkStatusRequest{job_id, job->order.client, deps_.runtime->random_u64() % kAskedOneIn == 0});
    }
    if (job->last.known && job->last.state != WorkState::kActive) read_outputs(job);
}

void WorkClient::read_outputs(WorkJob* job) {
    bool are_whole = true;
    for (const StepStatus& step : job->last.steps) {
        if (step.state != StepState::kDone) continue;
        const WorkJob::Output& output = job->outputs[step.step_id];
        if (output.is_whole) continue;
        are_whole = false;
        post(WorkOutputRequest{job->order.job_id, job->order.client, step.step_id, output.text.size()});
    }
    if (are_whole) job->status = WorkJob::Status::kEnded;
}

WorkJob* WorkClient::find(const JobId& job_id) {
    const auto found = ledger_->jobs.find(job_id);
    return found == ledger_->jobs.end() ? nullptr : &found->second;
}

void WorkClient::on_message(Message message) {
    if (auto* accepted = std::get_if<WorkAccepted>(&message)) {
        on_accepted(std::move(*accepted));
    } else if (const auto* failed = std::get_if<JobFailed>(&message)) {
        on_failed(*failed);
    } else if (auto* status = std::get_if<WorkStatusReply>(&message)) {
        on_status(std::move(*status));
    } else if (const auto* output = std::get_if<WorkOutputReply>(&message)) {
        on_output(*output);
    } else if (auto* quote = std::get_if<WorkQuote>(&message)) {
        ledger_->quote = std::move(*quote);
    } else if (auto* units = std::get_if<UnitsReply>(&message)) {
        ledger_->units = std::move(*units);
    } else if (auto* refused = std::get_if<TunnelRefused>(&message)) {
        ledger_->tunnels_refused.push_back(std::move(*refused));
    }
}

void WorkClient::on_accepted(WorkAccepted accepted) {
    WorkJob* job = find(accepted.job_id);
    if (job == nullptr || job->status == WorkJob::Status::kEnded) return;
    if (job->status == WorkJob::Status::kRefused) ledger_->blame(accepted.job_id, "accepted after it was refused");
    job->status = WorkJob::Status::kAccepted;
    job->accepted = std::move(accepted);
}

void WorkClient::on_failed(const JobFailed& failed) {
    WorkJob* job = find(failed.job_id);
    if (job == nullptr) return;
    if (failed.message.empty()) ledger_->blame(failed.job_id, "refused without a reason");
    if (job->status != WorkJob::Status::kSent) return;
    job->refusal = failed.message;
    job->refusal_code = failed.code;
    const bool is_late = failed.code == Errc::kTimeout;  // it may have lived and ended meanwhile: the status says
    if (failed.retryable && !is_late) {
        job->send_at = deps_.runtime->now() + 2s;
        job->status = WorkJob::Status::kPlanned;
    } else {
        job->status = WorkJob::Status::kRefused;
    }
}

void WorkClient::on_status(WorkStatusReply reply) {
    WorkJob* job = find(reply.job_id);
    if (job == nullptr) return;
    if (!reply.known) {
        if (job->status == WorkJob::Status::kAccepted) ledger_->blame(reply.job_id, "accepted, and then unknown");
        return;
    }
    if (job->status == WorkJob::Status::kPlanned) return;
    if (reply.charged > job->order.budget) ledger_->blame(reply.job_id, "charged beyond its budget");
    const bool was_over = job->last.known && job->last.state != WorkState::kActive;
    if (was_over && reply.state != job->last.state) ledger_->blame(reply.job_id, "ended twice, differently");
    if (reply.charged < job->last.charged) ledger_->blame(reply.job_id, "charged less than before");
    if (reply.state == WorkState::kFailed && reply.error.empty())
        ledger_->blame(reply.job_id, "failed without a reason");
    if (job->status != WorkJob::Status::kEnded) job->status = WorkJob::Status::kAccepted;
    job->last = std::move(reply);
}

void WorkClient::on_output(const WorkOutputReply& reply) {
    WorkJob* job = find(reply.job_id);
    if (job == nullptr || !reply.known) return;
    WorkJob::Output& output = job->outputs[reply.step_id];
    if (reply.offset != output.text.size() || output.is_whole) return;  // of a question of before
    output.text += as_text(reply.bytes);
    output.is_whole = reply.is_end;
}

WorkGateway::WorkGateway(World* world, std::uint64_t key, WorkLedger* ledger)
    : Machine{&world->runtime, "customers", key, 300ms}, world_{world}, ledger_{ledger} {}

void WorkGateway::start() {
    dialer_ = world_->network.dialer(&process, name());
    WorkClient::Deps deps;
    deps.runtime = &process;
    deps.dialer = dialer_.get();
    deps.signer = &signer;
    deps.deployment = &world_->deployment;
    deps.log = &world_->log;
    client_ = std::make_unique<WorkClient>(deps, ledger_);
    is_up_ = true;
    process.spawn(watch(client_->run()));
}

void WorkGateway::end_role() {
    client_->stop();
}

void WorkGateway::destroy() {
    client_.reset();
    dialer_.reset();
}

}  // namespace vcity::scenarios
