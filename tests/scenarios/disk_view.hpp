// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>

#include "services/scheduler/job_record.hpp"
#include "sim/fakes/store.hpp"

namespace vcity::scenarios {

// The scheduler's disk as values. Parses only what changed since the last look.
class DiskView {
  public:
    explicit DiskView(const sim::FakeDisk* disk) : disk_{disk} {}

    // False, with the reason, when a record does not parse.
    Result<void> refresh();
    const std::map<JobId, scheduler::JobRecord>& jobs() const { return jobs_; }
    const std::map<CapId, scheduler::CapRecord>& caps() const { return caps_; }
    const std::map<std::uint64_t, Batch>& batches() const { return batches_; }
    bool is_flagged(const Address& node) const;
    std::size_t live() const;

    // Straight from the disk, without refresh().
    std::optional<scheduler::JobRecord> job_now(const JobId& job_id) const;
    std::optional<Bytes> find(const std::string& key) const { return disk_->find(key); }

  private:
    Result<void> take(const std::string& key, const Bytes& value);

    const sim::FakeDisk* disk_;
    std::uint64_t version_ = UINT64_MAX;
    std::map<std::string, Bytes> seen_;
    std::map<JobId, scheduler::JobRecord> jobs_;
    std::map<CapId, scheduler::CapRecord> caps_;
    std::map<std::uint64_t, Batch> batches_;
};

}  // namespace vcity::scenarios
