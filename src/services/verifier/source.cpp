// SPDX-License-Identifier: Apache-2.0
#include "services/verifier/source.hpp"

#include <utility>

namespace vcity::verifier {
namespace {

services::PeerLinkOptions link_options(const VerifierDeps& deps,
                                       const VerifierOptions& options,
                                       std::vector<std::string> endpoints) {
    services::PeerLinkOptions link;
    link.endpoints = std::move(endpoints);
    link.introduction.deployment = &deps.deployment;
    link.introduction.signer = deps.signer;
    link.introduction.role = Role::kVerifier;
    link.introduction.software_version = options.software_version;
    link.session = options.session;
    link.backoff = options.backoff;
    return link;
}

}  // namespace

Verifier::Source::Source(Verifier* owner, std::vector<std::string> endpoints)
    : owner_{owner},
      capacity_{{owner->deps_.runtime, owner->deps_.chain_reader, owner->deps_.metrics,
                 owner->log_.named("verifier.capacity"), [this](Message message) { return post(std::move(message)); }},
                owner->options_.capacity},
      link_{{owner->deps_.runtime, owner->deps_.dialer, owner->log_.named("verifier.link")},
            link_options(owner->deps_, owner->options_, std::move(endpoints)),
            this} {}

void Verifier::Source::stop() {
    link_.stop();
    capacity_.stop();
}

std::optional<AuditTask> Verifier::Source::take_task() {
    if (tasks_.empty()) return std::nullopt;
    AuditTask task = std::move(tasks_.front());
    tasks_.pop_front();
    return task;
}

void Verifier::Source::on_connected(services::LinkSession* session, const LinkWelcome& welcome) {
    session_ = session;
    scheduler_ = welcome.scheduler;
    owner_->count_links();
}

void Verifier::Source::on_disconnected() {
    session_ = nullptr;
    owner_->count_links();
    owner_->answered_.notify();  // nobody will answer the open question
    capacity_.on_link_lost();
}

void Verifier::Source::on_message(Message message) {
    if (auto* task = std::get_if<AuditTask>(&message)) {
        owner_->metrics_.tasks->increment();
        // Beyond the bound a task is dropped: the scheduler gives it again.
        if (tasks_.size() >= owner_->options_.tasks_queued_max) return;
        tasks_.push_back(std::move(*task));
        owner_->has_task_.notify();
    } else if (auto* opened = std::get_if<OpenReply>(&message)) {
        owner_->on_answer(this, std::move(*opened));
    } else if (auto* replayed = std::get_if<ReplayReply>(&message)) {
        owner_->on_answer(this, std::move(*replayed));
    } else if (auto* offers = std::get_if<OffersReply>(&message)) {
        capacity_.on_offers(std::move(*offers));
    } else if (auto* capacity = std::get_if<CapacityReply>(&message)) {
        capacity_.on_reply(std::move(*capacity));
    }
}

}  // namespace vcity::verifier
