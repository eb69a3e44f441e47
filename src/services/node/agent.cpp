// SPDX-License-Identifier: Apache-2.0
#include "services/node/agent.hpp"

#include <algorithm>

#include "codec/hex.hpp"
#include "market/typed_hashes.hpp"
#include "services/common/registration.hpp"
#include "wire/wire.hpp"

namespace vcity::node {
namespace {

constexpr std::chrono::seconds kStorePatience{30};
constexpr std::chrono::seconds kPumpIdle{5};
constexpr std::chrono::milliseconds kPumpBlocked{20};
// Under the verifier's deadlines of 60 and 120 s.
constexpr std::chrono::seconds kOpeningTimeout{50};
constexpr std::chrono::seconds kReplayTimeout{110};
}  // namespace

NodeAgent::NodeAgent(NodeDeps deps, NodeOptions options)
    : deps_{std::move(deps)},
      options_{std::move(options)},
      metrics_{deps_.metrics},
      log_{deps_.log},
      group_{deps_.runtime},
      changed_{deps_.runtime},
      stopped_{deps_.runtime},
      intake_changed_{deps_.runtime},
      capacity_{&group_, deps_.capacity, [this](Message message) { post(std::move(message)); }},
      steps_{StepRunner::Parts{deps_.runtime, deps_.store, deps_.signer, deps_.sandbox, deps_.volumes, deps_.transfer,
                               &group_, &metrics_, &deps_.deployment, log_.named("node.steps"),
                               [this](Message message) { return post_bulk(std::move(message)); },
                               [this] { changed_.notify(); }, [this] { note_done(); }, deps_.tunnels != nullptr},
             options_.units, options_.steps, options_.machine},
      tunnels_{TunnelDesk::Parts{deps_.runtime, deps_.tunnels, &group_,
                                 [this](const JobId& attempt, std::uint64_t token) -> std::optional<TunnelEnd> {
                                     const auto step = steps_.running_step(attempt, token);
                                     if (!step) return std::nullopt;
                                     return TunnelEnd{step->process, step->setup};
                                 },
                                 [this](Message message) { post(std::move(message)); }, log_.named("node.tunnels")}},
      openings_{deps_.runtime, options_.openings_queued_max} {
    services::PeerLinkOptions link;
    link.endpoints = options_.scheduler_endpoints;
    link.introduction.deployment = &deps_.deployment;
    link.introduction.signer = deps_.signer;
    link.introduction.role = Role::kCompute;
    link.introduction.software_version = options_.software_version;
    link.session = options_.session;
    link.backoff = options_.backoff;
    services::PeerLinkDeps link_deps{deps_.runtime, deps_.dialer, log_.named("node.link"), deps_.store};
    services::PeerLinkHandler* self = this;
    link_ = std::make_unique<services::PeerLink>(std::move(link_deps), std::move(link), self);
}

Task<Result<void>> NodeAgent::run() {
    Result<void> prepared = co_await prepare();
    if (!prepared || stopping_) co_return prepared;
    group_.spawn(run_pump());
    group_.spawn(run_openings());
    group_.spawn(watch_intake());
    if (deps_.sealer != nullptr) group_.spawn(watch_monitor());
    co_await link_->run();
    openings_.close();
    changed_.notify();
    for (const auto& [job_id, work] : works_) {
        if (work->generation != nullptr) work->generation->cancel();
    }
    steps_.stop();
    tunnels_.stop();
    while (group_.running() > 0) {
        Result<void> joined = co_await group_.join(deps_.runtime->now() + kStorePatience);
        if (!joined) log_.warn("tasks_linger", {{"running", group_.running()}});
    }
    co_return Result<void>{};
}

void NodeAgent::stop() {
    stopping_ = true;
    link_->stop();
    openings_.close();
    changed_.notify();
    stopped_.notify();
    intake_changed_.notify();
}

Task<Result<void>> NodeAgent::prepare() {
    CO_TRY_OK(co_await recover_intake());
    CO_TRY_OK(co_await recover());
    CO_TRY_OK(co_await steps_.recover());
    CO_TRY(model_, co_await deps_.inference->ready(deps_.runtime->now() + options_.model_load_timeout));
    if (deps_.sealer != nullptr) {
        co_await learn_monitor_key();
    }
    co_return co_await register_identity();
}

Task<Result<void>> NodeAgent::register_identity() {
    services::RegistrationDeps registration_deps{deps_.runtime, deps_.chain_reader, deps_.chain_writer, log_};
    co_return co_await services::ensure_registered(std::move(registration_deps), registration(), &stopping_);
}

Task<void> NodeAgent::on_denied() {
    Result<void> registered = co_await register_identity();
    if (!registered) log_.warn("not_registered", {{"reason", registered.error().message}});
}

Task<Result<void>> NodeAgent::recover() {
    const TimePoint deadline = deps_.runtime->now() + kStorePatience;
    CO_TRY(const std::vector<ports::StoreEntry> entries,
           co_await services::scan_all(deps_.runtime, deps_.store, std::string(kLeasePrefix), deadline));
    for (const ports::StoreEntry& entry : entries) {
        CO_TRY(LeaseRecord record, parse_lease_record(entry.value));
        if (!record.is_finished) {
            lost_leases_.push_back(record.lease);
            continue;
        }
        auto work = std::make_unique<Work>();
        work->lease = record.lease;
        work->chunks = std::move(record.chunks);
        work->finished = std::move(record.finished);
        works_.emplace(record.lease.job_id, std::move(work));
    }
    log_.info("recovered", {{"lost_leases", lost_leases_.size()}, {"unacknowledged", works_.size()}});
    for (const Lease& lease : lost_leases_) {
        co_await forget_lease(lease.job_id);
    }
    co_return Result<void>{};
}

NodeRecord NodeAgent::registration() const {
    NodeRecord record;
    record.identity = deps_.signer->address();
    record.role = Role::kCompute;
    record.kind = options_.kind;
    record.hardware = options_.hardware;
    record.did_document_uri = options_.did_document_uri;
    record.stake = options_.stake;
    return record;
}

NodeAnnouncement NodeAgent::announcement() const {
    ModelOffer offer;
    offer.model = model_->model;
    offer.model_root = model_->weights_root;
    offer.prices = options_.prices;
    offer.context_tokens_max = model_->context_tokens_max;
    offer.slots = model_->slots;
    offer.tiers = model_->tiers;
    NodeAnnouncement announcement;
    announcement.kind = options_.kind;
    announcement.hardware = options_.hardware;
    // Who takes no work offers none; what runs already goes on.
    if (takes_work()) announcement.offers.push_back(std::move(offer));
    announcement.software_version = options_.software_version;
    announcement.monitor_key = monitor_key_.hash;
    if (takes_work()) announcement.units = steps_.units();
    return announcement;
}

std::size_t NodeAgent::active_leases() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(works_, [](const auto& entry) { return !entry.second->finished; }));
}

