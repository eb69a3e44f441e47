// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "services/common/handshake.hpp"
#include "services/common/session.hpp"

namespace vcity::scheduler {

// A live session; numbers are never used twice in one run, so that a message meant for a session that has gone cannot
// reach its successor.
using SessionId = std::uint64_t;
inline constexpr SessionId kNoSession = 0;

// The sessions that stand now. The sessions are owned by the tasks that serve them.
class Switchboard {
  public:
    struct Entry {
        services::LinkSession* link = nullptr;
        services::LinkPeer peer;
    };

    SessionId add(services::LinkSession* link, services::LinkPeer peer);
    void remove(SessionId id) { entries_.erase(id); }
    const Entry* find(SessionId id) const;
    // False when the session has gone or its queue is full.
    bool post(SessionId id, Message message);
    void close(SessionId id);
    void close_all();
    std::vector<SessionId> of_role(Role role) const;

  private:
    std::map<SessionId, Entry> entries_;
    SessionId next_ = 1;
};

}  // namespace vcity::scheduler
