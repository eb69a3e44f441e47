// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/scheduler.hpp"

#include "codec/hex.hpp"
#include "market/batch.hpp"
#include "wire/wire.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::size_t kStatusQueriesMax = 64;
constexpr std::chrono::seconds kJoinStep{30};

}  // namespace

Scheduler::Scheduler(SchedulerDeps deps, SchedulerOptions options)
    : context_{std::move(deps), std::move(options)},
      directory_{context_.runtime()},
      router_{&context_, &directory_},
      caps_{&context_},
      book_{&context_},
      tokens_{&context_},
      audits_{AuditDesk::Parts{&context_, &switchboard_, &directory_, &caps_, &book_}},
      capacity_{&switchboard_, &directory_},
      settler_{Settler::Parts{&context_, &directory_, &caps_, &book_}},
      driver_{JobDriver::Parts{&context_, &switchboard_, &directory_, &router_, &caps_, &book_, &tokens_,
                               [this](const JobId& job_id) {
                                   const JobRecord* record = book_.find_delivered(job_id);
                                   if (record->audit == AuditState::kPending) audits_.start(job_id);
                                   settler_.nudge();
                               }}},
      work_{WorkDesk::Parts{&context_, &switchboard_, &directory_, &caps_, &book_, &tokens_,
                            [this] { settler_.nudge(); }}},
      tunnels_{context_.runtime(), &switchboard_, &directory_, &work_} {}

Task<Result<void>> Scheduler::run() {
    Result<void> prepared = co_await prepare();
    if (prepared && !context_.stopping) {
        context_.tasks.spawn(settler_.run());
        context_.tasks.spawn(keep_reputations());
        context_.tasks.spawn(work_.run());
        co_await accept_links();
    }
    stop();
    while (context_.tasks.running() > 0) {
        // Tasks that began while others ended must hear of it too.
        stop();
        Result<void> joined = co_await context_.tasks.join(context_.now() + kJoinStep);
        if (!joined) context_.log.warn("tasks_linger", {{"running", context_.tasks.running()}});
    }
    if (!prepared) co_return prepared;
    if (!context_.failure.empty()) co_return make_error(Errc::kUnavailable, context_.failure);
    co_return Result<void>{};
}

void Scheduler::stop() {
    context_.stop();
    context_.deps.listener->close();
    switchboard_.close_all();
    driver_.wake_all();
    work_.wake();
    audits_.wake_all();
    settler_.wake();
}

Task<Result<void>> Scheduler::prepare() {
    CO_TRY_OK(co_await recover_caps());
    CO_TRY_OK(co_await recover_flags());
    CO_TRY_OK(co_await recover_probations());
    CO_TRY_OK(co_await recover_reputations());
    CO_TRY_OK(co_await settler_.recover());
    CO_TRY_OK(co_await context_.register_identity());
    CO_TRY_OK(co_await tokens_.recover());
    CO_TRY_OK(co_await driver_.recover());
    CO_TRY_OK(co_await work_.recover());
    ready_ = true;
    context_.log.info("ready", {{"live_jobs", book_.live().size()}, {"unsettled_jobs", book_.delivered().size()}});
    co_return Result<void>{};
}

Task<Result<void>> Scheduler::recover_caps() {
    CO_TRY(const std::vector<ports::StoreEntry> entries,
           co_await services::scan_all(context_.runtime(), context_.deps.store, std::string(kCapPrefix),
                                       context_.now() + kStorePatience));
    for (const ports::StoreEntry& entry : entries) {
        CO_TRY(const CapRecord record, parse_cap_record(entry.value));
        caps_.restore(record);
    }
    co_return Result<void>{};
}

Task<Result<void>> Scheduler::recover_flags() {
    CO_TRY(const std::vector<ports::StoreEntry> entries,
           co_await services::scan_all(context_.runtime(), context_.deps.store, std::string(kFlagPrefix),
                                       context_.now() + kStorePatience));
    for (const ports::StoreEntry& entry : entries) {
        CO_TRY(const Address node, codec::parse_fixed<Address>(entry.key.substr(kFlagPrefix.size())));
        directory_.flag(node);
    }
    co_return Result<void>{};
}