void NodeAgent::post(Message message) {
    if (session_ != nullptr) session_->post(std::move(message));
}

bool NodeAgent::post_bulk(Message message) {
    return session_ != nullptr && session_->has_room() && session_->post(std::move(message));
}

void NodeAgent::announce() {
    announced_open_ = takes_work();
    steps_.set_open(announced_open_);
    NodeReady ready;
    ready.announcement = announcement();
    for (const auto& [job_id, work] : works_) ready.active_leases.push_back(work->lease);
    steps_.add_leases(&ready.active_leases);
    post(std::move(ready));
}

void NodeAgent::on_connected(services::LinkSession* session, const LinkWelcome& welcome) {
    session_ = session;
    scheduler_ = welcome.scheduler;
    metrics_.link_up->set(1);
    for (const auto& [job_id, work] : works_) {
        work->chunks_posted = 0;
        work->finished_posted_at.reset();
    }
    announce();
    steps_.on_connected(welcome.scheduler);
    for (const Lease& lease : std::exchange(lost_leases_, {})) {
        NodeFailedJob failed;
        failed.job_id = lease.job_id;
        failed.fencing_token = lease.fencing_token;
        failed.code = Errc::kUnavailable;
        failed.reason = "the node restarted";
        post(std::move(failed));
    }
    changed_.notify();
}

