// SPDX-License-Identifier: Apache-2.0
#include "scenarios/client.hpp"

#include <algorithm>

#include "codec/hex.hpp"
#include "crypto/merkle.hpp"
#include "market/typed_hashes.hpp"
#include "scenarios/cluster.hpp"

namespace vcity::scenarios {

void ClientBook::blame(const JobId& job_id, std::string_view what) {
    if (violation.empty()) violation = "client of job " + codec::to_hex(job_id) + ": " + std::string{what};
}

bool ClientBook::has_open() const {
    return std::ranges::any_of(jobs, [](const auto& entry) {
        return entry.second.status == ClientJob::Status::kPlanned || entry.second.status == ClientJob::Status::kOpen;
    });
}

Client::Client(Deps deps, ClientBook* book) : deps_{std::move(deps)}, book_{book}, group_{deps_.runtime} {
    services::PeerLinkOptions options;
    options.endpoints = deps_.endpoints;
    options.introduction.deployment = deps_.deployment;
    options.introduction.signer = deps_.signer;
    options.introduction.role = Role::kGateway;
    services::PeerLinkDeps link_deps{deps_.runtime, deps_.dialer, Log{deps_.log, "client.link"}};
    services::PeerLinkHandler* self = this;
    link_ = std::make_unique<services::PeerLink>(std::move(link_deps), std::move(options), self);
}

Task<Result<void>> Client::run() {
    group_.spawn(run_orders());
    co_await link_->run();
    co_return co_await group_.join(deps_.runtime->now() + std::chrono::seconds(5));
}

void Client::stop() {
    stopping_ = true;
    link_->stop();
}

void Client::post(Message message) {
    if (session_ != nullptr) session_->post(std::move(message));
}

void Client::on_connected(services::LinkSession* session, const LinkWelcome& /*welcome*/) {
    session_ = session;
    for (auto& [job_id, job] : book_->jobs) {
        if (job.status != ClientJob::Status::kOpen) continue;
        JobRequest request;
        request.order = job.order;
        post(std::move(request));
        if (!job.is_cancelled) continue;
        JobCancel cancel;
        cancel.job_id = job_id;
        post(cancel);
    }
}

Task<void> Client::on_denied() {
    co_return;
}

Task<void> Client::run_orders() {
    constexpr std::chrono::milliseconds kTick{250};
    while (!stopping_) {
        for (auto& [job_id, job] : book_->jobs) tend(&job);
        co_await deps_.runtime->sleep_until(deps_.runtime->now() + kTick);
    }
}

void Client::tend(ClientJob* job) {
    const TimePoint now = deps_.runtime->now();
    constexpr std::uint64_t kAskedOneIn = 64;
    if (job->receipt && deps_.runtime->random_u64() % kAskedOneIn == 0) post(JobStatusRequest{job->order.job_id});
    if (job->status == ClientJob::Status::kPlanned && now >= job->send_at) {
        job->status = ClientJob::Status::kOpen;
        JobRequest request;
        request.order = job->order;
        post(std::move(request));
    }
    if (job->status != ClientJob::Status::kOpen) return;
    if (job->cancel_after && !job->is_cancelled && now >= job->send_at + *job->cancel_after) {
        job->is_cancelled = true;
        JobCancel cancel;
        cancel.job_id = job->order.job_id;
        post(cancel);
    }
    constexpr UnixMillis kPatience{60'000};
    if (deps_.runtime->unix_now() > job->order.deadline + kPatience) {
        job->status = ClientJob::Status::kLost;
        job->error = "no answer in time";
    }
}

ClientJob* Client::find_open(const JobId& job_id) {
    const auto found = book_->jobs.find(job_id);
    if (found == book_->jobs.end()) return nullptr;
    return found->second.status == ClientJob::Status::kOpen ? &found->second : nullptr;
}

void Client::on_message(Message message) {
    if (const auto* placed = std::get_if<JobPlaced>(&message)) {
        on_placed(*placed);
    } else if (const auto* chunk = std::get_if<TokenChunk>(&message)) {
        on_chunk(*chunk);
    } else if (const auto* done = std::get_if<JobDone>(&message)) {
        on_done(*done);
    } else if (const auto* failed = std::get_if<JobFailed>(&message)) {
        on_failed(*failed);
    } else if (const auto* status = std::get_if<JobStatusReply>(&message)) {
        on_status(*status);
    }
}

// Anybody can check with the root on chain that a receipt is in its batch.
void Client::on_status(const JobStatusReply& status) {
    const auto found = book_->jobs.find(status.job_id);
    if (found == book_->jobs.end()) return;
    const ClientJob& job = found->second;
    if (job.receipt && status.receipt != *job.receipt) book_->blame(status.job_id, "the status has another receipt");
    if (status.state != JobState::kSettled || !book_->posted_root) return;
    const std::optional<Hash> root = book_->posted_root(status.batch_index);
    if (!root) return;  // a reorganisation has taken it back for now
    const Hash proved = crypto::merkle_root_of_proof(market::receipt_leaf(status.receipt), status.receipt_proof);
    if (proved != *root) book_->blame(status.job_id, "the receipt is not proved to be in its batch");
    ++book_->proofs_checked;
}

void Client::on_placed(const JobPlaced& placed) {
    ClientJob* job = find_open(placed.job_id);
    if (job == nullptr) return;
    if (placed.lease.fencing_token < job->fencing_token)
        book_->blame(placed.job_id, "an older lease after a newer one");
    const bool is_moved = placed.lease.fencing_token != job->fencing_token;
    if (is_moved && job->next_sequence > 0) book_->blame(placed.job_id, "moved to another node after the first token");
    job->fencing_token = placed.lease.fencing_token;
}

void Client::on_chunk(const TokenChunk& chunk) {
    ClientJob* job = find_open(chunk.job_id);
    if (job == nullptr) return;
    // The replay of an ended job does not begin with its placement.
    if (job->next_sequence == 0) job->fencing_token = chunk.fencing_token;
    if (chunk.fencing_token != job->fencing_token) book_->blame(chunk.job_id, "tokens of two leases are mixed");
    if (chunk.sequence > job->next_sequence) book_->blame(chunk.job_id, "a piece of the output is missing");
    if (chunk.sequence != job->next_sequence) return;
    if (!job->first_token_at) job->first_token_at = deps_.runtime->now();
    job->text += chunk.text;
    ++job->next_sequence;
}

void Client::on_done(const JobDone& done) {
    const UsageReceipt& bill = done.receipt.receipt;
    ClientJob* job = find_open(bill.job_id);
    if (job == nullptr) return;
    job->receipt = done.receipt;
    job->ended_at = deps_.runtime->now();
    if (bill.amount > job->order.quote) book_->blame(bill.job_id, "charged above the quote");
    if (market::response_hash(job->text) == bill.response_hash) {
        job->status = ClientJob::Status::kDone;
        return;
    }
    // The output of an ended job is kept only until it settles; who asks later gets the receipt without it.
    job->status = ClientJob::Status::kLost;
    job->error = "the receipt came without the whole output";
}

void Client::on_failed(const JobFailed& failed) {
    ClientJob* job = find_open(failed.job_id);
    if (job == nullptr) return;
    if (failed.message.empty()) book_->blame(failed.job_id, "an error without a reason");
    job->status = ClientJob::Status::kFailed;
    job->error = failed.message;
    job->retry_after_ms = failed.retry_after_ms;
    job->ended_at = deps_.runtime->now();
}

}  // namespace vcity::scenarios
