// SPDX-License-Identifier: Apache-2.0
#include "services/node/steps/step_runner.hpp"

#include <algorithm>

#include "codec/hex.hpp"
#include "crypto/secp256k1.hpp"
#include "market/typed_hashes.hpp"
#include "services/common/backoff.hpp"
#include "services/node/lease_record.hpp"
#include "services/node/work_log.hpp"
#include "wire/wire.hpp"
#include "work/plan.hpp"
#include "work/pricing.hpp"

namespace vcity::node {
namespace {

constexpr std::chrono::seconds kStorePatience{30};
constexpr std::chrono::seconds kEndPatience{10};  // of a command that was told to end
constexpr std::uint64_t kMib = 1U << 20U;
constexpr std::uint32_t kMilli = 1000;

Duration until(UnixMillis when, UnixMillis now) {
    return when > now ? Duration{std::chrono::milliseconds{(when - now).count()}} : Duration{};
}

}  // namespace

void StepRunner::stop() {
    stopping_ = true;
    for (const auto& [attempt, step] : steps_) {
        if (step->process != nullptr) step->process->kill();
    }
}

std::size_t StepRunner::running() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(steps_, [](const auto& entry) { return !entry.second->receipt; }));
}

void StepRunner::add_leases(std::vector<Lease>* leases) const {
    for (const auto& [attempt, step] : steps_) leases->push_back(step->lease);
}

void StepRunner::describe(NodeStatus* status) const {
    for (const UnitOffer& offer : units_) status->units.push_back({.offer = offer});
    for (const auto& [attempt, step] : steps_) {
        if (step->receipt) {
            ++status->unacknowledged;
            continue;
        }
        const StepGrant& grant = *step->grant;
        RunningStep running;
        running.attempt = attempt;
        running.unit = grant.unit;
        running.gpu_mask = grant.gpu_mask;
        running.started_at = step->started_at;
        running.cpu_milli = grant.work.ask.cpu_milli;
        running.memory_mib = grant.work.ask.memory_mib;
        running.output_bytes = step->output.size();
        running.hourly = grant.hourly;
        status->steps.push_back(running);
        const auto unit =
            std::ranges::find(status->units, grant.unit, [](const UnitStatus& known) { return known.offer.number; });
        if (unit == status->units.end()) continue;
        ++unit->running;
        unit->cpu_milli += running.cpu_milli;
        unit->memory_mib += running.memory_mib;
        unit->gpu_mask |= running.gpu_mask;
    }
}

void StepRunner::on_connected(const Address& scheduler) {
    scheduler_ = scheduler;
    end_outage();
    for (const auto& [attempt, step] : steps_) {
        step->is_start_posted = false;
        step->output_posted = 0;
        step->finish_posted_at.reset();
    }
}

// Failures and refusals wait here for a link with room.
void StepRunner::report(Message message) {
    if (reports_.size() >= limits_.reports_max) {
        parts_.log.warn("report_dropped", {{"waiting", reports_.size()}});
        reports_.pop_front();
    }
    reports_.push_back(std::move(message));
    parts_.changed();
}

void StepRunner::report_failure(const Lease& lease, Errc code, std::string reason) {
    NodeFailedJob failed;
    failed.job_id = lease.job_id;
    failed.fencing_token = lease.fencing_token;
    failed.code = code;
    failed.reason = std::move(reason);
    report(std::move(failed));
}

Result<void> StepRunner::check_grant(const StepGrant& grant) const {
    if (stopping_) return make_error(Errc::kUnavailable, "the node is stopping");
    if (!is_open_) return make_error(Errc::kUnavailable, "the node takes no work now");
    if (parts_.sandbox == nullptr) return make_error(Errc::kInvalid, "this node runs no commands");
    if (grant.lease.node != parts_.signer->address()) {
        return make_error(Errc::kInvalid, "the lease names another node");
    }
    if (owns(grant.lease.job_id)) return make_error(Errc::kConflict, "there is a lease of this attempt already");
    const UnixMillis now = parts_.runtime->unix_now();
    if (grant.lease.expires_at <= now) return make_error(Errc::kTimeout, "the lease has expired");
    if (steps_.size() >= limits_.results_max + units_.size()) {
        return make_error(Errc::kExhausted, "too many results wait for their acknowledgement");
    }
    std::size_t held = 0;
    for (const auto& [attempt, step] : steps_) held += step->output.size();
    if (held >= limits_.output_total_bytes_max) {
        return make_error(Errc::kExhausted, "too much output waits for its acknowledgement");
    }
    return check_room(grant);
}

