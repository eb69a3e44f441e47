// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "telemetry/metrics.hpp"

namespace vcity::scheduler {

// The scheduler's handles; registered here and nowhere else.
struct SchedulerMetrics {
    Counter* orders = nullptr;
    Counter* orders_refused = nullptr;
    Counter* leases_granted = nullptr;
    Counter* retries = nullptr;
    Counter* jobs_delivered = nullptr;
    Counter* jobs_failed = nullptr;
    Counter* stale_messages = nullptr;
    Counter* receipts_refused = nullptr;
    Counter* audits_accepted = nullptr;
    Counter* audits_rejected = nullptr;
    Counter* audits_undecided = nullptr;
    Counter* batches_posted = nullptr;
    Counter* receipts_settled = nullptr;
    Counter* claims = nullptr;
    Counter* calls_chosen = nullptr;
    Counter* calls_trial = nullptr;
    Counter* calls_shed_full = nullptr;
    Counter* calls_shed_client = nullptr;
    Counter* hedges = nullptr;
    Counter* hedges_won = nullptr;
    Gauge* calls_waiting = nullptr;
    Histogram* seconds_in_line = nullptr;
    Gauge* jobs_live = nullptr;
    Gauge* nodes_connected = nullptr;
    Histogram* seconds_to_first_token = nullptr;

    explicit SchedulerMetrics(MetricRegistry* registry)
        : orders{registry->counter("vcity_scheduler_orders_total", "Orders received")},
          orders_refused{registry->counter("vcity_scheduler_orders_refused_total", "Orders not admitted")},
          leases_granted{registry->counter("vcity_scheduler_leases_granted_total", "Leases granted")},
          retries{registry->counter("vcity_scheduler_retries_total", "Jobs moved to another node")},
          jobs_delivered{registry->counter("vcity_scheduler_jobs_delivered_total", "Receipts countersigned")},
          jobs_failed{registry->counter("vcity_scheduler_jobs_failed_total", "Admitted jobs that failed")},
          stale_messages{registry->counter("vcity_scheduler_stale_messages_total", "Messages under an old lease")},
          receipts_refused{registry->counter("vcity_scheduler_receipts_refused_total", "Receipts not accepted")},
          audits_accepted{registry->counter("vcity_scheduler_audits_total", "Audits", {{"outcome", "accepted"}})},
          audits_rejected{registry->counter("vcity_scheduler_audits_total", "Audits", {{"outcome", "rejected"}})},
          audits_undecided{registry->counter("vcity_scheduler_audits_total", "Audits", {{"outcome", "undecided"}})},
          batches_posted{registry->counter("vcity_scheduler_batches_posted_total", "Batches confirmed on chain")},
          receipts_settled{registry->counter("vcity_scheduler_receipts_settled_total", "Receipts on chain")},
          claims{registry->counter("vcity_scheduler_claims_total", "Claims made for nodes")},
          calls_chosen{
              registry->counter("vcity_scheduler_calls_placed_total", "Calls given to a node", {{"by", "record"}})},
          calls_trial{
              registry->counter("vcity_scheduler_calls_placed_total", "Calls given to a node", {{"by", "trial"}})},
          calls_shed_full{registry->counter(
              "vcity_scheduler_calls_shed_total", "Calls refused with a time to come back", {{"full", "network"}})},
          calls_shed_client{registry->counter(
              "vcity_scheduler_calls_shed_total", "Calls refused with a time to come back", {{"full", "client"}})},
          hedges{registry->counter("vcity_scheduler_hedges_total", "Second leases for calls that were late to begin")},
          hedges_won{registry->counter("vcity_scheduler_hedges_won_total", "Second leases that were first")},
          calls_waiting{registry->gauge("vcity_scheduler_calls_waiting", "Calls in line for a slot")},
          seconds_in_line{registry->histogram(
              "vcity_scheduler_line_seconds", "Time in line for a slot", {0.01, 0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60})},
          jobs_live{registry->gauge("vcity_scheduler_jobs_live", "Jobs not yet delivered or failed")},
          nodes_connected{registry->gauge("vcity_scheduler_nodes_connected", "Nodes with a link")},
          seconds_to_first_token{registry->histogram("vcity_scheduler_first_token_seconds",
                                                     "From the order to the first token",
                                                     {0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60})} {}
};

}  // namespace vcity::scheduler
