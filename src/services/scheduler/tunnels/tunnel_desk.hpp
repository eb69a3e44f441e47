// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>

#include "services/scheduler/directory.hpp"
#include "services/scheduler/switchboard.hpp"
#include "services/scheduler/work/work_desk.hpp"

namespace vcity::scheduler {

inline constexpr std::size_t kTunnelRelaysMax = 10'000;
// A node answers by dialling the gateway; what it has not refused by then it will not refuse.
inline constexpr std::chrono::seconds kTunnelPatience{60};

// Tells the node that runs a step that the step's customer wants to reach it, and the gateway why that cannot be. The
// bytes of a tunnel never come here. Keeps nothing but which gateway asked; nothing here waits.
class TunnelDesk {
  public:
    TunnelDesk(Runtime* runtime, Switchboard* switchboard, const Directory* directory, const WorkDesk* work)
        : runtime_{runtime}, switchboard_{switchboard}, directory_{directory}, work_{work} {}

    void on_open(SessionId gateway, TunnelOpen open);
    // Only the node that was asked may refuse.
    void on_refused(const Address& node, TunnelRefused refused);
    void on_session_gone(SessionId session);
    std::size_t waiting() const { return relays_.size(); }

  private:
    struct Relay {
        SessionId gateway = kNoSession;
        Address node;
        TimePoint until;
    };

    Result<ReachableStep> check(const TunnelOpen& open) const;
    void forget_old();

    Runtime* runtime_;
    Switchboard* switchboard_;
    const Directory* directory_;
    const WorkDesk* work_;
    std::map<TunnelId, Relay> relays_;
};

}  // namespace vcity::scheduler
