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

// Has delivered results audited before they are paid. For each drawn receipt one task: give the receipt, the request
// and the output to a connected verifier, relay its questions to the node and the node's answers back, and write down
// its verdict. A verifier that goes away or takes too long is replaced.
//
// A signed verdict "rejected" ends a node's work here: its receipt is not paid and it gets no more jobs. A node that
// does not open what it committed to (it says that it cannot, or it stays silent or away until the desk gives up) is
// not paid for that result and goes on probation, for a crash looks like a cheat but does not happen as often. When no
// verifier asked anything until then, the node is paid, for it cannot have caused that.
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
        bool cannot_open = false;    // the node says so
        bool was_opened = false;     // it sent what was asked for
        std::optional<SignedVerdict> verdict;
        Notifier wake;
    };

    Task<void> run(JobId job_id);
    Task<void> examine(JobId job_id, Audit* audit);
    Task<void> attempt(Audit* audit, AuditTask task);
    Task<Result<AuditTask>> make_task(JobId job_id);
    SessionId pick_verifier() const;
    Task<void> conclude(JobId job_id, const Audit* audit);
    Task<void> refuse_payment(JobRecord* record, JobRecord decided, bool was_missed);
    void note_opened(ports::StoreChange* change, const Address& node);
    void note_unopened(ports::StoreChange* change, const Address& node);

    Parts parts_;
    Context* context_;
    std::map<JobId, std::unique_ptr<Audit>> audits_;
    Notifier verifiers_changed_;
};

}  // namespace vcity::scheduler
