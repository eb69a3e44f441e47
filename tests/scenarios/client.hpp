// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task_group.hpp"
#include "ports/signer.hpp"
#include "services/common/peer_link.hpp"

namespace vcity::scenarios {

// What a person at the other end of the gateway has seen of one job. It outlives the gateway's process.
struct ClientJob {
    enum class Status : std::uint8_t {
        kPlanned,
        kOpen,
        kDone,    // with a receipt
        kFailed,  // with a clear error
        kLost,    // the gateway died or gave up: an error too
    };

    JobOrder order;
    TimePoint send_at;
    std::optional<Duration> cancel_after;
    Status status = Status::kPlanned;
    std::string text;
    std::uint64_t next_sequence = 0;
    std::uint64_t fencing_token = 0;
    bool is_cancelled = false;
    std::optional<SignedReceipt> receipt;
    std::string error;
    std::uint32_t retry_after_ms = 0;
    std::optional<TimePoint> first_token_at;
    std::optional<TimePoint> ended_at;
};

// All jobs of a scenario and the first thing that went wrong in a client's eyes.
struct ClientBook {
    std::map<JobId, ClientJob> jobs;
    std::string violation;
    std::uint64_t proofs_checked = 0;
    // The receipts root of a batch on chain; none while it is not there.
    std::function<std::optional<Hash>(std::uint64_t index)> posted_root;

    void blame(const JobId& job_id, std::string_view what);
    bool has_open() const;
};

// A gateway as a scheduler sees it, without the HTTP side: it sends orders when their time comes, sends the open ones
// again after a reconnect, cancels some, and checks what it gets.
class Client final : private services::PeerLinkHandler {
  public:
    struct Deps {
        Runtime* runtime = nullptr;
        ports::LinkDialer* dialer = nullptr;
        ports::Signer* signer = nullptr;
        const Deployment* deployment = nullptr;
        LogSink* log = nullptr;
        std::vector<std::string> endpoints;
    };

    Client(Deps deps, ClientBook* book);

    Task<Result<void>> run();
    void stop();

  private:
    void on_connected(services::LinkSession* session, const LinkWelcome& welcome) override;
    void on_message(Message message) override;
    void on_disconnected() override { session_ = nullptr; }
    Heartbeat make_heartbeat() override { return {}; }
    Task<void> on_denied() override;

    Task<void> run_orders();
    void tend(ClientJob* job);
    void post(Message message);
    void on_placed(const JobPlaced& placed);
    void on_chunk(const TokenChunk& chunk);
    void on_done(const JobDone& done);
    void on_failed(const JobFailed& failed);
    void on_status(const JobStatusReply& status);
    ClientJob* find_open(const JobId& job_id);

    Deps deps_;
    ClientBook* book_;
    TaskGroup group_;
    std::unique_ptr<services::PeerLink> link_;
    services::LinkSession* session_ = nullptr;
    bool stopping_ = false;
};

}  // namespace vcity::scenarios