void NodeAgent::on_disconnected() {
    steps_.on_disconnected(session_->heard_at());
    session_ = nullptr;
    metrics_.link_up->set(0);
    capacity_.on_link_lost();
}

Heartbeat NodeAgent::make_heartbeat() {
    Heartbeat heartbeat;
    heartbeat.active_jobs = static_cast<std::uint32_t>(active_leases());
    heartbeat.free_slots = model_->slots - std::min(model_->slots, heartbeat.active_jobs);
    return heartbeat;
}

void NodeAgent::on_message(Message message) {
    if (auto* grant = std::get_if<LeaseGrant>(&message)) {
        on_grant(std::move(*grant));
    } else if (const auto* cancel = std::get_if<JobCancel>(&message)) {
        on_cancel(*cancel);
        steps_.on_cancel(*cancel);
    } else if (auto* step = std::get_if<StepGrant>(&message)) {
        steps_.on_grant(std::move(*step));
    } else if (auto* ack = std::get_if<ReceiptAck>(&message)) {
        if (steps_.owns(ack->receipt.receipt.job_id)) {
            steps_.on_ack(std::move(*ack));
        } else if (works_.contains(ack->receipt.receipt.job_id)) {
            group_.spawn(on_ack(std::move(*ack)));
        }
    } else if (auto* opening = std::get_if<OpenRequest>(&message)) {
        on_audit_call(std::move(*opening));
    } else if (auto* replay = std::get_if<ReplayRequest>(&message)) {
        on_audit_call(std::move(*replay));
    } else if (auto* capacity = std::get_if<CapacityQuestion>(&message)) {
        capacity_.on_question(std::move(*capacity));
    } else if (auto* tunnel = std::get_if<TunnelRequest>(&message)) {
        tunnels_.on_request(std::move(*tunnel));
    } else if (const auto* away = std::get_if<StepAway>(&message)) {
        steps_.on_away(*away);
    } else {
        log_.debug("unexpected_message", {{"index", message.index()}});
    }
}

bool NodeAgent::pump_work(Work* work) {
    while (work->chunks_posted < work->chunks.size()) {
        if (!session_->has_room()) return false;
        post(work->chunks[work->chunks_posted]);
        ++work->chunks_posted;
    }
    if (!work->finished) return true;
    const TimePoint now = deps_.runtime->now();
    if (work->finished_posted_at && now - *work->finished_posted_at < options_.resend_every) return true;
    if (!session_->has_room()) return false;
    post(message_of(*work->finished));
    work->finished_posted_at = now;
    return true;
}

bool NodeAgent::pump() {
    for (const auto& [job_id, work] : works_) {
        if (session_ == nullptr) return true;
        if (!pump_work(work.get())) return false;
    }
    return session_ == nullptr || steps_.pump();
}

Task<void> NodeAgent::run_pump() {
    while (!stopping_) {
        const Duration pause = pump() ? Duration{kPumpIdle} : Duration{kPumpBlocked};
        co_await changed_.wait_until(deps_.runtime->now() + pause);
    }
}

// A full queue drops the request: the verifier asks again, and a false "not available" would cost the payment.
void NodeAgent::on_audit_call(AuditCall call) {
    if (std::ranges::find(audit_calls_, call) != audit_calls_.end()) return;
    AuditCall known = call;
    if (openings_.try_send(std::move(call))) audit_calls_.push_back(std::move(known));
}