Task<Result<void>> Scheduler::recover_probations() {
    CO_TRY(const std::vector<ports::StoreEntry> entries,
           co_await services::scan_all(context_.runtime(), context_.deps.store, std::string(kProbationPrefix),
                                       context_.now() + kStorePatience));
    for (const ports::StoreEntry& entry : entries) {
        CO_TRY(const Address node, codec::parse_fixed<Address>(entry.key.substr(kProbationPrefix.size())));
        CO_TRY(directory_.probation_of(node), parse_probation(entry.value));
    }
    co_return Result<void>{};
}

Task<Result<void>> Scheduler::recover_reputations() {
    CO_TRY(const std::vector<ports::StoreEntry> entries,
           co_await services::scan_all(context_.runtime(), context_.deps.store, std::string(kReputationPrefix),
                                       context_.now() + kStorePatience));
    for (const ports::StoreEntry& entry : entries) {
        CO_TRY(const Address node, codec::parse_fixed<Address>(entry.key.substr(kReputationPrefix.size())));
        CO_TRY_OK(directory_.reputations().restore(node, entry.value, context_.runtime()->unix_now()));
    }
    co_return Result<void>{};
}

// Records follow what happens with a delay of seconds; what must not be lost is in other commits.
Task<void> Scheduler::keep_reputations() {
    constexpr std::chrono::seconds kWriteEvery{5};
    constexpr std::chrono::minutes kPresenceEvery{10};
    constexpr std::size_t kRecordsPerWrite = 64;
    constexpr std::size_t kRefreshed = 512;
    TimePoint presence_at = context_.now() + kPresenceEvery;
    while (!context_.stopping) {
        co_await context_.stopped.wait_until(context_.now() + kWriteEvery);
        if (context_.now() >= presence_at) {
            directory_.reputations().mark_connected(context_.runtime()->unix_now());
            presence_at = context_.now() + kPresenceEvery;
        }
        router_.refresh_some(kRefreshed);
        ports::StoreChange change;
        while (directory_.reputations().put_changed(&change, kRecordsPerWrite) > 0) {
            Result<void> written = co_await context_.commit(std::move(change));
            if (!written) co_return;
            change = {};
        }
    }
}

Task<void> Scheduler::accept_links() {
    while (!context_.stopping) {
        Result<std::unique_ptr<ports::Connection>> connection = co_await context_.deps.listener->accept();
        if (!connection) break;
        if (connections_ >= context_.options.connections_max) {
            (*connection)->close();
            continue;
        }
        ++connections_;
        context_.tasks.spawn(serve(*std::move(connection)));
    }
}

Task<void> Scheduler::serve(std::unique_ptr<ports::Connection> connection) {
    services::PeerPolicy policy;
    policy.deployment = &context_.deps.deployment;
    policy.self = context_.self();
    policy.chain = context_.deps.chain_reader;
    policy.gateways = &context_.options.gateways;
    policy.epoch = context_.deps.epoch;
    Result<services::LinkPeer> peer =
        co_await services::authenticate_peer(context_.runtime(), connection.get(), policy);
    if (peer && !context_.stopping) {
        co_await serve_session(std::move(connection), *std::move(peer));
    } else {
        if (!peer) context_.log.info("peer_rejected", {{"reason", peer.error().message}});
        connection->close();
    }
    --connections_;
}

Task<void> Scheduler::serve_session(std::unique_ptr<ports::Connection> connection, services::LinkPeer peer) {
    services::LinkSession link{context_.runtime(), std::move(connection), context_.options.session};
    TaskGroup group{context_.runtime()};
    const SessionId session = switchboard_.add(&link, peer);
    group.spawn(link.run_writer());
    group.spawn(link.run_heartbeat([] { return Heartbeat{}; }));
    welcome(session, peer);
    while (true) {
        Result<Message> message = co_await link.receive();
        if (!message) break;
        if (!context_.stopping) route(session, peer, *std::move(message));
    }
    switchboard_.remove(session);
    farewell(session, peer, link.heard_at());
    link.close();
    while (group.running() > 0) {
        Result<void> joined = co_await group.join(context_.now() + kJoinStep);
        if (!joined) context_.log.warn("session_tasks_linger", {{"running", group.running()}});
    }
}

void Scheduler::welcome(SessionId session, const services::LinkPeer& peer) {
    if (peer.role == Role::kCompute) {
        // The same identity again: its old connection is dead without our knowing.
        const SessionId replaced = directory_.connect(*peer.record, session);
        if (replaced != kNoSession) switchboard_.close(replaced);
    }
    if (peer.role == Role::kVerifier) audits_.on_verifier_connected();
    context_.metrics.nodes_connected->set(static_cast<double>(directory_.connected()));
    context_.log.info("peer_connected",
                      {{"peer", codec::to_hex(peer.address)}, {"role", std::string{to_string(peer.role)}}});
}