void StepRunner::refuse(const StepGrant& grant, const Error& error) {
    LeaseRefused refused;
    refused.job_id = grant.lease.job_id;
    refused.fencing_token = grant.lease.fencing_token;
    refused.code = error.code;
    refused.reason = error.message;
    parts_.metrics->leases_refused->increment();
    report(std::move(refused));
}

void StepRunner::on_grant(StepGrant grant) {
    const JobId attempt = grant.lease.job_id;
    const auto known = steps_.find(attempt);
    if (known != steps_.end() && known->second->lease == grant.lease) return;  // the same grant again
    const Result<void> good = check_grant(grant);
    if (!good) {
        refuse(grant, good.error());
        return;
    }
    auto step = std::make_unique<Step>();
    step->lease = grant.lease;
    step->grant = std::move(grant);
    step->scheduler = *scheduler_;
    steps_.emplace(attempt, std::move(step));
    parts_.metrics->leases_accepted->increment();
    parts_.log.debug("step_accepted",
                     {{"attempt", codec::to_hex(attempt)}, {"trace_id", steps_.at(attempt)->grant->trace_id}});
    parts_.metrics->steps_running->set(static_cast<double>(running()));
    parts_.group->spawn(run(attempt));
}

void StepRunner::on_cancel(const JobCancel& cancel) {
    const auto found = steps_.find(cancel.job_id);
    if (found == steps_.end()) return;
    Step* step = found->second.get();
    if (step->receipt || step->lease.fencing_token != cancel.fencing_token) return;
    if (cancel.gives_way) {
        give_way(cancel.job_id, step, "gives way to work that pays more");
        return;
    }
    step->is_cancelled = true;
    if (step->process != nullptr) step->process->kill();
}

void StepRunner::give_way(const std::string& reason) {
    for (const auto& [attempt, step] : steps_) give_way(attempt, step.get(), reason);
}

void StepRunner::give_way(const JobId& attempt, Step* step, const std::string& reason) {
    if (step->receipt || !step->gives_way_to.empty()) return;
    step->gives_way_to = reason;
    if (step->process == nullptr) return;
    step->process->stop();
    parts_.group->spawn(kill_later(attempt, step->lease.fencing_token));
}

Task<void> StepRunner::kill_later(JobId attempt, std::uint64_t fencing_token) {
    co_await parts_.runtime->sleep_until(parts_.runtime->now() + kEndPatience);
    const auto found = steps_.find(attempt);
    if (found == steps_.end() || found->second->lease.fencing_token != fencing_token) co_return;
    if (found->second->process != nullptr) found->second->process->kill();
}

// After its command has ended. Another node goes on from the newest checkpoint: the time until then is billed.
Task<Result<std::int32_t>> StepRunner::give_up(Step* step) {
    if (step->files != nullptr && step->grant->work.setup.checkpoint_seconds != 0) {
        const Result<void> sent = co_await send_checkpoint(step);
        if (!sent) parts_.log.info("checkpoint_failed", {{"reason", sent.error().message}});
    }
    if (step->checkpointed == Duration{}) co_return make_error(Errc::kUnavailable, step->gives_way_to);
    step->ran = std::min(step->ran, step->checkpointed);
    co_return work::kGaveWayExit;
}

Task<void> StepRunner::run(JobId attempt) {
    Result<void> done = co_await work_on(steps_.at(attempt).get());
    co_await conclude(attempt, std::move(done));
}

