// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>

#include "services/scheduler/calls/model_router.hpp"
#include "services/scheduler/caps.hpp"
#include "services/scheduler/directory.hpp"
#include "services/scheduler/job_book.hpp"
#include "services/scheduler/token_source.hpp"

namespace vcity::scheduler {

// Drives each live job from its order to its delivery or failure, in one task per job: funds, a node, a lease that is
// written before it is announced, the stream, the receipt. Before the first token a job moves to another node when its
// node fails; afterwards it fails. The states:
//
//   kQueued --lease written--> kLeased --first token written--> kStreaming --receipt written--> kDelivered
//      ^________next node__________|________________________________|------------------------> kFailed
//
// Everything it tells a node or a gateway is durable before it is told.
class JobDriver {
  public:
    struct Parts {
        Context* context = nullptr;
        Switchboard* switchboard = nullptr;
        Directory* directory = nullptr;
        ModelRouter* router = nullptr;
        CapLedger* caps = nullptr;
        JobBook* book = nullptr;
        TokenSource* tokens = nullptr;
        std::function<void(const JobId&)> on_delivered;  // starts the audit or waits for a batch
    };

    explicit JobDriver(Parts parts) : parts_{std::move(parts)}, context_{parts_.context} {}

    // Reads the live jobs back from the store and goes on with them.
    Task<Result<void>> recover();

    // --- from the sessions; none of these wait
    void on_order(SessionId gateway, JobOrder order);
    void on_cancel(SessionId gateway, const JobCancel& cancel);
    void on_node_message(const Address& node, const JobId& job_id, Message message);
    void on_node_ready(const Address& node, SessionId session, const std::vector<Lease>& active);
    void on_session_gone(SessionId session, const services::LinkPeer& peer);
    void wake_all();

  private:
    // How a lease ended.
    struct Ending {
        enum class Kind : std::uint8_t {
            kDelivered,
            kNextNode,  // before the first token: another node may do it
            kFailed,
            kStopped,  // the scheduler stops; the job goes on after its restart
        };
        Kind kind = Kind::kFailed;
        Error error = make_error(Errc::kInternal, "no ending");
    };
    using MaybeEnding = std::optional<Ending>;

    // --- order (job_driver.cpp)
    Task<void> drive(LiveJob* job);
    Task<bool> admit(LiveJob* job);
    Task<Ending> run_job(LiveJob* job);
    Task<Ending> recovered_lease(LiveJob* job);
    Task<Result<void>> obtain_funds(LiveJob* job);
    Task<Result<Picked>> find_node(LiveJob* job);
    void give_back(LiveJob* job, Waiter* waiter);
    void end_choice(LiveJob* job);
    Duration patience_for(placement::NotPlaced::Kind kind) const;
    Task<Result<void>> grant_lease(LiveJob* job);
    Task<void> conclude(LiveJob* job, Ending ending);
    Task<void> fail(LiveJob* job, Error error);
    Result<void> check_order(const JobOrder& order) const;
    void attach(LiveJob* job, SessionId gateway);
    Task<void> answer_known(SessionId gateway, JobOrder order, JobRecord record);
    void tell_failure(SessionId gateway, const JobId& job_id, const Error& error, Duration retry_after = {});

    // --- the second lease (calls/hedge.cpp)
    std::optional<TimePoint> hedge_due(const LiveJob& job) const;
    bool hedge_wants_care(const LiveJob& job) const;
    Task<Result<void>> tend_hedge(LiveJob* job);
    Task<Result<void>> start_hedge(LiveJob* job);
    Task<Result<void>> adopt_hedge(LiveJob* job);
    Task<Result<void>> drop_hedge(LiveJob* job);
    void end_hedge(LiveJob* job);
    void hedge_failed(LiveJob* job, Errc code);
    bool is_from_holder(const LiveJob& job, const Address& node, const Message& message) const;
    Task<Result<void>> forget_hedges(TimePoint patience);
    static std::uint64_t token_of(const Message& message);

    // --- lease (job_lease.cpp)
    Task<Ending> follow(LiveJob* job);
    MaybeEnding check_clock(LiveJob* job);
    MaybeEnding check_node(LiveJob* job);
    TimePoint next_deadline(const LiveJob& job) const;
    Task<MaybeEnding> handle(LiveJob* job, Message message);
    Task<MaybeEnding> take_chunk(LiveJob* job, TokenChunk chunk);
    Task<MaybeEnding> take_receipt(LiveJob* job, JobFinished finished);
    Result<void> check_receipt(const LiveJob& job, const SignedReceipt& receipt) const;
    Task<Result<void>> deliver(LiveJob* job, FinishedWork finished);
    bool draw_audit(const LiveJob& job);
    enum class Fault : std::uint8_t { kNode, kNobody };
    static Fault fault_of(Errc code);
    Ending node_failed(LiveJob* job, Error error, Fault fault = Fault::kNode);
    void note_outcome(const LiveJob& job, bool went_well, Usd paid);
    void cancel_at_node(const LiveJob& job);
    Task<void> answer_stray(Address node, JobFinished finished);
    void acknowledge(const Address& node, const SignedReceipt& receipt);
    void refuse(const JobFinished& finished, std::string reason);
    FinishedWork restore(const LiveJob& job, const JobFinished& finished) const;

    Parts parts_;
    Context* context_;
    std::size_t strays_ = 0;
    std::size_t hedges_ = 0;
    TimePoint started_at_;
};

}  // namespace vcity::scheduler
