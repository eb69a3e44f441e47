// SPDX-License-Identifier: Apache-2.0
#include "scenarios/disk_view.hpp"

#include "codec/hex.hpp"
#include "market/typed_hashes.hpp"
#include "wire/wire.hpp"

namespace vcity::scenarios {
namespace {

bool has_prefix(std::string_view key, std::string_view prefix) {
    return key.substr(0, prefix.size()) == prefix;
}

}  // namespace

Result<void> DiskView::take(const std::string& key, const Bytes& value) {
    if (has_prefix(key, scheduler::kJobPrefix)) {
        TRY(scheduler::JobRecord record, scheduler::parse_job_record(value));
        jobs_[record.job_id] = std::move(record);
    } else if (has_prefix(key, scheduler::kCapPrefix)) {
        TRY(scheduler::CapRecord record, scheduler::parse_cap_record(value));
        caps_[market::cap_id(record.cap.cap)] = std::move(record);
    } else if (has_prefix(key, scheduler::kBatchPrefix)) {
        TRY(Batch batch, wire::parse_batch(value));
        const std::uint64_t index = batch.header.index;
        batches_[index] = std::move(batch);
    }
    return {};
}

Result<void> DiskView::refresh() {
    if (version_ == disk_->version()) return {};
    version_ = disk_->version();
    const auto& entries = disk_->entries();
    const bool has_lost = std::erase_if(seen_, [&](const auto& entry) { return !entries.contains(entry.first); }) > 0;
    if (has_lost) {
        std::erase_if(jobs_, [&](const auto& entry) {
            return !entries.contains(scheduler::job_key(scheduler::kJobPrefix, entry.first));
        });
    }
    for (const auto& [key, value] : entries) {
        const auto known = seen_.find(key);
        if (known != seen_.end() && known->second == value) continue;
        TRY_OK(take(key, value));
        seen_[key] = value;
    }
    return {};
}

bool DiskView::is_flagged(const Address& node) const {
    return disk_->entries().contains(scheduler::flag_key(node));
}

std::size_t DiskView::live() const {
    std::size_t count = 0;
    const std::string prefix{scheduler::kLivePrefix};
    for (auto entry = disk_->entries().lower_bound(prefix); entry != disk_->entries().end(); ++entry) {
        if (!has_prefix(entry->first, prefix)) break;
        ++count;
    }
    return count;
}

std::optional<scheduler::JobRecord> DiskView::job_now(const JobId& job_id) const {
    const std::optional<Bytes> stored = disk_->find(scheduler::job_key(scheduler::kJobPrefix, job_id));
    if (!stored) return std::nullopt;
    Result<scheduler::JobRecord> record = scheduler::parse_job_record(*stored);
    return record ? std::optional{*std::move(record)} : std::nullopt;
}

}  // namespace vcity::scenarios
