// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task_group.hpp"
#include "ports/audit.hpp"
#include "ports/chain.hpp"
#include "ports/signer.hpp"
#include "ports/store.hpp"
#include "services/common/peer_link.hpp"
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
    std::string scheduler_endpoint;
    std::string did_document_uri;
    Vcai stake;
    std::string software_version;
    std::size_t tasks_queued_max = 64;
    Duration opening_timeout = std::chrono::seconds{30};
    services::SessionTuning session;
    services::BackoffRange backoff;
};

struct VerifierMetrics {
    Counter* tasks = nullptr;
    Counter* accepted = nullptr;
    Counter* rejected = nullptr;
    Counter* not_opened = nullptr;
    Counter* not_understood = nullptr;
    Gauge* link_up = nullptr;

    explicit VerifierMetrics(MetricRegistry* registry)
        : tasks{registry->counter("vcity_verifier_tasks_total", "Audit tasks received")},
          accepted{registry->counter("vcity_verifier_verdicts_total", "Verdicts", {{"outcome", "accepted"}})},
          rejected{registry->counter("vcity_verifier_verdicts_total", "Verdicts", {{"outcome", "rejected"}})},
          not_opened{registry->counter("vcity_verifier_not_opened_total", "Audits without an opening in time")},
          not_understood{registry->counter("vcity_verifier_tasks_refused_total", "Tasks that could not be judged")},
          link_up{registry->gauge("vcity_verifier_link_up", "1 while the link to the scheduler stands")} {}
};

// Audits results that a scheduler hands to it, one after the other: once it holds the signed receipt it draws cells
// that nobody can know before, asks the node to open them, checks them against the public weights, and signs a verdict,
// which it writes down before it reports it, so that it never says two things about one receipt.
//
// It says "rejected" only of what it has checked and found wrong. A node that gives no opening within the deadline, or
// says that it has none, or answers something else than it was asked, gets no verdict at all: the verifier cannot tell
// a lie from a crash, a broken network or a late answer to an earlier question. The scheduler asks again for some time
// and then leaves the receipt unpaid.
class Verifier final : private services::PeerLinkHandler {
  public:
    Verifier(VerifierDeps deps, VerifierOptions options);

    // Ends early with kDenied when the registration is refused.
    Task<Result<void>> run();
    void stop();

    bool is_connected() const { return session_ != nullptr; }

  private:
    void on_connected(services::LinkSession* session, const LinkWelcome& welcome) override;
    void on_message(Message message) override;
    void on_disconnected() override;
    Heartbeat make_heartbeat() override { return {}; }
    Task<void> on_denied() override;
    Task<Result<void>> register_identity();
    void post(Message message);
    void on_reply(OpenReply reply);

    Task<void> run_audits();
    Task<Result<SignedVerdict>> audit(AuditTask task);
    Task<Result<std::optional<SignedVerdict>>> find_verdict(Hash receipt_hash);
    Result<ports::Auditor*> check_task(const AuditTask& task) const;
    Task<Result<Opening>> ask_for(Hash receipt_hash, JobId job_id, std::vector<Cell> cells);
    Task<Result<SignedVerdict>> decide(AuditTask task, ports::AuditFinding finding);

    VerifierDeps deps_;
    VerifierOptions options_;
    VerifierMetrics metrics_;
    Log log_;
    TaskGroup group_;
    Channel<AuditTask> tasks_;
    std::unique_ptr<services::PeerLink> link_;
    services::LinkSession* session_ = nullptr;
    // The question that is open now: audits run one at a time.
    Hash asked_;
    std::vector<Cell> asked_cells_;
    std::optional<OpenReply> reply_;
    Notifier replied_;
    bool stopping_ = false;
};

// Key of a verdict in the verifier's store.
std::string verdict_key(const Hash& receipt_hash);

}  // namespace vcity::verifier
