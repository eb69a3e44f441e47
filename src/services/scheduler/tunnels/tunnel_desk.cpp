// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/tunnels/tunnel_desk.hpp"

#include <algorithm>
#include <utility>

namespace vcity::scheduler {

void TunnelDesk::forget_old() {
    const TimePoint now = runtime_->now();
    std::erase_if(relays_, [now](const auto& entry) { return entry.second.until <= now; });
}

Result<ReachableStep> TunnelDesk::check(const TunnelOpen& open) const {
    TRY(ReachableStep step, work_->reach(open.job_id, open.client, open.group, open.index));
    const bool is_declared = std::ranges::find(step.ports, open.target.port, &StepPort::port) != step.ports.end();
    if (open.target.kind == TunnelKind::kPort && !is_declared) {
        return make_error(Errc::kDenied, "the step has not declared port " + std::to_string(open.target.port));
    }
    if (directory_->session_of(step.node) == kNoSession) {
        return make_error(Errc::kUnavailable, "its node cannot be reached at the moment");
    }
    return step;
}

void TunnelDesk::on_open(SessionId gateway, TunnelOpen open) {
    forget_old();
    Result<ReachableStep> step = check(open);
    const bool is_full = relays_.size() >= kTunnelRelaysMax && !relays_.contains(open.tunnel);
    if (step && is_full) step = make_error(Errc::kExhausted, "too many tunnels are being opened");
    if (!step) {
        TunnelRefused refused;
        refused.tunnel = open.tunnel;
        refused.code = step.error().code;
        refused.reason = step.error().message;
        switchboard_->post(gateway, std::move(refused));
        return;
    }
    relays_[open.tunnel] = {.gateway = gateway, .node = step->node, .until = runtime_->now() + kTunnelPatience};
    TunnelRequest request;
    request.tunnel = open.tunnel;
    request.step_id = step->attempt;
    request.fencing_token = step->fencing_token;
    request.target = std::move(open.target);
    request.url = std::move(open.url);
    switchboard_->post(directory_->session_of(step->node), std::move(request));
}

void TunnelDesk::on_refused(const Address& node, TunnelRefused refused) {
    const auto found = relays_.find(refused.tunnel);
    if (found == relays_.end() || found->second.node != node) return;
    const SessionId gateway = found->second.gateway;
    relays_.erase(found);
    switchboard_->post(gateway, std::move(refused));
}

void TunnelDesk::on_session_gone(SessionId session) {
    std::erase_if(relays_, [session](const auto& entry) { return entry.second.gateway == session; });
}

}  // namespace vcity::scheduler