Task<void> NodeAgent::run_openings() {
    while (!stopping_) {
        Result<AuditCall> call = co_await openings_.receive(deps_.runtime->now() + kStorePatience);
        if (call) {
            const AuditCall known = *call;
            co_await answer_audit_call(*std::move(call));
            std::erase(audit_calls_, known);
        } else if (call.error().code != Errc::kTimeout) {
            break;
        }
    }
}

Task<void> NodeAgent::answer_audit_call(AuditCall call) {
    if (auto* replay = std::get_if<ReplayRequest>(&call)) {
        co_await answer_replay(std::move(*replay));
    } else {
        co_await answer_opening(std::move(std::get<OpenRequest>(call)));
    }
}

Task<Result<void>> NodeAgent::check_receipt_hash(JobId job_id, Hash receipt_hash) {
    CO_TRY(const Hash signed_hash, co_await receipt_hash_of(job_id));
    if (signed_hash != receipt_hash) co_return make_error(Errc::kNotFound, "no such receipt");
    co_return Result<void>{};
}

// Both say nothing when they cannot tell now: "not available" is final for the verifier.
Task<void> NodeAgent::answer_replay(ReplayRequest request) {
    ReplayReply reply;
    reply.job_id = request.job_id;
    reply.receipt_hash = request.receipt_hash;
    Result<void> known = co_await check_receipt_hash(request.job_id, request.receipt_hash);
    Result<Hash> root = make_error(Errc::kNotFound, "no such receipt");
    if (known) {
        root = co_await deps_.inference->replay(request.job_id, deps_.runtime->now() + kReplayTimeout);
    } else {
        root = std::move(known).error();
    }
    if (!root && root.error().code != Errc::kNotFound) {
        log_.warn("replay_failed", {{"job", codec::to_hex(request.job_id)}, {"reason", root.error().message}});
        co_return;
    }
    reply.available = root.has_value();
    if (root) {
        reply.root = *root;
    } else {
        reply.reason = root.error().message;
    }
    metrics_.openings->increment();
    post(std::move(reply));
}

Task<void> NodeAgent::answer_opening(OpenRequest request) {
    OpenReply reply;
    reply.job_id = request.job_id;
    reply.receipt_hash = request.receipt_hash;
    Result<void> known = co_await check_receipt_hash(request.job_id, request.receipt_hash);
    Result<Opening> opening = make_error(Errc::kNotFound, "no such receipt");
    if (known) {
        WorkerOpen open;
        open.job_id = request.job_id;
        open.root = request.root;
        open.question = std::move(request.question);
        opening = co_await deps_.inference->open(std::move(open), deps_.runtime->now() + kOpeningTimeout);
    } else {
        opening = std::move(known).error();
    }
    if (!opening && opening.error().code != Errc::kNotFound) {
        log_.warn("opening_failed", {{"job", codec::to_hex(request.job_id)}, {"reason", opening.error().message}});
        co_return;
    }
    reply.available = opening.has_value();
    if (opening) {
        reply.opening = *std::move(opening);
    } else {
        reply.reason = opening.error().message;
    }
    metrics_.openings->increment();
    post(std::move(reply));
}

Task<Result<Hash>> NodeAgent::receipt_hash_of(JobId job_id) {
    const auto found = works_.find(job_id);
    if (found != works_.end() && found->second->finished) {
        co_return market::receipt_hash(found->second->finished->receipt.receipt);
    }
    const TimePoint deadline = deps_.runtime->now() + kStorePatience;
    CO_TRY(const std::optional<Bytes> stored,
           co_await services::get_until(deps_.runtime, deps_.store, receipt_key(job_id), deadline));
    if (!stored) co_return make_error(Errc::kNotFound, "no receipt for this job");
    CO_TRY(const SignedReceipt receipt, wire::parse_receipt(*stored));
    co_return market::receipt_hash(receipt.receipt);
}

}  // namespace vcity::node
