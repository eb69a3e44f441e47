// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/job_book.hpp"

#include "base/check.hpp"
#include "wire/wire.hpp"

namespace vcity::scheduler {

LiveJob* JobBook::find_live(const JobId& job_id) {
    const auto found = live_.find(job_id);
    return found == live_.end() ? nullptr : found->second.get();
}

JobRecord* JobBook::find_delivered(const JobId& job_id) {
    const auto found = delivered_.find(job_id);
    return found == delivered_.end() ? nullptr : found->second.get();
}

LiveJob* JobBook::add_live(JobOrder order) {
    const JobId job_id = order.job_id;
    auto job = std::make_unique<LiveJob>(context_->runtime(), std::move(order));
    LiveJob* added = job.get();
    const bool inserted = live_.emplace(job_id, std::move(job)).second;
    CHECK(inserted);
    context_->metrics.jobs_live->set(static_cast<double>(live_.size()));
    return added;
}

void JobBook::remove_live(const JobId& job_id) {
    live_.erase(job_id);
    context_->metrics.jobs_live->set(static_cast<double>(live_.size()));
}

void JobBook::add_delivered(JobRecord record) {
    const JobId job_id = record.job_id;
    delivered_[job_id] = std::make_unique<JobRecord>(std::move(record));
}

Task<Result<std::optional<JobRecord>>> JobBook::find_record(JobId job_id) {
    if (const LiveJob* live = find_live(job_id)) co_return live->record;
    if (const JobRecord* delivered = find_delivered(job_id)) co_return *delivered;
    CO_TRY(const std::optional<Bytes> stored, co_await context_->get(job_key(kJobPrefix, job_id)));
    if (!stored) co_return std::optional<JobRecord>{};
    CO_TRY(JobRecord record, parse_job_record(*stored));
    co_return record;
}

Task<Result<std::optional<JobOrder>>> JobBook::find_order(JobId job_id) {
    CO_TRY(const std::optional<Bytes> stored, co_await context_->get(job_key(kOrderPrefix, job_id)));
    if (!stored) co_return std::optional<JobOrder>{};
    CO_TRY(JobOrder order, wire::parse_job_order(*stored));
    co_return order;
}

Task<Result<std::optional<JobOutput>>> JobBook::find_output(JobId job_id) {
    CO_TRY(const std::optional<Bytes> stored, co_await context_->get(job_key(kOutputPrefix, job_id)));
    if (!stored) co_return std::optional<JobOutput>{};
    CO_TRY(JobOutput output, parse_job_output(*stored));
    co_return output;
}

void JobBook::put_new(ports::StoreChange* change, const JobRecord& record, const JobOrder& order) {
    change->puts.push_back({job_key(kOrderPrefix, record.job_id), wire::encode(order)});
    change->puts.push_back({job_key(kLivePrefix, record.job_id), Bytes{}});
    put(change, record);
}

void JobBook::put(ports::StoreChange* change, const JobRecord& record) {
    change->puts.push_back({job_key(kJobPrefix, record.job_id), encode(record)});
}

void JobBook::put_terminal(ports::StoreChange* change, const JobRecord& record) {
    CHECK(is_terminal(record.state));
    put(change, record);
    for (const std::string_view prefix : {kLivePrefix, kOrderPrefix, kOutputPrefix}) {
        change->deletes.push_back(job_key(prefix, record.job_id));
    }
}

void advance(JobRecord* record, JobState next) {
    CHECK(may_follow(record->state, next));
    record->state = next;
}

}  // namespace vcity::scheduler
