// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>

#include "services/scheduler/directory.hpp"
#include "services/scheduler/switchboard.hpp"

namespace vcity::scheduler {

// Relays a verifier's proof of capacity to a connected node and the answers back. One session for each node and one for
// each verifier at a time, so that nobody can make a node answer two of them at once: a second verifier hears that the
// node is busy. Keeps nothing else; the deadlines are the verifier's. Nothing here waits.
class CapacityDesk {
  public:
    CapacityDesk(Switchboard* switchboard, const Directory* directory)
        : switchboard_{switchboard}, directory_{directory} {}

    void on_question(SessionId verifier, CapacityQuestion question);
    void on_reply(const Address& node, CapacityReply reply);
    void on_session_gone(SessionId session);

  private:
    struct Sitting {
        Hash session;
        SessionId verifier = kNoSession;
        SessionId node = kNoSession;
    };

    void refuse(SessionId verifier, const CapacityQuestion& question, std::string reason);
    // Tells the node that nobody listens any more.
    void abandon(const Address& node, const Sitting& sitting);

    Switchboard* switchboard_;
    const Directory* directory_;
    std::map<Address, Sitting> sittings_;
};

}  // namespace vcity::scheduler