void Scheduler::farewell(SessionId session, const services::LinkPeer& peer, TimePoint heard) {
    if (peer.role == Role::kCompute) {
        if (directory_.session_of(peer.address) == session) work_.units().close(peer.address);
        directory_.disconnect(peer.address, session);
        work_.on_node_gone(peer.address, session, heard);
    }
    driver_.on_session_gone(session, peer);
    audits_.on_session_gone(session);
    capacity_.on_session_gone(session);
    tunnels_.on_session_gone(session);
    context_.metrics.nodes_connected->set(static_cast<double>(directory_.connected()));
    context_.log.info("peer_gone",
                      {{"peer", codec::to_hex(peer.address)}, {"role", std::string{to_string(peer.role)}}});
}

void Scheduler::route(SessionId session, const services::LinkPeer& peer, Message message) {
    if (std::holds_alternative<Heartbeat>(message)) return;
    if (const auto* status = std::get_if<JobStatusRequest>(&message)) {
        on_status_request(session, status->job_id);
        return;
    }
    if (std::holds_alternative<OffersRequest>(message)) {
        switchboard_.post(session, directory_.offers());
        return;
    }
    switch (peer.role) {
        case Role::kCompute: route_from_node(session, peer.address, std::move(message)); break;
        case Role::kGateway: route_from_gateway(session, std::move(message)); break;
        case Role::kVerifier: route_from_verifier(session, peer, std::move(message)); break;
        case Role::kScheduler: break;  // schedulers do not talk to each other yet
    }
}

void Scheduler::route_from_node(SessionId session, const Address& node, Message message) {
    // A session that a newer one of the same node has replaced has nothing to say any more.
    if (directory_.session_of(node) != session) return;
    if (route_to_work(node, message)) return;
    if (auto* ready = std::get_if<NodeReady>(&message)) {
        on_node_ready(session, node, std::move(*ready));
    } else if (const auto* chunk = std::get_if<TokenChunk>(&message)) {
        const JobId job_id = chunk->job_id;
        driver_.on_node_message(node, job_id, std::move(message));
    } else if (const auto* finished = std::get_if<JobFinished>(&message)) {
        const JobId job_id = finished->job_id;
        driver_.on_node_message(node, job_id, std::move(message));
    } else if (const auto* failed = std::get_if<NodeFailedJob>(&message)) {
        const JobId job_id = failed->job_id;
        driver_.on_node_message(node, job_id, std::move(message));
    } else if (const auto* refused = std::get_if<LeaseRefused>(&message)) {
        const JobId job_id = refused->job_id;
        driver_.on_node_message(node, job_id, std::move(message));
    } else if (auto* reply = std::get_if<OpenReply>(&message)) {
        audits_.on_open_reply(node, std::move(*reply));
    } else if (auto* replayed = std::get_if<ReplayReply>(&message)) {
        audits_.on_replay_reply(node, std::move(*replayed));
    } else if (auto* capacity = std::get_if<CapacityReply>(&message)) {
        capacity_.on_reply(node, std::move(*capacity));
    } else if (auto* tunnel = std::get_if<TunnelRefused>(&message)) {
        tunnels_.on_refused(node, std::move(*tunnel));
    }
}

void Scheduler::on_node_ready(SessionId session, const Address& node, NodeReady ready) {
    Result<void> announced = directory_.announce(node, ready.announcement);
    if (announced && !directory_.is_barred(node)) {
        announced =
            work_.units().announce(directory_.find(node)->record, ready.announcement, directory_.reputation_bp(node));
    }
    if (!announced) {
        context_.log.warn("bad_announcement", {{"node", codec::to_hex(node)}, {"reason", announced.error().message}});
        switchboard_.close(session);
        return;
    }
    driver_.on_node_ready(node, session, work_.on_node_ready(node, session, ready.active_leases));
}

