// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>

#include "scenarios/disk_view.hpp"
#include "scenarios/work_client.hpp"
#include "work/job.hpp"

namespace vcity::scenarios {

// What must hold of work on units: messages are checked as they are sent, the scheduler's disk after each of its
// changes.
//   1 what nodes were granted and have not ended fits into their units; no token is leased twice
//   2 a step has at most one counted result, unless its gang started again
//   3 charged and promised together never exceed a job's budget, nor all jobs a cap; the job's sum is that of its
//     receipts
//   4 nothing is said before it is written: grants, acceptances, acknowledgements, ends
//   5 a job that was refused is not charged
class WorkWatch {
  public:
    WorkWatch(Cluster* cluster, WorkLedger* ledger);

    // At the end of a step of the world.
    void look();
    bool is_at_rest();
    void check_end();
    const std::string& violation() const { return violation_; }

    // By job id, from the disk as it was at the last look.
    const std::map<JobId, work::Job>& jobs() const { return jobs_; }
    std::uint64_t grants() const { return grants_; }
    std::uint64_t refusals() const { return refusals_; }  // of leases, by nodes
    std::uint64_t checks() const { return checks_; }

  private:
    struct Written {
        JobId job_id;
        work::LeaseTerms terms;
    };

    void blame(std::string what);
    void refresh();
    Result<void> take(const std::string& key, const Bytes& value);
    void count_result(const work::Job& job, const work::Event& event);
    void on_message(const std::string& from, const Message& message);
    void on_node_message(const std::string& from, const Message& message);
    void on_grant(const StepGrant& grant);
    void on_ack(const ReceiptAck& ack);
    void on_status(const WorkStatusReply& reply);
    void check_units();
    void check_budgets();
    void check_receipts();

    Cluster* cluster_;
    WorkLedger* ledger_;
    DiskView disk_;
    std::string violation_;
    std::uint64_t version_ = UINT64_MAX;
    std::set<std::string> seen_;  // keys of events
    std::map<JobId, work::Job> jobs_;
    std::map<JobId, Written> leases_;         // by attempt
    std::map<JobId, std::uint32_t> results_;  // by step
    std::map<std::uint64_t, JobId> tokens_;   // by fencing token: the attempt
    std::map<JobId, CapId> caps_;             // of live jobs
    std::map<JobId, Hash> acknowledged_;
    std::set<JobId> granted_;
    std::set<JobId> over_;  // attempts that their node has ended or lost
    std::uint64_t grants_ = 0;
    std::uint64_t refusals_ = 0;
    std::uint64_t checks_ = 0;
};

}  // namespace vcity::scenarios
