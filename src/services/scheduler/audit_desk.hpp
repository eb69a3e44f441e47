// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "services/scheduler/caps.hpp"
#include "services/scheduler/directory.hpp"
#include "services/scheduler/job_book.hpp"

namespace vcity::scheduler {

// Has delivered results audited before they are paid. For each drawn receipt one task: wait until the node is there,
// give the receipt, the request and the output to a connected verifier, relay its questions to the node and the node's
// answers back, and write down its verdict. A verifier that goes away or takes too long is replaced.
//
// A rejected result is not paid. Its node gets no more jobs once a second, deep audit with fresh randomness has come to
// the same: by another verifier when there is one, by the same otherwise (VerdictReport::confirmed). So a node is
// flagged by mistake with the square of the probability of one false rejection. A node that does not open what it
// committed to, by a verdict or because it stayed away until the desk gave up, is not paid for that result and goes on
// probation, for a crash looks like a cheat but does not happen as often. When no verifier asked anything until then,
// the node is paid, for it cannot have caused that.
class AuditDesk {
  public:
    struct Parts {
        Context* context = nullptr;
        Switchboard* switchboard = nullptr;
        Directory* directory = nullptr;
        CapLedger* caps = nullptr;
        JobBook* book = nullptr;
    };

    explicit AuditDesk(Parts parts) : parts_{parts}, context_{parts.context}, verifiers_changed_{context_->runtime()} {}

    // The job is delivered and its audit is pending.
    void start(const JobId& job_id);

    // --- from the sessions; none of these wait
    void on_verifier_connected() { verifiers_changed_.notify(); }
    void on_session_gone(SessionId session);
    void on_replay_request(SessionId verifier, ReplayRequest request);
    void on_replay_reply(const Address& node, ReplayReply reply);
    void on_open_request(SessionId verifier, OpenRequest request);
    void on_open_reply(const Address& node, OpenReply reply);
    void on_verdict(const services::LinkPeer& verifier, VerdictReport report);
    void wake_all();

  private:
    struct Audit {
        explicit Audit(Runtime* runtime) : wake{runtime} {}

        Hash receipt_hash;
        Address node;
        SessionId verifier = kNoSession;
        std::set<Address> assigned;  // verifiers that have been asked
        bool was_asked = false;      // a verifier put a question to the node
        bool was_opened = false;     // it sent what was asked for
        bool is_away = false;        // the node, when it was looked for last
        std::optional<VerdictReport> report;
        // After a rejection: what another verifier says.
        bool is_second = false;
        std::optional<VerdictReport> second;
        Notifier wake;

        bool is_answered() const { return is_second ? second.has_value() : report.has_value(); }
    };

    Task<void> run(JobId job_id);
    Task<void> examine(JobId job_id, Audit* audit);
    Task<bool> wait_for_parties(Audit* audit, TimePoint give_up);
    Task<void> confirm(JobId job_id, Audit* audit);
    Task<void> attempt(Audit* audit, AuditTask task);
    Task<Result<AuditTask>> make_task(JobId job_id);
    // A connected verifier with room, not one of the audit's earlier ones when `fresh`.
    SessionId pick_verifier(const Audit& audit, bool fresh) const;
    Audit* find(const JobId& job_id, const Hash& receipt_hash);
    bool is_signed(const VerdictReport& report) const;
    Task<void> conclude(JobId job_id, const Audit* audit);
    enum class Blame : std::uint8_t { kNone, kMissed, kFlag };
    Task<void> refuse_payment(JobRecord* record, JobRecord decided, Blame blame);
    // What the decided audit says of its node.
    void note(ports::StoreChange* change, const JobRecord& decided, market::AuditResultKind result);

    Parts parts_;
    Context* context_;
    std::map<JobId, std::unique_ptr<Audit>> audits_;
    Notifier verifiers_changed_;
};

}  // namespace vcity::scheduler