// Whether it is about work on units.
bool Scheduler::route_to_work(const Address& node, const Message& message) {
    if (const auto* refused = std::get_if<LeaseRefused>(&message)) {
        if (!work_.owns(refused->job_id)) return false;
        work_.on_refused(node, *refused);
    } else if (const auto* failed = std::get_if<NodeFailedJob>(&message)) {
        if (!work_.owns(failed->job_id)) return false;
        work_.on_failed(node, *failed);
    } else if (const auto* started = std::get_if<StepStarted>(&message)) {
        work_.on_started(node, *started);
    } else if (const auto* output = std::get_if<StepOutput>(&message)) {
        work_.on_output(node, *output);
    } else if (const auto* checkpoint = std::get_if<StepCheckpoint>(&message)) {
        work_.on_checkpoint(node, *checkpoint);
    } else if (const auto* finished = std::get_if<StepFinished>(&message)) {
        const JobId attempt = finished->finished.job_id;
        // Perhaps one that is stored already and whose acknowledgement was lost.
        if (!work_.on_finished(node, *finished)) driver_.on_node_message(node, attempt, finished->finished);
    } else {
        return false;
    }
    return true;
}

void Scheduler::route_from_gateway(SessionId session, Message message) {
    if (auto* request = std::get_if<JobRequest>(&message)) {
        driver_.on_order(session, std::move(request->order));
    } else if (const auto* cancel = std::get_if<JobCancel>(&message)) {
        driver_.on_cancel(session, *cancel);
    } else if (auto* submit = std::get_if<WorkSubmit>(&message)) {
        work_.on_submit(session, std::move(submit->order));
    } else if (const auto* quote = std::get_if<WorkQuoteRequest>(&message)) {
        work_.on_quote(session, quote->order);
    } else if (const auto* stop = std::get_if<WorkCancel>(&message)) {
        work_.on_cancel(session, *stop);
    } else if (const auto* status = std::get_if<WorkStatusRequest>(&message)) {
        work_.on_status(session, *status);
    } else if (const auto* output = std::get_if<WorkOutputRequest>(&message)) {
        work_.on_output(session, *output);
    } else if (std::holds_alternative<UnitsRequest>(message)) {
        work_.on_units(session);
    } else if (auto* tunnel = std::get_if<TunnelOpen>(&message)) {
        tunnels_.on_open(session, std::move(*tunnel));
    }
}

void Scheduler::route_from_verifier(SessionId session, const services::LinkPeer& peer, Message message) {
    if (auto* request = std::get_if<OpenRequest>(&message)) {
        audits_.on_open_request(session, std::move(*request));
    } else if (auto* replay = std::get_if<ReplayRequest>(&message)) {
        audits_.on_replay_request(session, std::move(*replay));
    } else if (auto* report = std::get_if<VerdictReport>(&message)) {
        audits_.on_verdict(peer, std::move(*report));
    } else if (auto* question = std::get_if<CapacityQuestion>(&message)) {
        capacity_.on_question(session, std::move(*question));
    }
}

void Scheduler::on_status_request(SessionId session, const JobId& job_id) {
    if (status_queries_ >= kStatusQueriesMax) return;  // the caller has its own deadline
    ++status_queries_;
    context_.tasks.spawn(answer_status(session, job_id));
}

Task<void> Scheduler::answer_status(SessionId session, JobId job_id) {
    JobStatusReply reply;
    reply.job_id = job_id;
    Result<std::optional<JobRecord>> found = co_await book_.find_record(job_id);
    if (found && *found) {
        const JobRecord& record = **found;
        reply.known = true;
        reply.state = record.state;
        reply.placement = record.placement;
        reply.receipt = record.receipt;
        reply.verdict = record.verdict;
        reply.audited = record.audit != AuditState::kNotDrawn;
        reply.error = record.error;
        reply.monitor_key = record.monitor_key;
        Result<void> settled = co_await add_settlement(&reply, record);
        if (!settled) context_.log.info("status_incomplete", {{"reason", settled.error().message}});
    }
    --status_queries_;
    switchboard_.post(session, std::move(reply));
}

Task<Result<void>> Scheduler::add_settlement(JobStatusReply* reply, JobRecord record) {
    const bool is_batched = record.state == JobState::kBatched || record.state == JobState::kSettled;
    if (!is_batched) co_return Result<void>{};
    reply->batch_index = record.batch_index;
    CO_TRY(const Batch batch, co_await settler_.load_batch(record.batch_index));
    for (std::size_t index = 0; index < batch.receipts.size(); ++index) {
        if (batch.receipts[index] == record.receipt) reply->receipt_proof = market::receipt_proof(batch, index);
    }
    CO_TRY(reply->batch_transaction, co_await settler_.batch_transaction(record.batch_index));
    co_return Result<void>{};
}

}  // namespace vcity::scheduler
