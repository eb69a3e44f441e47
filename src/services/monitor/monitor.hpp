// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/channel.hpp"
#include "async/runtime.hpp"
#include "attest/evidence/monitor_policy.hpp"
#include "model/chain.hpp"
#include "ports/monitor.hpp"
#include "ports/tee.hpp"
#include "seal/messages.hpp"
#include "services/monitor/epoch_keys.hpp"
#include "services/monitor/rate_limit.hpp"
#include "services/monitor/seal_book.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace vcity::monitor {

struct MonitorOptions {
    attest::MonitorPolicy policy;
    Hash model_root;
    Rate evidence_rate{.per_second = 2, .burst = 20};
    Rate enrolment_rate{.per_second = 1, .burst = 40};
    Rate seal_rate{.per_second = 200, .burst = 1000};
    std::size_t seals_max = 1'000'000;  // of the two epochs whose keys live; 300 bytes each
    std::size_t evidence_at_once = 4;
    Duration evidence_timeout = std::chrono::seconds{60};
};

struct MonitorDeps {
    Runtime* runtime = nullptr;
    ports::Tee* tee = nullptr;
    ports::TpmEnrolment* enrolment = nullptr;  // nullptr: the kind has none
    MetricRegistry* metrics = nullptr;
    Deployment deployment;
    Log log;
};

// Holds a key that no disk ever sees, shows verifiers that a machine they accept holds it, and seals what the node
// beside it commits to: once a job. What it says raises trust; results are checked all the same.
class Monitor final : public ports::Sealer {
  public:
    Monitor(MonitorDeps deps, MonitorOptions options);
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;

    // Changes keys with the epochs until stop(). The first evidence, asked of the device at the start, tells whether it
    // works: an error ends it.
    Task<Result<void>> run();
    void stop();
    bool is_ready() const { return is_ready_; }

    seal::MonitorStatement statement();
    // kExhausted beyond the rate or while too many are under way; errors of the device.
    Task<Result<seal::EvidenceReply>> evidence(Hash nonce);
    // kNotFound where the kind has no enrolment.
    Task<Result<ports::TpmIdentity>> identity();
    Task<Result<Bytes>> activate(seal::ActivateRequest request);
    Result<SignedSeal> seal_now(const MonitorSeal& wanted);
    // kNotFound: none, or of an epoch long gone.
    Result<SignedSeal> find_seal(const JobId& job_id) const;

    Task<Result<ports::MonitorKey>> current(TimePoint deadline) override;
    Task<Result<SignedSeal>> seal(MonitorSeal wanted, TimePoint deadline) override;

  private:
    struct Metrics {
        Counter* evidence = nullptr;
        Counter* evidence_failed = nullptr;
        Counter* seals = nullptr;
        Counter* seals_refused = nullptr;
        Counter* rotations = nullptr;
        Gauge* seals_held = nullptr;
        Gauge* epoch = nullptr;
    };
    // Every entry comes through here, so that no answer is under a key of an epoch that is over.
    void advance();
    Task<Result<seal::EvidenceReply>> ask_device(Hash nonce);
    Result<void> check_wanted(const MonitorSeal& wanted) const;

    MonitorDeps deps_;
    MonitorOptions options_;
    Metrics metrics_;
    EpochKeys keys_;
    SealBook book_;
    RateLimit evidence_limit_;
    RateLimit enrolment_limit_;
    RateLimit seal_limit_;
    std::size_t evidence_running_ = 0;
    Notifier stopped_;
    bool stopping_ = false;
    bool is_ready_ = false;
};

}  // namespace vcity::monitor
