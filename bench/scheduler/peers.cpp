// SPDX-License-Identifier: Apache-2.0
#include "peers.hpp"

#include <cstdio>
#include <cstdlib>

namespace vcity::bench {
namespace {

constexpr std::uint32_t kVramMib = 81'920;
constexpr std::uint32_t kCpuMilli = 64'000;
constexpr std::uint32_t kMemoryMib = 512U << 10U;
constexpr std::uint32_t kStepSeconds = 600;
// 600 seconds at 60 micro-dollars an hour cost 10 of them.
constexpr Usd kHourly{60};
constexpr Usd kBudget{10};
constexpr std::uint64_t kDeadlineMillis = 3'600'000;

services::PeerLinkOptions link_options(const World& world, ports::Signer* signer, Role role) {
    services::PeerLinkOptions options;
    options.endpoints = {world.endpoint};
    options.introduction = {
        .deployment = world.deployment, .signer = signer, .role = role, .software_version = "bench"};
    options.session = {
        .heartbeat_every = std::chrono::seconds{5}, .lost_after = std::chrono::seconds{60}, .outbox_max = 4'000'000};
    return options;
}

}  // namespace

NodeAnnouncement offer_units(std::uint32_t units) {
    NodeAnnouncement result;
    result.kind = NodeKind::kStable;
    result.hardware.region = "local";
    result.software_version = "bench";
    for (std::uint32_t number = 0; number < units; ++number) {
        UnitOffer offer;
        offer.number = number;
        offer.gpu_model = "a100";
        offer.gpus = kGpusPerUnit;
        offer.vram_mib = kVramMib;
        offer.cpu_milli = kCpuMilli;
        offer.memory_mib = kMemoryMib;
        offer.disk_mib = kMemoryMib;
        offer.interconnect = Interconnect::kNvlink;
        offer.hourly = kHourly;
        result.units.push_back(std::move(offer));
    }
    return result;
}

WorkOrder order_pattern(SignedCap cap) {
    WorkOrder order;
    order.client = cap.cap.client;
    order.cap = std::move(cap);
    order.budget = kBudget;
    order.spec.name = "bench";
    StepGroup group;
    group.name = "step";
    group.command = {"/bin/true"};
    group.ask.gpus = 1;
    group.ask.vram_mib = kVramMib / 2;
    group.seconds_max = kStepSeconds;
    order.spec.groups.push_back(std::move(group));
    return order;
}

void fail(const Error& error) {
    std::fprintf(stderr, "scheduler_load: %s\n", error.message.c_str());
    std::exit(1);
}

UnitNode::UnitNode(const World& world, crypto::PrivateKey key, std::uint32_t units)
    : runtime_{world.runtime},
      signer_{std::move(key)},
      taken_(units),
      link_{{.runtime = world.runtime, .dialer = world.dialer, .log = Log{nullptr, "node"}, .epochs = nullptr},
            link_options(world, &signer_, Role::kCompute),
            this} {}

void UnitNode::on_connected(services::LinkSession* session, const LinkWelcome& /*welcome*/) {
    session_ = session;
    session->post(NodeReady{offer_units(static_cast<std::uint32_t>(taken_.size())), {}});
}

void UnitNode::on_message(Message message) {
    if (const auto* grant = std::get_if<StepGrant>(&message)) on_grant(*grant);
}

void UnitNode::on_grant(const StepGrant& grant) {
    ++grants_;
    if (grant.unit >= taken_.size() || (taken_[grant.unit] & grant.gpu_mask) != 0) ++double_grants_;
    if (grant.unit < taken_.size()) taken_[grant.unit] |= grant.gpu_mask;
    session_->post(StepStarted{grant.lease.job_id, grant.lease.fencing_token, runtime_->unix_now()});
}

Task<void> UnitNode::on_denied() {
    fail(make_error(Errc::kDenied, "the scheduler refuses a node"));
    co_return;
}

OrderDesk::OrderDesk(const World& world, crypto::PrivateKey gateway, SignedCap cap)
    : runtime_{world.runtime},
      signer_{std::move(gateway)},
      pattern_{order_pattern(std::move(cap))},
      link_{{.runtime = world.runtime, .dialer = world.dialer, .log = Log{nullptr, "gateway"}, .epochs = nullptr},
            link_options(world, &signer_, Role::kGateway),
            this} {}

void OrderDesk::on_connected(services::LinkSession* session, const LinkWelcome& /*welcome*/) {
    session_ = session;
}

void OrderDesk::on_disconnected() {
    session_ = nullptr;
    std::fprintf(stderr, "scheduler_load: the gateway's link broke with %zu orders open\n", open_.size());
}

Task<void> OrderDesk::on_denied() {
    fail(make_error(Errc::kDenied, "the scheduler refuses the gateway"));
    co_return;
}

bool OrderDesk::order(TimePoint due) {
    if (session_ == nullptr) return false;
    WorkSubmit submit{pattern_};
    runtime_->random_bytes(submit.order.job_id.bytes);
    submit.order.deadline = runtime_->unix_now() + std::chrono::milliseconds{kDeadlineMillis};
    open_.emplace(submit.order.job_id, due);
    return session_->post(std::move(submit));
}

void OrderDesk::on_message(Message message) {
    Outcome outcome;
    if (const auto* accepted = std::get_if<WorkAccepted>(&message)) {
        outcome.is_placed = accepted->steps.size() == 1 && accepted->steps[0].state >= StepState::kLeased &&
                            accepted->steps[0].state <= StepState::kDone;
        conclude(accepted->job_id, outcome);
    } else if (const auto* failed = std::get_if<JobFailed>(&message)) {
        outcome.is_refused = true;
        outcome.refusal = failed->code;
        if (failed->code != Errc::kExhausted) {
            std::fprintf(stderr, "scheduler_load: refused: %s\n", failed->message.c_str());
        }
        conclude(failed->job_id, outcome);
    }
}

void OrderDesk::conclude(const JobId& job_id, Outcome outcome) {
    const auto found = open_.find(job_id);
    if (found == open_.end()) return;
    outcome.due = found->second;
    outcome.answered = runtime_->now();
    open_.erase(found);
    callback_(outcome);
}

}  // namespace vcity::bench