Task<void> StepRunner::conclude(JobId attempt, Result<void> done) {
    if (!done) {
        parts_.log.info("step_failed", {{"attempt", codec::to_hex(attempt)}, {"reason", done.error().message}});
        parts_.metrics->leases_failed->increment();
        const Lease lease = steps_.at(attempt)->lease;
        co_await forget(attempt);
        steps_.erase(attempt);
        report_failure(lease, done.error().code, done.error().message);
    }
    parts_.metrics->steps_running->set(static_cast<double>(running()));
    parts_.changed();
}

Task<Result<void>> StepRunner::work_on(Step* step) {
    StepRecord record;
    record.lease = step->lease;
    ports::StoreChange change;
    change.puts.push_back({step_key(step->lease.job_id), encode(record)});
    CO_TRY_OK(co_await services::commit_until(parts_.runtime, parts_.store, std::move(change),
                                              parts_.runtime->now() + kStorePatience));
    CO_TRY(step->exit_code, co_await execute(step));
    co_return co_await finish(step);
}

TimePoint StepRunner::lease_end(const Step& step) const {
    return parts_.runtime->now() + until(step.lease.expires_at, parts_.runtime->unix_now());
}

ports::SandboxSpec StepRunner::spec_of(const Step& step) const {
    const StepWork& work = step.grant->work;
    ports::SandboxSpec spec;
    spec.command = work.command;
    spec.environment = work.environment;
    if (const auto program = machine_.programs.find(work.setup.program); program != machine_.programs.end()) {
        spec.command.insert(spec.command.begin(), program->second.command.begin(), program->second.command.end());
        spec.read_only = program->second.read_only;
        spec.environment.insert(spec.environment.begin(), program->second.environment.begin(),
                                program->second.environment.end());
        // So that what it makes can say who made it.
        spec.environment.insert(spec.environment.begin(), "VCITY_NODE=" + codec::to_hex(step.lease.node));
    }
    if (work.setup.image.empty()) {
        // Nothing to read, and complaints stand beside the output that they are about.
        const std::vector<std::string> shell{"/bin/sh", "-c", "exec \"$@\" < /dev/null 2>&1", "sh"};
        spec.command.insert(spec.command.begin(), shell.begin(), shell.end());
    }
    spec.image = work.setup.image;
    spec.joins_output = !work.setup.image.empty();
    if (outlives_agent(work)) spec.name = sandbox_name(step.lease);
    spec.egress = work.setup.egress;
    spec.egress_hosts = work.setup.egress_hosts;
    if (step.files != nullptr) {
        spec.job_folder = step.files->path();
    } else {
        for (const InputFile& input : work.inputs) spec.files.push_back({input.name, input.content});
    }
    spec.work_bytes_max = disk_bytes(work.ask);
    spec.memory_bytes_max = work.ask.memory_mib * kMib;
    spec.memory_total_bytes_max = spec.memory_bytes_max;
    spec.processes_max = limits_.processes_max;
    spec.cores_max = std::max(1U, (work.ask.cpu_milli + kMilli - 1) / kMilli);
    spec.gives_way = true;  // to the model, above all
    spec.is_reachable = parts_.is_reachable && (work.setup.is_service || !work.setup.ports.empty());
    const auto gpus = machine_.unit_gpus.find(step.grant->unit);
    for (std::size_t gpu = 0; gpus != machine_.unit_gpus.end() && gpu < gpus->second.size(); ++gpu) {
        if (work.ask.gpus != 0 && (step.grant->gpu_mask >> gpu & 1U) != 0) spec.gpus.push_back(gpus->second[gpu]);
    }
    return spec;
}

Task<Result<void>> StepRunner::prepare(Step* step) {
    const StepWork& work = step->grant->work;
    if (!StepFiles::needed(work)) co_return Result<void>{};
    const StepFiles::Parts parts{parts_.runtime, parts_.volumes, parts_.transfer};
    CO_TRY(step->files, co_await StepFiles::prepare(parts, codec::to_hex(step->lease.job_id).substr(2), work,
                                                    disk_bytes(work.ask), lease_end(*step)));
    co_return Result<void>{};
}

