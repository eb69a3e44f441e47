// SPDX-License-Identifier: Apache-2.0
#include "nodes.hpp"

#include <fmt/core.h>

#include "codec/hex.hpp"
#include "market/typed_hashes.hpp"
#include "work/plan.hpp"
#include "work/pricing.hpp"

namespace vcity::trial {
namespace {

using namespace std::chrono_literals;

constexpr auto kTurn = 10ms;
constexpr auto kSendAgain = 2s;
constexpr std::uint64_t kStepMillisMin = 50;
constexpr std::uint64_t kStepMillisRange = 600;
constexpr std::uint32_t kCpuMilli = 1'000;
constexpr std::uint32_t kMemoryMib = 1'024;
constexpr Usd kHourly{3'600};

std::string name_of(const Lease& lease) {
    return fmt::format("{} (token {})", codec::to_hex(lease.job_id).substr(0, 12), lease.fencing_token);
}

}  // namespace

services::PeerLinkOptions link_options(const World& world, ports::Signer* signer, Role role) {
    services::PeerLinkOptions options;
    options.endpoints = world.endpoints;
    options.introduction.deployment = world.deployment;
    options.introduction.signer = signer;
    options.introduction.role = role;
    options.introduction.software_version = "trial";
    options.session.heartbeat_every = 1s;
    options.backoff.first = 50ms;
    options.backoff.longest = 300ms;
    return options;
}

std::uint64_t random_below(Runtime* runtime, std::uint64_t bound) {
    return runtime->random_u64() % bound;
}

WatchfulNode::WatchfulNode(const World& world, crypto::PrivateKey key, std::string name)
    : world_{world},
      signer_{std::move(key)},
      name_{std::move(name)},
      link_{{.runtime = world.runtime, .dialer = world.dialer, .log = Log{nullptr, "node"}, .epochs = nullptr},
            link_options(world, &signer_, Role::kCompute),
            this} {}

NodeAnnouncement WatchfulNode::announcement() const {
    NodeAnnouncement result;
    result.kind = NodeKind::kStable;
    result.hardware.region = "local";
    result.software_version = "trial";
    for (std::uint32_t number = 0; number < kUnits; ++number) {
        UnitOffer offer;
        offer.number = number;
        offer.cpu_milli = kCpuMilli;
        offer.memory_mib = kMemoryMib;
        offer.hourly = kHourly;
        result.units.push_back(std::move(offer));
    }
    return result;
}

void WatchfulNode::on_connected(services::LinkSession* session, const LinkWelcome& welcome) {
    session_ = session;
    if (welcome.scheduler != world_.scheduler) world_.violation(name_ + " was welcomed by another scheduler");
    if (welcome.epoch < epoch_) {
        world_.violation(fmt::format("{} met epoch {} after {}", name_, welcome.epoch, epoch_));
    }
    epoch_ = std::max(epoch_, welcome.epoch);
    NodeReady ready;
    ready.announcement = announcement();
    for (const auto& [attempt, step] : steps_) ready.active_leases.push_back(step.grant.lease);
    post(std::move(ready));
    for (auto& [attempt, step] : steps_) {
        post(StepStarted{attempt, step.grant.lease.fencing_token, step.started_at});
        if (step.result) post(*step.result);
    }
}

Task<void> WatchfulNode::on_denied() {
    co_return;
}

void WatchfulNode::post(Message message) {
    if (session_ != nullptr) session_->post(std::move(message));
}

void WatchfulNode::on_message(Message message) {
    if (auto* grant = std::get_if<StepGrant>(&message)) {
        on_grant(std::move(*grant));
    } else if (const auto* cancel = std::get_if<JobCancel>(&message)) {
        on_cancel(*cancel);
    } else if (const auto* ack = std::get_if<ReceiptAck>(&message)) {
        on_ack(*ack);
    }
}

void WatchfulNode::on_grant(StepGrant grant) {
    const Lease lease = grant.lease;
    const auto known = steps_.find(lease.job_id);
    if (known != steps_.end()) {
        if (known->second.grant.lease != lease) {
            world_.violation(fmt::format("{}: attempt {} came twice with other terms", name_, name_of(lease)));
        }
        return;
    }
    ++grants_;
    for (const auto& [attempt, step] : steps_) {
        if (step.grant.unit != grant.unit || step.result) continue;
        world_.violation(fmt::format("{}: unit {} was granted to {} while it works for {}", name_, grant.unit,
                                     name_of(lease), name_of(step.grant.lease)));
    }
    std::uint64_t& token = tokens_[grant.unit];
    if (lease.fencing_token <= token) {
        world_.violation(
            fmt::format("{}: unit {} got token {} after {}", name_, grant.unit, lease.fencing_token, token));
    }
    token = lease.fencing_token;
    Step step;
    step.started_at = world_.runtime->unix_now();
    step.ends = world_.runtime->now() +
                std::chrono::milliseconds{kStepMillisMin + random_below(world_.runtime, kStepMillisRange)};
    step.grant = std::move(grant);
    steps_.emplace(lease.job_id, std::move(step));
    post(StepStarted{lease.job_id, lease.fencing_token, steps_.at(lease.job_id).started_at});
}

void WatchfulNode::on_cancel(const JobCancel& cancel) {
    const auto found = steps_.find(cancel.job_id);
    if (found == steps_.end() || found->second.result) return;
    if (found->second.grant.lease.fencing_token != cancel.fencing_token) return;
    NodeFailedJob failed;
    failed.job_id = cancel.job_id;
    failed.fencing_token = cancel.fencing_token;
    failed.code = Errc::kUnavailable;
    failed.reason = "cancelled";
    steps_.erase(found);
    post(std::move(failed));
}

void WatchfulNode::on_ack(const ReceiptAck& ack) {
    const auto found = steps_.find(ack.receipt.receipt.job_id);
    if (found == steps_.end() || !found->second.result) return;
    if (found->second.result->finished.receipt_hash != ack.receipt_hash) return;
    finished_ += ack.accepted ? 1 : 0;
    steps_.erase(found);
}

void WatchfulNode::finish(Step* step) {
    const StepGrant& grant = step->grant;
    UsageReceipt bill;
    bill.job_id = grant.lease.job_id;
    bill.client = grant.client;
    bill.node = signer_.address();
    bill.scheduler = world_.scheduler;
    bill.fencing_token = grant.lease.fencing_token;
    bill.quote = grant.quote;
    bill.model_root = work::command_root();
    bill.request_hash = work::step_hash(grant.work);
    bill.response_hash = market::response_hash("");
    bill.started_at = step->started_at;
    bill.finished_at = std::max(step->started_at, world_.runtime->unix_now());
    const std::chrono::milliseconds ran{(bill.finished_at - bill.started_at).count()};
    bill.units.output = work::nominal_units(grant.work.ask, ran);
    bill.amount = work::amount_of(grant.hourly, ran, grant.quote);
    StepFinished result;
    result.finished.receipt_hash = market::receipt_hash(bill);
    result.finished.job_id = bill.job_id;
    result.finished.node = bill.node;
    result.finished.fencing_token = bill.fencing_token;
    result.finished.units = bill.units;
    result.finished.amount = bill.amount;
    result.finished.response_hash = bill.response_hash;
    result.finished.started_at = bill.started_at;
    result.finished.finished_at = bill.finished_at;
    result.finished.node_signature = signer_.key().sign(market::receipt_digest(*world_.deployment, bill));
    step->result = std::move(result);
}

Task<void> WatchfulNode::work() {
    while (true) {
        const TimePoint now = world_.runtime->now();
        for (auto& [attempt, step] : steps_) {
            if (!step.result && step.ends <= now) finish(&step);
            if (!step.result || step.sent + kSendAgain > now) continue;
            step.sent = now;
            post(*step.result);
        }
        co_await world_.runtime->sleep_until(now + kTurn);
    }
}

}  // namespace vcity::trial
