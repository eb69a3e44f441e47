// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "telemetry/metrics.hpp"

namespace vcity::gateway {

// Every metric of the gateway, registered here and nowhere else.
struct Metrics {
    explicit Metrics(MetricRegistry* registry)
        : requests{registry->counter("vcity_gateway_requests_total", "HTTP requests answered")},
          errors{registry->counter("vcity_gateway_errors_total", "Answers that are errors, in a stream or not")},
          client_retries{
              registry->counter("vcity_gateway_client_retries_total", "Requests that a client SDK repeated")},
          cancelled{registry->counter("vcity_gateway_cancelled_total", "Generations whose client went away")},
          receipt_mismatches{registry->counter("vcity_gateway_receipt_mismatches_total",
                                               "Receipts that did not match what was delivered")},
          input_tokens{registry->counter("vcity_gateway_input_tokens_total", "Prompt tokens billed")},
          output_tokens{registry->counter("vcity_gateway_output_tokens_total", "Output tokens billed")},
          charged{registry->counter("vcity_gateway_charged_microdollars_total", "Micro-dollars charged by receipts")},
          jobs_accepted{registry->counter("vcity_gateway_jobs_total", "Jobs on units accepted by the scheduler")},
          running{registry->gauge("vcity_gateway_running_requests", "Requests being answered now")},
          waiting{registry->gauge("vcity_gateway_waiting_requests", "Requests that wait for room now")},
          connected{registry->gauge("vcity_gateway_scheduler_connected", "Schedulers that it has a link to now")},
          overhead{registry->histogram("vcity_gateway_overhead_seconds",
                                       "Time of a generation spent in the gateway itself",
                                       {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 1})},
          first_token{registry->histogram("vcity_gateway_time_to_first_token_seconds",
                                          "From the request to the first token",
                                          {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60})} {}

    Counter* requests;
    Counter* errors;
    Counter* client_retries;
    Counter* cancelled;
    Counter* receipt_mismatches;
    Counter* input_tokens;
    Counter* output_tokens;
    Counter* charged;
    Counter* jobs_accepted;
    Gauge* running;
    Gauge* waiting;
    Gauge* connected;
    Histogram* overhead;
    Histogram* first_token;
};

}  // namespace vcity::gateway