Task<Result<std::int32_t>> StepRunner::execute(Step* step) {
    CO_TRY_OK(co_await prepare(step));
    if (step->is_cancelled) co_return make_error(Errc::kUnavailable, "cancelled");
    if (!step->gives_way_to.empty()) co_return make_error(Errc::kUnavailable, step->gives_way_to);
    CO_TRY(std::unique_ptr<ports::SandboxProcess> process, co_await parts_.sandbox->start(spec_of(*step)));
    step->started_at = parts_.runtime->unix_now();
    step->started_on = parts_.runtime->now();
    if (outlives_agent(step->grant->work)) {
        CO_TRY_OK(co_await bequeath(step));
    }
    co_return co_await attend(step, std::move(process));
}

// Until the command has ended, and with it the sandbox.
Task<Result<std::int32_t>> StepRunner::attend(Step* step, std::unique_ptr<ports::SandboxProcess> process) {
    step->look_at = parts_.runtime->now() + limits_.look_every;
    step->checkpoint_at = parts_.runtime->now() + std::chrono::seconds{step->grant->work.setup.checkpoint_seconds};
    step->process = process.get();
    if (step->is_cancelled || stopping_ || !step->gives_way_to.empty()) process->kill();
    parts_.changed();
    const TimePoint deadline =
        std::min<TimePoint>(step->started_on + std::chrono::seconds{step->grant->work.seconds_max}, lease_end(*step));
    const std::optional<std::int32_t> ended_by_us = co_await read_output(step, deadline);
    if (ended_by_us) process->kill();
    // Output may be closed while the command goes on.
    const TimePoint end = ended_by_us ? parts_.runtime->now() + kEndPatience : deadline;
    Result<int> status = co_await process->wait(end);
    if (!status) process->kill();
    step->ran = parts_.runtime->now() - step->started_on;
    count_away(step);
    step->process = nullptr;
    while (step->is_keeping) {
        co_await keeping_ended_.wait_until(parts_.runtime->now() + kStorePatience);
    }
    if (stopping_) co_return make_error(Errc::kUnavailable, "the node is stopping");
    // The time was used, whoever ended it.
    if (step->is_cancelled) co_return kCancelledExit;
    if (!step->gives_way_to.empty()) {
        co_return co_await give_up(step);
    }
    // Nobody knows how far the command came, and that is not the customer's doing.
    if (!status && status.error().code == Errc::kUnavailable) co_return status.error();
    step->exit_code = status ? static_cast<std::int32_t>(*status) : kTimeLimitExit;
    if (ended_by_us) step->exit_code = *ended_by_us;
    CO_TRY_OK(co_await keep_files(step));
    co_return step->exit_code;
}

// Until the command closes its output, or has to be ended by us, with this exit code.
Task<std::optional<std::int32_t>> StepRunner::read_output(Step* step, TimePoint deadline) {
    while (true) {
        const TimePoint until = step->files == nullptr ? deadline : std::min(deadline, step->look_at);
        const Result<Bytes> bytes = co_await step->process->read(kStepOutputBytesMax, until);
        const bool is_late = !bytes && bytes.error().code != Errc::kUnavailable;
        if (is_late && parts_.runtime->now() >= deadline) co_return kTimeLimitExit;
        if (!bytes && !is_late) co_return std::nullopt;
        if (bytes) {
            const std::size_t room = limits_.output_bytes_max - step->output.size();
            step->output += as_text(*bytes).substr(0, room);
            parts_.changed();
            // A service goes on for days; the beginning of what it says is kept.
            const bool is_service = step->grant->work.setup.is_service;
            if (bytes->size() > room && !is_service) co_return kOutputLimitExit;
        }
        const bool is_over = co_await look_after(step);
        if (!is_over) continue;
        step->output += "\nvcity: /job holds more than the disk that the step asked for\n";
        co_return kOutputLimitExit;
    }
}

// Begins a checkpoint when it is time for one. Whether the step has filled more than its disk.
Task<bool> StepRunner::look_after(Step* step) {
    const TimePoint now = parts_.runtime->now();
    if (step->files == nullptr || now < step->look_at) co_return false;
    step->look_at = now + limits_.look_every;
    const std::uint32_t every = step->grant->work.setup.checkpoint_seconds;
    if (every != 0 && now >= step->checkpoint_at && !step->is_keeping) {
        step->checkpoint_at = now + std::chrono::seconds{every};
        step->is_keeping = true;
        parts_.group->spawn(keep_checkpoint(step->lease.job_id));
    }
    co_return co_await step->files->is_over();
}

