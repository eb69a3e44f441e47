// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/capacity_desk.hpp"

#include <utility>

namespace vcity::scheduler {

void CapacityDesk::on_question(SessionId verifier, CapacityQuestion question) {
    const Address node = question.node;
    const SessionId link = directory_->session_of(node);
    if (link == kNoSession) {
        sittings_.erase(node);
        return refuse(verifier, question, "the node is not connected");
    }
    const auto found = sittings_.find(node);
    if (found != sittings_.end() && found->second.node == link && found->second.verifier != verifier) {
        return refuse(verifier, question, "the node answers another verifier");
    }
    std::erase_if(sittings_, [&](const auto& entry) {
        const bool is_old = entry.second.verifier == verifier && entry.first != node;
        if (is_old) abandon(entry.first, entry.second);
        return is_old;
    });
    sittings_[node] = {.session = question.session, .verifier = verifier, .node = link};
    switchboard_->post(link, std::move(question));
}

void CapacityDesk::on_reply(const Address& node, CapacityReply reply) {
    const auto found = sittings_.find(node);
    if (found == sittings_.end() || found->second.session != reply.session) return;
    switchboard_->post(found->second.verifier, std::move(reply));
}

void CapacityDesk::on_session_gone(SessionId session) {
    std::erase_if(sittings_, [&](const auto& entry) {
        const Sitting& sitting = entry.second;
        if (sitting.verifier == session) abandon(entry.first, sitting);
        return sitting.verifier == session || sitting.node == session;
    });
}

void CapacityDesk::refuse(SessionId verifier, const CapacityQuestion& question, std::string reason) {
    CapacityReply reply;
    reply.session = question.session;
    reply.number = question.number;
    reply.reason = std::move(reason);
    switchboard_->post(verifier, std::move(reply));
}

void CapacityDesk::abandon(const Address& node, const Sitting& sitting) {
    CapacityQuestion over;
    over.node = node;
    over.session = sitting.session;
    switchboard_->post(sitting.node, std::move(over));
}

}  // namespace vcity::scheduler
