-- SPDX-License-Identifier: Apache-2.0
-- The same request for both: a chat without a stream. BODY and KEY come from the environment.
wrk.method = "POST"
wrk.body = os.getenv("BODY")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("KEY")

function done(summary, latency, requests)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("FIGURES %d %d %d %d %d %d\n", summary.requests, summary.duration, broken, errors.status,
                         latency:percentile(50), latency:percentile(99)))
end