// Beside the command: a checkpoint that cannot be kept is no reason to end it.
Task<void> StepRunner::keep_checkpoint(JobId attempt) {
    Step* step = steps_.at(attempt).get();
    const Result<void> sent = co_await send_checkpoint(step);
    if (!sent) {
        parts_.log.info("checkpoint_failed", {{"attempt", codec::to_hex(attempt)}, {"reason", sent.error().message}});
    }
    step->is_keeping = false;
    keeping_ended_.notify();
}

Task<Result<void>> StepRunner::send_checkpoint(Step* step) {
    const Duration ran = step->process == nullptr ? step->ran : parts_.runtime->now() - step->started_on;
    CO_TRY(std::vector<StepFile> files, co_await step->files->keep(StepFiles::kCheckpointFolder, lease_end(*step)));
    if (files.empty()) co_return Result<void>{};
    StepCheckpoint checkpoint;
    checkpoint.step_id = step->lease.job_id;
    checkpoint.fencing_token = step->lease.fencing_token;
    checkpoint.sequence = ++step->checkpoints;
    checkpoint.files = std::move(files);
    step->checkpointed = ran;
    report(std::move(checkpoint));
    co_return Result<void>{};
}

// What is left when the command has ended: its last checkpoint unless it has succeeded, and the files of its result.
Task<Result<void>> StepRunner::keep_files(Step* step) {
    if (step->files == nullptr) co_return Result<void>{};
    const TimePoint deadline = lease_end(*step);
    const StepSetup& setup = step->grant->work.setup;
    Result<void> kept;
    if (setup.checkpoint_seconds != 0 && step->exit_code != 0) {
        kept = co_await send_checkpoint(step);
    }
    if (kept && setup.keeps_files) {
        Result<std::vector<StepFile>> files = co_await step->files->keep(StepFiles::kOutFolder, deadline);
        if (files) step->kept = *std::move(files);
        if (!files) kept = files.error();
    }
    if (kept || kept.error().code != Errc::kInvalid) co_return kept;
    // The customer's doing: the time was used.
    step->output += "\nvcity: " + kept.error().message + "\n";
    if (step->exit_code == 0) step->exit_code = kFilesExit;
    co_return Result<void>{};
}

Task<Result<void>> StepRunner::finish(Step* step) {
    const StepGrant& grant = *step->grant;
    StepRecord record;
    record.lease = step->lease;
    record.is_finished = true;
    record.exit_code = step->exit_code;
    record.output = step->output;
    record.files = step->kept;
    UsageReceipt& bill = record.receipt.receipt;
    bill.job_id = step->lease.job_id;
    bill.client = grant.client;
    bill.node = parts_.signer->address();
    bill.scheduler = step->scheduler;
    bill.fencing_token = step->lease.fencing_token;
    bill.quote = grant.quote;
    bill.model_root = work::command_root();
    bill.request_hash = work::step_hash(grant.work);
    bill.response_hash = work::result_hash(market::response_hash(step->output), step->kept);
    bill.started_at = step->started_at;
    // A wall clock that jumps meanwhile costs nobody anything.
    const std::chrono::milliseconds ran = billed_time(*step);
    bill.finished_at = bill.started_at + ran;
    bill.units.output = work::nominal_units(grant.work.ask, ran);
    bill.amount = work::amount_of(grant.hourly, ran, grant.quote);
    CO_TRY(record.receipt.node_signature,
           parts_.signer->sign(market::receipt_digest(*parts_.deployment, record.receipt.receipt)));
    ports::StoreChange change;
    change.puts.push_back({step_key(step->lease.job_id), encode(record)});
    const WorkOrigin origin{.unit = grant.unit, .gpu_mask = grant.gpu_mask};
    change.puts.push_back({origin_key(step->lease.job_id), encode(origin)});
    CO_TRY_OK(co_await services::commit_until(parts_.runtime, parts_.store, std::move(change),
                                              parts_.runtime->now() + kStorePatience));
    step->receipt = std::move(record.receipt);
    step->files.reset();
    parts_.done();
    co_return Result<void>{};
}

