// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "async/task_group.hpp"
#include "ports/audit.hpp"
#include "ports/chain.hpp"
#include "ports/link.hpp"
#include "ports/signer.hpp"
#include "ports/store.hpp"
#include "services/common/backoff.hpp"
#include "services/common/session.hpp"
#include "services/verifier/audit_record.hpp"
#include "services/verifier/capacity_rounds.hpp"
#include "telemetry/metrics.hpp"

namespace vcity::verifier {

// The pointers are borrowed and must outlive the verifier.
struct VerifierDeps {
    Runtime* runtime = nullptr;
    ports::Store* store = nullptr;
    ports::Signer* signer = nullptr;
    ports::LinkDialer* dialer = nullptr;
    std::vector<ports::Auditor*> auditors;  // one for each model whose weights this verifier holds
    ports::ChainReader* chain_reader = nullptr;
    ports::ChainWriter* chain_writer = nullptr;  // signs as the verifier's identity
    MetricRegistry* metrics = &null_metrics();
    Deployment deployment;
    Log log{nullptr, "verifier"};
};

struct VerifierOptions {
    std::vector<std::vector<std::string>> schedulers;  // of each the endpoints of the processes that may act for it
    std::string did_document_uri;
    Vcai stake;
    std::string software_version;
    std::size_t tasks_queued_max = 64;                     // of each scheduler
    Duration opening_deadline = std::chrono::seconds{60};  // for the answer to one question
    Duration replay_deadline = std::chrono::minutes{2};    // for a replay, which costs the node a whole prefill
    Duration ask_again = std::chrono::seconds{20};         // a question may be lost on its way
    Duration beacon_patience = std::chrono::seconds{30};   // then the draw is made without one
    // So many openings of one node that did not come within the window are evidence of more than bad luck.
    std::size_t missed_limit = 3;
    Duration missed_window = std::chrono::hours{24};
    CapacityOptions capacity;  // proofs of capacity, beside the audits
    services::SessionTuning session;
    services::BackoffRange backoff;
};

struct VerifierMetrics {
    Counter* tasks = nullptr;
    Counter* accepted = nullptr;
    Counter* rejected = nullptr;
    Counter* not_opened = nullptr;
    Counter* no_verdict = nullptr;
    Counter* not_understood = nullptr;
    Gauge* link_up = nullptr;

    explicit VerifierMetrics(MetricRegistry* registry)
        : tasks{registry->counter("vcity_verifier_tasks_total", "Audit tasks received")},
          accepted{registry->counter("vcity_verifier_verdicts_total", "Verdicts", {{"outcome", "accepted"}})},
          rejected{registry->counter("vcity_verifier_verdicts_total", "Verdicts", {{"outcome", "rejected"}})},
          not_opened{registry->counter("vcity_verifier_verdicts_total", "Verdicts", {{"outcome", "not_opened"}})},
          no_verdict{registry->counter("vcity_verifier_no_verdict_total", "Audits that ended without a verdict")},
          not_understood{registry->counter("vcity_verifier_tasks_refused_total", "Tasks that could not be judged")},
          link_up{registry->gauge("vcity_verifier_link_up", "Schedulers that it has a link to now")} {}
};

// Audits results that schedulers hand to it, one after the other and each of them in turn. A scheduler is answered
// about what it leased itself. Once the verifier holds the signed receipt it takes the hash of the first block after it
// (the beacon) and its own secret, draws from both what nobody can have known, asks the node to open it, checks that
// against the public weights and signs a verdict, which it writes down with its evidence before it reports it, so that
// it never says two things about one receipt. In tier A the node replays the request first and answers with a root;
// only then the draw is made.
//
// "rejected": something that was opened is wrong. "not_opened": this verifier was connected all the time, and the node
// said that it cannot answer, or did not within the deadline. It cannot tell a lie from a crash or a broken network, so
// that verdict costs the node its payment and counts against it, and proves nothing. When the link to the scheduler
// breaks there is no verdict at all: the scheduler asks again.
//
// A rejection is followed by a second, deep round when the task asks for it; the report then says whether that one
// confirmed it. The verdict is about the receipt and stays what it was.
class Verifier final {
  public:
    Verifier(VerifierDeps deps, VerifierOptions options);
    ~Verifier();
    Verifier(const Verifier&) = delete;
    Verifier& operator=(const Verifier&) = delete;

    // Ends early with kDenied when the registration is refused.
    Task<Result<void>> run();
    void stop();

    // To one scheduler at least.
    bool is_connected() const;

  private:
    class Source;

    Task<Result<void>> register_identity();
    // A lost registration is put right once, however many schedulers miss it.
    Task<void> register_again();
    void count_links();
    // The task to do next, its source in current_; nullopt when there is none.
    std::optional<AuditTask> take_task();
    Task<Result<void>> load_secret();

    Task<void> run_audits();
    Task<Result<KnownVerdict>> audit(AuditTask task);
    Task<Result<std::optional<Bytes>>> find(std::string key);
    Result<ports::Auditor*> check_task(const AuditTask& task) const;

    // --- one round of questions (round.cpp)
    using Answer = std::variant<ReplayReply, OpenReply>;
    struct Round {
        AuditEvidence evidence;
        Bytes memory;  // what the auditor wants to be kept of this node
    };
    Task<Beacon> wait_for_beacon(UnixMillis signed_at);
    Task<Result<Round>> examine(AuditTask task, ports::Auditor* auditor, Beacon beacon, std::uint64_t number);
    Task<Result<void>> learn_root(const AuditTask* task, AuditEvidence* evidence);
    Task<Result<void>> learn_opening(const AuditTask* task, AuditEvidence* evidence);
    Task<void> judge(AuditTask task, ports::Auditor* auditor, Round* round);
    // The node's answer, none at the deadline, kUnavailable when the link broke.
    Task<Result<std::optional<Answer>>> ask(Message question, Duration patience);
    bool is_answer(const Answer& answer) const;
    void on_answer(const Source* from, Answer answer);

    Task<Result<KnownVerdict>> decide(AuditTask task, Round round, bool confirmed);
    Task<Result<void>> note_missed(Address node, const Verdict* verdict, ports::StoreChange* change);
    void count(VerdictOutcome outcome);

    VerifierDeps deps_;
    VerifierOptions options_;
    VerifierMetrics metrics_;
    Log log_;
    TaskGroup group_;
    std::vector<std::unique_ptr<Source>> sources_;
    std::size_t turn_ = 0;  // of the sources
    Notifier has_task_;
    bool is_registering_ = false;
    Hash secret_;
    // The audit that runs now, for whom, and the question that is open: audits run one at a time.
    Source* current_ = nullptr;
    std::optional<Message> asked_;
    std::optional<Answer> answer_;
    Notifier answered_;
    bool stopping_ = false;
};

}  // namespace vcity::verifier
