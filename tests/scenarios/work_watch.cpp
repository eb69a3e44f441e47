// SPDX-License-Identifier: Apache-2.0
#include "scenarios/work_watch.hpp"

#include <algorithm>

#include "codec/hex.hpp"
#include "market/batch.hpp"
#include "market/typed_hashes.hpp"
#include "services/node/steps/step_record.hpp"
#include "services/scheduler/work/work_store.hpp"
#include "wire/wire.hpp"

namespace vcity::scenarios {
namespace {

bool has_any(const sim::FakeDisk& disk, std::string_view prefix) {
    const auto first = disk.entries().lower_bound(std::string{prefix});
    return first != disk.entries().end() && first->first.starts_with(prefix);
}

}  // namespace

WorkWatch::WorkWatch(Cluster* cluster, WorkLedger* ledger)
    : cluster_{cluster}, ledger_{ledger}, disk_{&cluster->scheduler->disk} {
    cluster_->world.network.set_tap([this](const std::string& from, const std::string& /*to*/, const Message& message) {
        on_message(from, message);
    });
}

void WorkWatch::blame(std::string what) {
    if (violation_.empty()) violation_ = std::move(what);
}

// --- the disk

Result<void> WorkWatch::take(const std::string& key, const Bytes& value) {
    const std::string_view rest = std::string_view{key}.substr(scheduler::kWorkPrefix.size());
    TRY(const JobId job_id, codec::parse_fixed<JobId>(rest.substr(0, rest.find('/'))));
    TRY(const std::vector<work::Event> events, scheduler::parse_events(value));
    for (const work::Event& event : events) {
        const auto known = jobs_.find(job_id);
        if (known == jobs_.end()) {
            TRY(work::Job job, work::Job::replay({&event, 1}));
            jobs_.emplace(job_id, std::move(job));
            continue;
        }
        TRY_OK(known->second.apply(event));
        count_result(known->second, event);
    }
    return {};
}

// 1, 2: by the events, so that nothing between two looks is missed.
void WorkWatch::count_result(const work::Job& job, const work::Event& event) {
    const auto note_lease = [&](const work::LeaseTerms& terms) {
        const JobId attempt = scheduler::attempt_id(job.steps()[terms.step].id, terms.attempt);
        if (!tokens_.emplace(terms.fencing_token, attempt).second) blame("a fencing token was leased twice");
        if (!leases_.emplace(attempt, Written{job.order().job_id, terms}).second) blame("an attempt began twice");
    };
    if (const auto* leased = std::get_if<work::Leased>(&event.change)) {
        note_lease(leased->terms);
    } else if (const auto* gang = std::get_if<work::GangLeased>(&event.change)) {
        for (const work::LeaseTerms& terms : gang->members) note_lease(terms);
    } else if (const auto* finished = std::get_if<work::Finished>(&event.change)) {
        if (finished->exit_code != 0 || job.is_gang(finished->step)) return;
        if (++results_[job.steps()[finished->step].id] > 1) blame("a step has two counted results");
    }
}

void WorkWatch::refresh() {
    const sim::FakeDisk& disk = cluster_->scheduler->disk;
    if (version_ == disk.version()) return;
    version_ = disk.version();
    ++checks_;
    const std::string prefix{scheduler::kWorkPrefix};
    for (auto entry = disk.entries().lower_bound(prefix); entry != disk.entries().end(); ++entry) {
        if (!entry->first.starts_with(prefix)) break;
        if (!seen_.insert(entry->first).second) continue;
        const Result<void> taken = take(entry->first, entry->second);
        if (!taken) blame("events on the disk make no job: " + taken.error().message);
    }
    for (const auto& [job_id, job] : jobs_) {
        const auto cap = disk.find(scheduler::work_live_key(job_id));
        if (cap.has_value() == job.is_terminal()) blame("a job is marked as live and has ended, or the reverse");
        if (cap) caps_[job_id] = CapId::make(*cap);
    }
    const Result<void> read = disk_.refresh();
    if (!read) blame(read.error().message);
}

void WorkWatch::look() {
    if (!ledger_->violation.empty()) blame(ledger_->violation);
    if (!cluster_->world.log.first_error().empty()) blame("logged as an error: " + cluster_->world.log.first_error());
    if (version_ == cluster_->scheduler->disk.version()) return;
    refresh();
    check_units();
    check_budgets();
    check_receipts();
}

void WorkWatch::check_units() {
    struct Taken {
        std::uint64_t cpu_milli = 0;
        std::uint64_t memory_mib = 0;
        std::uint64_t disk_mib = 0;
    };
    std::map<std::pair<Address, std::uint32_t>, Taken> taken;
    for (const auto& [job_id, job] : jobs_) {
        for (const work::Attempt& attempt : job.live()) {
            const JobId id = scheduler::attempt_id(job.steps()[attempt.terms.step].id, attempt.terms.attempt);
            if (!granted_.contains(id) || over_.contains(id)) continue;
            const UnitAsk& ask = job.group_of(attempt.terms.step).ask;
            Taken& unit = taken[{attempt.terms.node, attempt.terms.unit}];
            unit.cpu_milli += ask.cpu_milli;
            unit.memory_mib += ask.memory_mib;
            unit.disk_mib += ask.disk_mib;
        }
    }
    for (const auto& [id, sum] : taken) {
        const NodeMachine* node = cluster_->node_of(id.first);
        if (node == nullptr || id.second >= node->units.size()) {
            blame("a lease on a unit that nobody offers");
            return;
        }
        const UnitOffer& unit = node->units[id.second];
        const bool fits =
            sum.cpu_milli <= unit.cpu_milli && sum.memory_mib <= unit.memory_mib && sum.disk_mib <= unit.disk_mib;
        if (!fits) blame("a unit of " + node->name() + " holds more than it has");
    }
}

void WorkWatch::check_budgets() {
    std::map<CapId, std::uint64_t> promised;
    for (const auto& [job_id, job] : jobs_) {
        const std::uint64_t sum = job.charged().micro + job.quoted_live().micro;
        if (sum > job.order().budget.micro) blame("a job is promised beyond its budget");
        if (!job.is_terminal()) promised[caps_.at(job_id)] += job.order().budget.micro - job.charged().micro;
    }
    for (const auto& [job_id, record] : disk_.jobs()) {
        if (record.state == JobState::kDelivered) promised[record.cap_id] += record.receipt.receipt.amount.micro;
        const bool is_leased = record.state == JobState::kLeased || record.state == JobState::kStreaming;
        if (is_leased) promised[record.cap_id] += record.quote.micro;
    }
    for (const auto& [cap_id, record] : disk_.caps()) {
        const bool is_kept = record.charged.micro + promised[cap_id] <= record.cap.cap.limit.micro;
        if (!is_kept) blame("a cap is promised beyond its limit");
    }
}

void WorkWatch::check_receipts() {
    std::map<JobId, std::uint64_t> charged;
    for (const auto& [attempt, record] : disk_.jobs()) {
        const auto lease = leases_.find(attempt);
        if (lease == leases_.end()) continue;
        charged[lease->second.job_id] += record.receipt.receipt.amount.micro;
        if (record.receipt.receipt.amount > record.receipt.receipt.quote)
            blame("an attempt was charged above its quote");
    }
    for (const auto& [job_id, job] : jobs_) {
        if (job.charged().micro != charged[job_id]) blame("a job's charges are not those of its receipts");
    }
    for (const auto& [attempt, hash] : acknowledged_) {
        const auto record = disk_.jobs().find(attempt);
        const bool is_kept =
            record != disk_.jobs().end() && market::receipt_hash(record->second.receipt.receipt) == hash;
        if (!is_kept) blame("an acknowledged result was lost");
    }
}

// --- what is said

void WorkWatch::on_message(const std::string& from, const Message& message) {
    const Result<Message> read = wire::parse_message(wire::encode(message));
    if (!read || *read != message) blame("a message cannot be read back as it was");
    if (from != cluster_->scheduler->name()) {
        on_node_message(from, message);
        return;
    }
    if (const auto* grant = std::get_if<StepGrant>(&message)) {
        on_grant(*grant);
    } else if (const auto* ack = std::get_if<ReceiptAck>(&message)) {
        on_ack(*ack);
    } else if (const auto* accepted = std::get_if<WorkAccepted>(&message)) {
        refresh();
        if (!jobs_.contains(accepted->job_id)) blame("a job was accepted before it was written");
    } else if (const auto* status = std::get_if<WorkStatusReply>(&message)) {
        on_status(*status);
    } else if (const auto* failed = std::get_if<JobFailed>(&message)) {
        refresh();
        const auto job = jobs_.find(failed->job_id);
        if (job != jobs_.end() && !job->second.is_terminal()) blame("a job lives, and was refused: " + failed->message);
    }
}

void WorkWatch::on_node_message(const std::string& from, const Message& message) {
    if (const auto* refused = std::get_if<LeaseRefused>(&message)) {
        ++refusals_;
        over_.insert(refused->job_id);
    } else if (const auto* failed = std::get_if<NodeFailedJob>(&message)) {
        over_.insert(failed->job_id);
    } else if (const auto* finished = std::get_if<StepFinished>(&message)) {
        over_.insert(finished->finished.job_id);
    } else if (const auto* ready = std::get_if<NodeReady>(&message)) {
        const auto node = std::ranges::find(cluster_->nodes, from, [](const auto& one) { return one->name(); });
        if (node == cluster_->nodes.end()) return;
        for (const auto& [attempt, written] : leases_) {
            const bool is_there =
                std::ranges::find(ready->active_leases, attempt, &Lease::job_id) != ready->active_leases.end();
            if (written.terms.node == (*node)->signer.address() && !is_there) over_.insert(attempt);
        }
    }
}

void WorkWatch::on_grant(const StepGrant& grant) {
    ++grants_;
    granted_.insert(grant.lease.job_id);
    refresh();
    const auto written = leases_.find(grant.lease.job_id);
    if (written == leases_.end()) {
        blame("a lease was announced before it was written");
        return;
    }
    const work::LeaseTerms& terms = written->second.terms;
    const bool is_same = terms.node == grant.lease.node && terms.unit == grant.unit && terms.hourly == grant.hourly &&
                         terms.quote == grant.quote && terms.attempt == grant.lease.attempt &&
                         terms.fencing_token == grant.lease.fencing_token && terms.expires_at == grant.lease.expires_at;
    if (!is_same) blame("a lease was announced otherwise than it was written");
}

void WorkWatch::on_ack(const ReceiptAck& ack) {
    const JobId attempt = ack.receipt.receipt.job_id;
    refresh();
    const auto record = disk_.job_now(attempt);
    if (!leases_.contains(attempt)) return;
    if (!ack.accepted) {
        if (acknowledged_.contains(attempt)) blame("a result was refused after it had been acknowledged");
        const bool is_delivered = record && market::receipt_hash(record->receipt.receipt) == ack.receipt_hash;
        if (is_delivered) blame("a result that counts was refused");
        return;
    }
    if (!record || record->receipt != ack.receipt) blame("a result was acknowledged before it was written");
    acknowledged_.emplace(attempt, ack.receipt_hash);
}

void WorkWatch::on_status(const WorkStatusReply& reply) {
    if (!reply.known) return;
    refresh();
    const auto job = jobs_.find(reply.job_id);
    if (job == jobs_.end()) {
        blame("a job was told of before it was written");
        return;
    }
    // What is written may have gone on while the answer waited for the link.
    const bool is_ahead = reply.state != WorkState::kActive && reply.state != job->second.state();
    if (is_ahead) blame("a job's end was told before it was written");
    if (reply.charged > job->second.charged()) blame("a charge was told before it was written");
}

// --- the end

bool WorkWatch::is_at_rest() {
    if (ledger_->has_open()) return false;
    refresh();
    if (disk_.live() > 0 || cluster_->world.chain.pending() > 0) return false;
    if (has_any(cluster_->scheduler->disk, scheduler::kWorkLivePrefix)) return false;
    return std::ranges::none_of(cluster_->nodes,
                                [](const auto& node) { return has_any(node->disk, node::kStepPrefix); });
}

void WorkWatch::check_end() {
    look();
    for (const auto& [job_id, told] : ledger_->jobs) {
        const auto job = jobs_.find(job_id);
        if (told.status == WorkJob::Status::kRefused) {
            if (job != jobs_.end() && job->second.charged() > Usd{}) blame("a refused job was charged");
            continue;
        }
        if (job == jobs_.end()) {
            blame("a job its customer was told of is unknown");
            continue;
        }
        if (told.last.state != job->second.state()) blame("a customer was told another end");
        for (const work::Job::Step& step : job->second.steps()) {
            if (step.state != StepState::kDone) continue;
            const auto output = told.outputs.find(step.id);
            const bool is_read = output != told.outputs.end() && output->second.is_whole;
            if (!is_read || output->second.text.size() != step.output_bytes) blame("an output is not what was counted");
        }
    }
    const sim::Ledger& chain = cluster_->world.chain.head();
    std::map<CapId, std::uint64_t> spent;
    for (const auto& [attempt, record] : disk_.jobs()) {
        if (record.state == JobState::kSettled) spent[record.cap_id] += record.receipt.receipt.amount.micro;
    }
    for (const auto& [cap_id, cap] : chain.caps()) {
        if (cap.spent.micro != spent[cap_id]) blame("a cap paid other than what was delivered");
    }
}

}  // namespace vcity::scenarios