bool StepRunner::pump_step(Step* step) {
    if (step->started_at == UnixMillis{0}) return true;
    if (!step->is_start_posted) {
        if (!parts_.post(StepStarted{step->lease.job_id, step->lease.fencing_token, step->started_at})) return false;
        step->is_start_posted = true;
    }
    while (step->output_posted < step->output.size()) {
        StepOutput output;
        output.step_id = step->lease.job_id;
        output.fencing_token = step->lease.fencing_token;
        output.offset = step->output_posted;
        const std::string_view part = std::string_view{step->output}.substr(step->output_posted, kStepOutputBytesMax);
        output.bytes.assign(part.begin(), part.end());
        if (!parts_.post(std::move(output))) return false;
        step->output_posted += part.size();
    }
    if (!step->receipt) return true;
    const TimePoint now = parts_.runtime->now();
    if (step->finish_posted_at && now - *step->finish_posted_at < limits_.resend_every) return true;
    StepFinished finished;
    finished.finished = message_of({*step->receipt, FinishReason::kStop});
    finished.exit_code = step->exit_code;
    finished.output_bytes = step->output.size();
    finished.files = step->kept;
    if (!parts_.post(std::move(finished))) return false;
    step->finish_posted_at = now;
    return true;
}

bool StepRunner::pump() {
    while (!reports_.empty()) {
        if (!parts_.post(reports_.front())) return false;
        reports_.pop_front();
    }
    return std::ranges::all_of(steps_, [this](const auto& entry) { return pump_step(entry.second.get()); });
}

void StepRunner::on_ack(ReceiptAck ack) {
    const JobId attempt = ack.receipt.receipt.job_id;
    const auto found = steps_.find(attempt);
    if (found == steps_.end() || !found->second->receipt) return;
    if (market::receipt_hash(found->second->receipt->receipt) != ack.receipt_hash) return;
    parts_.group->spawn(keep(attempt, std::move(ack)));
}

Task<void> StepRunner::keep(JobId attempt, ReceiptAck ack) {
    if (!ack.accepted) {
        parts_.log.warn("receipt_refused", {{"attempt", codec::to_hex(attempt)}, {"reason", ack.reason}});
        parts_.metrics->receipts_refused->increment();
        co_await forget(attempt);
        steps_.erase(attempt);
        co_return;
    }
    const auto found = steps_.find(attempt);
    if (found == steps_.end()) co_return;  // acknowledged twice
    SignedReceipt receipt = *found->second->receipt;
    receipt.scheduler_signature = ack.receipt.scheduler_signature;
    const Hash digest = market::receipt_digest(*parts_.deployment, receipt.receipt);
    const Result<Address> signer = crypto::recover(digest, receipt.scheduler_signature);
    if (!signer || *signer != receipt.receipt.scheduler) co_return;  // it is sent again, and acknowledged again
    ports::StoreChange change;
    change.puts.push_back({receipt_key(attempt), wire::encode(receipt)});
    change.deletes.push_back(step_key(attempt));
    const Result<void> kept = co_await services::commit_until(parts_.runtime, parts_.store, std::move(change),
                                                              parts_.runtime->now() + kStorePatience);
    if (!kept) co_return;
    parts_.metrics->receipts_acknowledged->increment();
    steps_.erase(attempt);
}

Task<void> StepRunner::forget(JobId attempt) {
    ports::StoreChange change;
    change.deletes.push_back(step_key(attempt));
    change.deletes.push_back(origin_key(attempt));
    const Result<void> gone = co_await services::commit_until(parts_.runtime, parts_.store, std::move(change),
                                                              parts_.runtime->now() + kStorePatience);
    if (!gone) parts_.log.warn("step_not_forgotten", {{"attempt", codec::to_hex(attempt)}});
}

}  // namespace vcity::node
