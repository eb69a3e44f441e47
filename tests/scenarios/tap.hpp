// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>

#include "scenarios/cluster.hpp"
#include "scenarios/disk_view.hpp"

namespace vcity::scenarios {

// Watches every message at the moment it is sent: what a role says must already be on its disk.
class Tap {
  public:
    Tap(Cluster* cluster, DiskView* disk) : cluster_{cluster}, disk_{disk} {}

    void on_message(const std::string& from, const std::string& to, const Message& message);
    const std::string& violation() const { return violation_; }
    // Jobs whose delivery the scheduler has announced, with the receipt.
    const std::map<JobId, Hash>& acknowledged() const { return acknowledged_; }
    // Jobs whose failure it has announced after it had admitted them.
    const std::set<JobId>& failed() const { return failed_; }

  private:
    void blame(std::string what);
    // It must survive the wire as it is.
    void check_encoding(const Message& message);
    void on_epoch(const std::string& from, const std::string& to, const Message& message);
    void on_grant(const LeaseGrant& grant);
    void on_node_finished(const std::string& from, const JobFinished& finished);
    void on_delivered(const SignedReceipt& receipt);
    void on_chunk_to_gateway(const TokenChunk& chunk);
    void on_failed(const JobFailed& failed);
    void on_verdict(const VerdictReport& report);

    Cluster* cluster_;
    DiskView* disk_;
    std::string violation_;
    std::map<std::pair<std::string, std::string>, std::uint64_t> welcomed_;  // by scheduler process and peer
    std::map<std::string, std::uint64_t> accepted_;                          // the greatest, by node
    std::map<std::uint64_t, Lease> granted_;                                 // by fencing token
    std::map<JobId, std::uint64_t> newest_;                                  // fencing token
    std::map<JobId, Hash> acknowledged_;
    std::set<JobId> failed_;
    std::map<std::pair<Address, Hash>, VerdictOutcome> verdicts_;
};

}  // namespace vcity::scenarios
