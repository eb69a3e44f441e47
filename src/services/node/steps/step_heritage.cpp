// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "codec/hex.hpp"
#include "services/common/backoff.hpp"
#include "services/node/steps/step_runner.hpp"

// What an agent leaves to the next one on its machine, and what that makes of it.
namespace vcity::node {
namespace {

constexpr std::chrono::seconds kStorePatience{30};

}  // namespace

std::string StepRunner::sandbox_name(const Lease& lease) {
    return codec::to_hex(lease.job_id).substr(2);
}

Task<Result<void>> StepRunner::bequeath(Step* step) {
    StepRecord record;
    record.lease = step->lease;
    record.heritage.emplace();
    record.heritage->grant = *step->grant;
    record.heritage->scheduler = step->scheduler;
    record.heritage->started_at = step->started_at;
    if (step->files != nullptr) record.heritage->volume = step->files->path();
    ports::StoreChange change;
    change.puts.push_back({step_key(step->lease.job_id), encode(record)});
    co_return co_await services::commit_until(parts_.runtime, parts_.store, std::move(change),
                                              parts_.runtime->now() + kStorePatience);
}

Task<Result<void>> StepRunner::adopt(StepRecord record) {
    if (!record.heritage || parts_.sandbox == nullptr) co_return make_error(Errc::kNotFound, "it ended with the agent");
    StepHeritage& heritage = *record.heritage;
    const auto unit = std::ranges::find(units_, heritage.grant.unit, &UnitOffer::number);
    if (unit == units_.end()) co_return make_error(Errc::kNotFound, "its unit is not offered any more");
    CO_TRY(std::unique_ptr<ports::SandboxProcess> process, co_await parts_.sandbox->adopt(sandbox_name(record.lease)));
    auto step = std::make_unique<Step>();
    if (!heritage.volume.empty()) {
        const StepFiles::Parts parts{parts_.runtime, parts_.volumes, parts_.transfer};
        CO_TRY(step->files, co_await StepFiles::adopt(parts, heritage.volume, heritage.grant.work.files_url,
                                                      disk_bytes(heritage.grant.work.ask)));
    }
    step->lease = record.lease;
    step->scheduler = heritage.scheduler;
    step->started_at = heritage.started_at;
    // Time went on while nobody measured it.
    const UnixMillis now = parts_.runtime->unix_now();
    const UnixMillis since = now > step->started_at ? now - step->started_at : UnixMillis{0};
    const std::chrono::milliseconds ran{since.count()};
    step->started_on = parts_.runtime->now() - ran;
    // More than were sent: at most one a second.
    step->checkpoints = static_cast<std::uint32_t>(ran / std::chrono::seconds{1}) + 1;
    step->grant = std::move(heritage.grant);
    steps_.emplace(record.lease.job_id, std::move(step));
    parts_.metrics->steps_running->set(static_cast<double>(running()));
    parts_.group->spawn(go_on(record.lease.job_id, std::move(process)));
    co_return Result<void>{};
}

Task<void> StepRunner::go_on(JobId attempt, std::unique_ptr<ports::SandboxProcess> process) {
    Step* step = steps_.at(attempt).get();
    const Result<std::int32_t> ended = co_await attend(step, std::move(process));
    Result<void> done = ended ? Result<void>{} : ended.error();
    if (ended) {
        step->exit_code = *ended;
        done = co_await finish(step);
    }
    co_await conclude(attempt, std::move(done));
}

Task<Result<void>> StepRunner::recover() {
    const TimePoint deadline = parts_.runtime->now() + kStorePatience;
    CO_TRY(const std::vector<ports::StoreEntry> entries,
           co_await services::scan_all(parts_.runtime, parts_.store, std::string(kStepPrefix), deadline));
    std::vector<Lease> lost;
    std::vector<std::string> sandboxes;
    std::vector<std::string> volumes;
    for (const ports::StoreEntry& entry : entries) {
        CO_TRY(StepRecord record, parse_step_record(entry.value));
        if (!record.is_finished) {
            const Lease lease = record.lease;
            const std::string volume = record.heritage ? record.heritage->volume : "";
            const Result<void> adopted = co_await adopt(std::move(record));
            parts_.log.info(
                adopted ? "step_adopted" : "step_lost",
                {{"attempt", codec::to_hex(lease.job_id)}, {"reason", adopted ? "" : adopted.error().message}});
            if (!adopted) lost.push_back(lease);
            if (adopted) sandboxes.push_back(sandbox_name(lease));
            if (adopted && !volume.empty()) volumes.push_back(volume);
            continue;
        }
        auto step = std::make_unique<Step>();
        step->lease = record.lease;
        step->receipt = std::move(record.receipt);
        step->exit_code = record.exit_code;
        step->output = std::move(record.output);
        step->kept = std::move(record.files);
        step->started_at = step->receipt->receipt.started_at;
        steps_.emplace(record.lease.job_id, std::move(step));
    }
    CO_TRY_OK(co_await sweep(std::move(sandboxes), std::move(volumes)));
    for (const Lease& lease : lost) {
        report_failure(lease, Errc::kUnavailable, "the node restarted");
        co_await forget(lease.job_id);
    }
    co_return Result<void>{};
}

// What nobody goes on with.
Task<Result<void>> StepRunner::sweep(std::vector<std::string> sandboxes, std::vector<std::string> volumes) {
    if (parts_.sandbox != nullptr) {
        CO_TRY_OK(co_await parts_.sandbox->sweep(std::move(sandboxes)));
    }
    if (parts_.volumes != nullptr) {
        CO_TRY_OK(co_await parts_.volumes->sweep(std::move(volumes)));
    }
    co_return Result<void>{};
}

}  // namespace vcity::node
