// SPDX-License-Identifier: Apache-2.0
#include "orders.hpp"

#include <fmt/core.h>

#include "codec/hex.hpp"

namespace vcity::trial {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kUnderWay = 12;  // jobs
constexpr std::uint64_t kStepsMax = 3;
constexpr auto kTurn = 20ms;
constexpr auto kAskAgain = 400ms;
constexpr std::uint32_t kStepSeconds = 60;
constexpr Usd kBudget{2'000};
constexpr std::uint64_t kDeadlineMillis = 600'000;

}  // namespace

Totals& Totals::operator+=(const Totals& other) {
    accepted += other.accepted;
    succeeded += other.succeeded;
    failed += other.failed;
    lost += other.lost;
    refused += other.refused;
    return *this;
}

OrderDesk::OrderDesk(const World& world, crypto::PrivateKey gateway, SignedCap cap)
    : world_{world},
      signer_{std::move(gateway)},
      cap_{std::move(cap)},
      link_{{.runtime = world.runtime, .dialer = world.dialer, .log = Log{nullptr, "gateway"}, .epochs = nullptr},
            link_options(world, &signer_, Role::kGateway),
            this} {}

void OrderDesk::on_connected(services::LinkSession* session, const LinkWelcome& welcome) {
    session_ = session;
    callback_("up", JobId{}, welcome.epoch);
    for (auto& [id, job] : jobs_) job.asked = TimePoint{};
}

void OrderDesk::on_disconnected() {
    session_ = nullptr;
    callback_("down", JobId{}, 0);
}

Task<void> OrderDesk::on_denied() {
    co_return;
}

void OrderDesk::start_job() {
    Job job;
    job.order.client = cap_.cap.client;
    job.order.cap = cap_;
    world_.runtime->random_bytes(job.order.job_id.bytes);
    job.order.budget = kBudget;
    job.order.deadline = world_.runtime->unix_now() + std::chrono::milliseconds{kDeadlineMillis};
    job.order.spec.name = "trial";
    StepGroup group;
    group.name = "step";
    group.command = {"/bin/true"};
    group.count = static_cast<std::uint32_t>(1 + random_below(world_.runtime, kStepsMax));
    group.seconds_max = kStepSeconds;
    group.retries = 20;  // nodes are blamed for what the test does to schedulers
    job.order.spec.groups.push_back(std::move(group));
    jobs_.emplace(job.order.job_id, std::move(job));
}

void OrderDesk::ask(Job* job, TimePoint now) {
    job->asked = now;
    if (!job->is_accepted) {
        session_->post(WorkSubmit{job->order});
        return;
    }
    WorkStatusRequest request;
    request.job_id = job->order.job_id;
    request.client = job->order.client;
    session_->post(request);
}

Task<void> OrderDesk::work() {
    while (true) {
        while (is_ordering_ && jobs_.size() < kUnderWay) start_job();
        const TimePoint now = world_.runtime->now();
        for (auto& [id, job] : jobs_) {
            if (session_ != nullptr && job.asked + kAskAgain <= now) ask(&job, now);
        }
        co_await world_.runtime->sleep_until(now + kTurn);
    }
}

void OrderDesk::on_message(Message message) {
    if (const auto* accepted = std::get_if<WorkAccepted>(&message)) {
        on_accepted(*accepted);
    } else if (const auto* failed = std::get_if<JobFailed>(&message)) {
        on_failed(*failed);
    } else if (const auto* reply = std::get_if<WorkStatusReply>(&message)) {
        on_status(*reply);
    }
}

void OrderDesk::on_accepted(const WorkAccepted& accepted) {
    const auto found = jobs_.find(accepted.job_id);
    if (found == jobs_.end() || found->second.is_accepted) return;
    found->second.is_accepted = true;
    ++totals_.accepted;
    callback_("accepted", accepted.job_id, accepted.steps.size());
}

void OrderDesk::on_failed(const JobFailed& failed) {
    const auto found = jobs_.find(failed.job_id);
    if (found == jobs_.end() || found->second.is_accepted) return;
    ++totals_.refused;
    const bool may_pass = failed.code == Errc::kExhausted || failed.code == Errc::kUnavailable ||
                          failed.code == Errc::kTimeout || failed.code == Errc::kConflict;
    if (!may_pass) {
        world_.violation("a good order was refused: " + failed.message);
        jobs_.erase(found);
    }
}

void OrderDesk::on_status(const WorkStatusReply& reply) {
    const auto found = jobs_.find(reply.job_id);
    if (found == jobs_.end() || !found->second.is_accepted) return;
    if (!reply.known) {
        ++totals_.lost;
        callback_("lost", reply.job_id, 0);
        jobs_.erase(found);
        return;
    }
    if (reply.charged > reply.budget) world_.violation("a job was charged more than its budget");
    if (reply.state == WorkState::kActive) return;
    if (reply.state == WorkState::kSucceeded) {
        ++totals_.succeeded;
    } else {
        ++totals_.failed;
        std::fprintf(stderr, "schedulers_trial: a job ended as %s: %s\n", std::string{to_string(reply.state)}.c_str(),
                     reply.error.c_str());
    }
    callback_("ended", reply.job_id, static_cast<std::uint64_t>(reply.state));
    jobs_.erase(found);
}

}  // namespace vcity::trial
