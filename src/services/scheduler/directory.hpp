// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string_view>
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

    // Told of every change that matters for the choice of a node.
    void set_watcher(std::function<void(const Address&)> watcher) { watcher_ = std::move(watcher); }
    // Its probation was changed.
    void probation_changed(const Address& node) { changed(node); }

    void occupy(const Address& node, const JobId& job_id);
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
        changed(node);
    }
    void flag(const Address& node);

    const std::map<Address, KnownNode>& nodes() const { return nodes_; }
    const KnownNode* find(const Address& node) const;
    KnownNode* find(const Address& node);
    SessionId session_of(const Address& node) const;
    bool is_barred(const Address& node) const {
        const KnownNode* known = find(node);
        return known == nullptr || is_barred(*known);
    }
    std::vector<placement::Candidate> candidates() const;
    // What these offer of one model.
    std::vector<placement::Candidate> candidates(const std::set<Address>& nodes, std::string_view model) const;
    // Flagged or suspended: it gets no jobs.
    bool is_barred(const KnownNode& node) const {
        return node.is_flagged || node.probation.is_suspended(runtime_->unix_now());
    }
    OffersReply offers() const;
    // Of a thousand results so many are audited by lottery: what the audits so far ask for, and never fewer than of a
    // newcomer while the name is worth less than a newcomer's.
    std::uint32_t audit_per_mille(const Address& node, const AuditRates& rates) const;
    Probation& probation_of(const Address& node) { return nodes_[node].probation; }
    std::size_t connected() const;
    std::uint64_t slots_connected() const;

    // True when something changed that may free a waiting job, false at the deadline.
    Task<bool> wait_for_change(TimePoint deadline) { return changed_.wait_until(deadline); }
    void wake_all() { changed_.notify(); }

  private:
    placement::Candidate candidate_of(const Address& address, const KnownNode& node, const ModelOffer& offer) const;
    void changed(const Address& node) {
        if (watcher_) watcher_(node);
    }

    Runtime* runtime_;
    std::map<Address, KnownNode> nodes_;
    ReputationBook reputations_;
    std::function<void(const Address&)> watcher_;
    Notifier changed_;
};

}  // namespace vcity::scheduler
