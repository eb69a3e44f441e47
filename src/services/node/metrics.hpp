// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "telemetry/metrics.hpp"

namespace vcity::node {

// The node's handles; registered here and nowhere else.
struct NodeMetrics {
    Counter* leases_accepted = nullptr;
    Counter* leases_refused = nullptr;
    Counter* leases_failed = nullptr;
    Counter* receipts_acknowledged = nullptr;
    Counter* receipts_refused = nullptr;
    Counter* tokens_delivered = nullptr;
    Counter* openings = nullptr;
    Counter* seals = nullptr;
    Counter* seals_missing = nullptr;
    Gauge* leases_active = nullptr;
    Gauge* steps_running = nullptr;
    Gauge* link_up = nullptr;

    explicit NodeMetrics(MetricRegistry* registry)
        : leases_accepted{registry->counter("vcity_node_leases_accepted_total", "Leases taken")},
          leases_refused{registry->counter("vcity_node_leases_refused_total", "Leases refused")},
          leases_failed{registry->counter("vcity_node_leases_failed_total", "Leases that ended without a result")},
          receipts_acknowledged{
              registry->counter("vcity_node_receipts_acknowledged_total", "Receipts the scheduler countersigned")},
          receipts_refused{registry->counter("vcity_node_receipts_refused_total", "Receipts the scheduler refused")},
          tokens_delivered{registry->counter("vcity_node_tokens_delivered_total", "Output tokens of signed receipts")},
          openings{registry->counter("vcity_node_openings_total", "Audit openings answered")},
          seals{registry->counter("vcity_node_seals_total", "Roots that the monitor sealed")},
          seals_missing{registry->counter("vcity_node_seals_missing_total", "Roots that it should have sealed")},
          leases_active{registry->gauge("vcity_node_leases_active", "Leases that run now")},
          steps_running{registry->gauge("vcity_node_steps_running", "Commands of customers that run now")},
          link_up{registry->gauge("vcity_node_link_up", "1 while the link to the scheduler stands")} {}
};

}  // namespace vcity::node
