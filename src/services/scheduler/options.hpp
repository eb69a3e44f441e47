// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>

#include "async/runtime.hpp"
#include "market/audits/economics.hpp"
#include "model/chain.hpp"
#include "ports/chain.hpp"
#include "ports/link.hpp"
#include "ports/signer.hpp"
#include "ports/store.hpp"
#include "services/common/session.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace vcity::scheduler {

// The pointers are borrowed and must outlive the scheduler.
struct SchedulerDeps {
    Runtime* runtime = nullptr;
    ports::Store* store = nullptr;
    ports::Signer* signer = nullptr;
    ports::LinkListener* listener = nullptr;
    ports::ChainReader* chain_reader = nullptr;
    ports::ChainWriter* chain_writer = nullptr;  // signs as the scheduler's identity
    MetricRegistry* metrics = &null_metrics();
    std::uint64_t epoch = 0;  // of this process among those that act for the identity one after the other
    Deployment deployment;
    Log log{nullptr, "scheduler"};
};

// How many results are audited: what market::audit_rate_per_mille() says of the node's record (100 of a thousand for a
// new identity, 10 for one with a long clean record, more after missed or rejected audits), and never fewer than this.
struct AuditRates {
    std::uint32_t per_mille = market::kFloorPerMille;
    Duration epoch = std::chrono::hours{1};  // at least one audit for each identity that delivers in it

    // Results that were not opened when a verifier asked: see probation.hpp.
    std::uint32_t missed_limit = 3;       // so many in debt suspend a node
    std::uint32_t missed_per_mille = 10;  // of the audits of the lottery; a node that misses fewer is forgiven
    Duration suspension = std::chrono::hours{24};
};

// How nodes are chosen for model calls: see calls/model_router.hpp.
struct ChoiceOptions {
    Duration time_per_micro_dollar = std::chrono::milliseconds{2};  // that a cheaper node may take longer
    Duration failed_attempt = std::chrono::milliseconds{200};       // what one costs a client on the average
    Duration spread = std::chrono::milliseconds{5};                 // of the chance that lets equals take turns
    Duration penalty_max = std::chrono::seconds{30};
    // Of a thousand cheap calls so many go to newcomers, if there are any beside nodes with a record.
    std::uint32_t trial_per_mille = 50;
    Usd trial_quote_max{10'000};
    // The line for slots: calls of all models, of which one client may have half. Beyond it, or when the expected wait
    // is above placement_wait_max, a call is refused at once.
    std::size_t waiting_max = 512;
    Duration retry_max = std::chrono::seconds{60};  // that a client is told to stay away
    // A second lease for calls that allow it, once the first token is this late and three times as late as expected;
    // never more than so many of a thousand live calls. Zero: none.
    Duration hedge_min = std::chrono::seconds{1};
    std::uint32_t hedges_per_mille = 50;
    // Blocks of prompts that are remembered, by model and in all; about 72 bytes each.
    std::uint64_t prefix_entries_per_model = 1U << 16U;
    std::uint64_t prefix_entries = 1U << 20U;
};

struct SchedulerOptions {
    std::string did_document_uri;
    Vcai stake;
    std::set<Address> gateways;               // allowed to place orders
    std::map<std::string, Hash> model_roots;  // pinned weights by model name; a name not listed is not pinned
    AuditRates audit;
    ChoiceOptions choice;

    // Admission.
    std::size_t connections_max = 1024;
    std::size_t jobs_live_max = 4096;  // beyond it orders are refused with kExhausted
    std::uint32_t attempts_max = 3;    // leases per job
    Duration deadline_max = std::chrono::hours{1};
    Duration cap_expiry_margin = std::chrono::minutes{10};  // left for settling after a job's deadline
    std::size_t prompt_bytes_max = 1U << 20U;
    std::size_t output_bytes_max = 1U << 20U;
    std::uint32_t output_tokens_max = 32'768;

    // Work on units.
    std::size_t work_live_max = 100'000;  // jobs; beyond it orders are refused with kExhausted
    Duration work_deadline_max = std::chrono::hours{30 * 24};
    Duration straggler_every = std::chrono::seconds{5};  // a job is looked at for steps that take too long

    // Waiting.
    Duration placement_wait_max = std::chrono::seconds{30};  // for a free slot
    Duration away_wait_max = std::chrono::seconds{10};       // for a node that would do and has just gone
    Duration first_token_timeout = std::chrono::seconds{60};
    Duration node_grace = std::chrono::seconds{5};             // away before the first token: then another node
    Duration node_grace_streaming = std::chrono::seconds{20};  // away after it: then the job fails
    Duration service_grace = std::chrono::minutes{15};  // a service keeps its node while that one is away, unbilled
    Duration restart_grace = std::chrono::seconds{30};  // for all to come back after the scheduler's restart
    Duration gateway_grace = std::chrono::seconds{15};
    Duration cancel_grace = std::chrono::seconds{10};

    // Audits.
    std::size_t audits_per_verifier = 4;  // at the same time
    // By one verifier, which waits for a beacon, a replay and openings of two rounds, each with a deadline of its own.
    Duration audit_attempt = std::chrono::minutes{8};
    Duration audit_give_up = std::chrono::minutes{20};

    // Settlement.
    Duration settle_every = std::chrono::seconds{10};
    std::size_t batch_receipts_max = 1000;
    Duration claim_every = std::chrono::hours{24};  // zero: no keeper
    std::uint64_t tokens_per_slot_second = 20;      // nominal, for the units a batch reports as available

    services::SessionTuning session;
};

}  // namespace vcity::scheduler
