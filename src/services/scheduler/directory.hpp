// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <vector>

#include "async/channel.hpp"
#include "model/messages.hpp"
#include "placement/engine.hpp"
#include "services/scheduler/calls/reputation_book.hpp"
#include "services/scheduler/probation.hpp"
#include "services/scheduler/switchboard.hpp"

namespace vcity::scheduler {

struct KnownNode {
    NodeRecord record;
    NodeAnnouncement announcement;
    SessionId session = kNoSession;  // none while it is away
    std::set<JobId> leases;          // that this scheduler holds on it, also while it is away
    std::uint32_t failures = 0;      // halved by every success
    TimePoint audited_until;         // the end of the audit epoch in which it had an audit last
    bool is_flagged = false;
    Probation probation;  // see there
};

// The nodes a scheduler knows: who is connected, what they offer, what they run for us. Memory only; it is rebuilt from
// the links after a restart, except for flags, probations and reputations, which come from the store.
class Directory {
  public:
    explicit Directory(Runtime* runtime) : runtime_{runtime}, changed_{runtime} {}

    // Returns the session this one replaces, if any: the same identity has dialled again.
    SessionId connect(const NodeRecord& record, SessionId session);
    // No effect when the node has another session by now.
    void disconnect(const Address& node, SessionId session);
    // kInvalid when a text or a count is beyond its bound.
    Result<void> announce(const Address& node, NodeAnnouncement announcement);

    void occupy(const Address& node, const JobId& job_id) { nodes_[node].leases.insert(job_id); }
    void release(const Address& node, const JobId& job_id);
    void note_failure(const Address& node) { ++nodes_[node].failures; }
    void note_success(const Address& node);
    // What this scheduler's own records say the node is worth, in basis points; see market/reputation.hpp.
    std::uint16_t reputation_bp(const Address& node) const {
        return reputations_.basis_points(node, runtime_->unix_now());
    }
    ReputationBook& reputations() { return reputations_; }
    const ReputationBook& reputations() const { return reputations_; }
    // A result of the node was accepted and is charged, or the node failed a customer.
    void note_delivery(const Address& node, const market::Delivery& delivery) {
        reputations_.note_delivery(node, delivery, runtime_->unix_now());
    }
    void flag(const Address& node) { nodes_[node].is_flagged = true; }

    const KnownNode* find(const Address& node) const;
    KnownNode* find(const Address& node);
    SessionId session_of(const Address& node) const;
    std::vector<placement::Candidate> candidates() const;
    OffersReply offers() const;
    Probation& probation_of(const Address& node) { return nodes_[node].probation; }
    std::size_t connected() const;
    std::uint64_t slots_connected() const;

    // True when something changed that may free a waiting job, false at the deadline.
    Task<bool> wait_for_change(TimePoint deadline) { return changed_.wait_until(deadline); }
    void wake_all() { changed_.notify(); }

  private:
    bool is_barred(const KnownNode& node) const {
        return node.is_flagged || node.probation.is_suspended(runtime_->unix_now());
    }

    Runtime* runtime_;
    std::map<Address, KnownNode> nodes_;
    ReputationBook reputations_;
    Notifier changed_;
};

}  // namespace vcity::scheduler
