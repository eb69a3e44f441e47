// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"
#include "cli/output.hpp"
#include "operator/node_chain.hpp"
#include "operator/node_folder.hpp"

namespace vcity::cli {

// One result that the node has signed for.
struct WorkRow {
    std::string job;  // hex; for a job on units the id of the attempt
    bool is_step = false;
    bool is_acknowledged = false;
    std::uint32_t unit = 0;      // of a step
    std::uint32_t gpu_mask = 0;  // of a step
    Usd amount;                  // what the client pays
    UnixMillis started{0};
    UnixMillis finished{0};
};

enum class EarningsBy : std::uint8_t { kDay, kJob, kGpu };

struct EarningsTerms {
    EarningsBy by = EarningsBy::kDay;
    UnixMillis from{0};
    UnixMillis to{0};  // results that finished in [from, to)
    std::uint32_t fee_bps = 0;
    double power_watts = 0;
    double power_price_kwh = 0;  // USD
};

// Gross is what clients pay; the network fee and the power that was used come off it.
struct EarningsRow {
    std::string key;  // a day (UTC, of the end of the work), a job, or "unit 0 gpu 1", "unit 0 cpu", "model"
    std::uint64_t results = 0;
    std::uint64_t waiting = 0;  // of them not acknowledged yet
    double hours = 0;           // of work; what ran at the same time counts twice
    double gross = 0;           // USD, as all that follow
    double fee = 0;
    double power = 0;
    double net = 0;
};

struct EarningsReport {
    std::vector<EarningsRow> rows;  // ascending by key
    EarningsRow total;
    double busy_hours = 0;  // in which anything ran
    double occupancy = 0;   // busy hours of the hours asked about; 0 to 1
};

// A step on several GPUs counts for each of them in equal parts. The machine's power is that of its busy hours, and
// falls on the rows in proportion to their hours of work.
EarningsReport sum_up(const std::vector<WorkRow>& work, const EarningsTerms& terms);

Table to_table(const EarningsReport& report, EarningsBy by);
codec::Json to_json(const EarningsReport& report, EarningsBy by);
std::string to_csv(const EarningsReport& report, EarningsBy by);

// From the running node, or from its store when none runs.
Result<std::vector<WorkRow>> load_work(const NodeFolder& folder);

}  // namespace vcity::cli
