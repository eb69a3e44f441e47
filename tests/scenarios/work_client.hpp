// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task_group.hpp"
#include "scenarios/cluster.hpp"
#include "services/common/peer_link.hpp"

namespace vcity::scenarios {

// What a customer has seen of one job on units. It outlives the gateway's process.
struct WorkJob {
    enum class Status : std::uint8_t {
        kPlanned,
        kSent,
        kAccepted,
        kRefused,
        kEnded,  // and the outputs of its finished steps have been read
    };
    struct Output {
        std::string text;
        bool is_whole = false;
    };

    WorkOrder order;
    TimePoint send_at;
    std::optional<Duration> cancel_after;
    Status status = Status::kPlanned;
    bool is_cancelled = false;
    WorkAccepted accepted;
    WorkStatusReply last;
    std::string refusal;
    Errc refusal_code = Errc::kInternal;
    std::map<JobId, Output> outputs;  // by step
};

struct WorkLedger {
    std::map<JobId, WorkJob> jobs;
    std::string violation;
    std::optional<WorkQuote> quote;  // the newest
    std::optional<UnitsReply> units;
    std::vector<TunnelRefused> tunnels_refused;

    void blame(const JobId& job_id, std::string_view what);
    bool has_open() const;
};

// A gateway as a scheduler sees it: sends orders when their time comes and again after a reconnect until they are
// answered, asks how they are, cancels some, and reads the outputs of those that have ended.
class WorkClient final : private services::PeerLinkHandler {
  public:
    struct Deps {
        Runtime* runtime = nullptr;
        ports::LinkDialer* dialer = nullptr;
        ports::Signer* signer = nullptr;
        const Deployment* deployment = nullptr;
        LogSink* log = nullptr;
    };

    WorkClient(Deps deps, WorkLedger* ledger);

    Task<Result<void>> run();
    void stop();
    // Nothing when there is no link.
    void post(Message message);

  private:
    void on_connected(services::LinkSession* session, const LinkWelcome& welcome) override;
    void on_message(Message message) override;
    void on_disconnected() override { session_ = nullptr; }
    Heartbeat make_heartbeat() override { return {}; }
    Task<void> on_denied() override;

    Task<void> tend_all();
    void tend(WorkJob* job);
    void read_outputs(WorkJob* job);
    WorkJob* find(const JobId& job_id);
    void on_accepted(WorkAccepted accepted);
    void on_failed(const JobFailed& failed);
    void on_status(WorkStatusReply reply);
    void on_output(const WorkOutputReply& reply);

    Deps deps_;
    WorkLedger* ledger_;
    TaskGroup group_;
    std::unique_ptr<services::PeerLink> link_;
    services::LinkSession* session_ = nullptr;
    bool stopping_ = false;
};

class WorkGateway final : public Machine {
  public:
    WorkGateway(World* world, std::uint64_t key, WorkLedger* ledger);
    ~WorkGateway() override { crash(); }
    void start() override;
    void post(Message message) { client_->post(std::move(message)); }

  private:
    void destroy() override;
    void end_role() override;

    World* world_;
    WorkLedger* ledger_;
    std::unique_ptr<ports::LinkDialer> dialer_;
    std::unique_ptr<WorkClient> client_;
};

}  // namespace vcity::scenarios
