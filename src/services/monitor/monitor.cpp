// SPDX-License-Identifier: Apache-2.0
#include "services/monitor/monitor.hpp"

#include "codec/hex.hpp"
#include "market/typed_hashes.hpp"

namespace vcity::monitor {
namespace {

constexpr std::chrono::seconds kLook{1};

Error too_many(const char* what) {
    return make_error(Errc::kExhausted, std::string{"too many requests for "} + what);
}

}  // namespace

Monitor::Monitor(MonitorDeps deps, MonitorOptions options)
    : deps_{std::move(deps)},
      options_{std::move(options)},
      keys_{deps_.runtime},
      book_{options_.seals_max},
      evidence_limit_{options_.evidence_rate},
      enrolment_limit_{options_.enrolment_rate},
      seal_limit_{options_.seal_rate},
      stopped_{deps_.runtime} {
    MetricRegistry& metrics = *deps_.metrics;
    metrics_.evidence = metrics.counter("vcity_monitor_evidence_total", "Evidence given to verifiers");
    metrics_.evidence_failed = metrics.counter("vcity_monitor_evidence_failed_total", "Evidence the device refused");
    metrics_.seals = metrics.counter("vcity_monitor_seals_total", "Roots sealed");
    metrics_.seals_refused = metrics.counter("vcity_monitor_seals_refused_total", "Roots not sealed");
    metrics_.rotations = metrics.counter("vcity_monitor_keys_total", "Keys made, one an epoch");
    metrics_.seals_held = metrics.gauge("vcity_monitor_seals_held", "Seals of the epochs whose keys live");
    metrics_.epoch = metrics.gauge("vcity_monitor_epoch", "The present epoch");
}

void Monitor::advance() {
    const std::uint64_t epoch = options_.policy.epoch_at(deps_.runtime->unix_now());
    if (!keys_.advance(epoch)) return;
    book_.forget_before(epoch == 0 ? 0 : epoch - 1);
    metrics_.rotations->increment();
    metrics_.epoch->set(static_cast<double>(epoch));
    metrics_.seals_held->set(static_cast<double>(book_.size()));
    deps_.log.info("key_made", {{"epoch", epoch}, {"key", codec::to_hex(keys_.current().hash())}});
}

Task<Result<void>> Monitor::run() {
    advance();
    Hash nonce;
    deps_.runtime->random_bytes(nonce.bytes);
    const Result<seal::EvidenceReply> first = co_await ask_device(nonce);
    if (!first) co_return first.error();
    is_ready_ = true;
    while (!stopping_) {
        const TimePoint next = deps_.runtime->now() + kLook;
        co_await stopped_.wait_until(next);
        advance();
    }
    is_ready_ = false;
    co_return Result<void>{};
}

void Monitor::stop() {
    stopping_ = true;
    stopped_.notify();
}

seal::MonitorStatement Monitor::statement() {
    advance();
    return {.kind = deps_.tee->kind(),
            .key = keys_.current().key.public_point(),
            .policy = options_.policy.hash,
            .model_root = options_.model_root,
            .epoch = keys_.current().epoch};
}

Task<Result<seal::EvidenceReply>> Monitor::ask_device(Hash nonce) {
    seal::EvidenceReply reply;
    reply.statement = statement();
    reply.nonce = nonce;
    const attest::MonitorBinding binding{.monitor_key = reply.statement.key_hash(),
                                         .policy = reply.statement.policy,
                                         .model_root = reply.statement.model_root,
                                         .epoch = reply.statement.epoch,
                                         .nonce = nonce};
    Bytes report_data = attest::report_data_of(binding);
    Result<attest::Evidence> evidence = co_await deps_.tee->evidence(std::move(report_data));
    if (!evidence) {
        metrics_.evidence_failed->increment();
        deps_.log.warn("no_evidence", {{"reason", evidence.error().message}});
        co_return std::move(evidence).error();
    }
    metrics_.evidence->increment();
    reply.evidence = *std::move(evidence);
    co_return reply;
}

Task<Result<seal::EvidenceReply>> Monitor::evidence(Hash nonce) {
    if (evidence_running_ >= options_.evidence_at_once || !evidence_limit_.take(deps_.runtime->now())) {
        co_return too_many("evidence");
    }
    ++evidence_running_;
    Result<seal::EvidenceReply> reply = co_await ask_device(nonce);
    --evidence_running_;
    co_return reply;
}

Task<Result<ports::TpmIdentity>> Monitor::identity() {
    if (deps_.enrolment == nullptr) co_return make_error(Errc::kNotFound, "this kind of evidence needs no enrolment");
    if (!enrolment_limit_.take(deps_.runtime->now())) co_return too_many("enrolment");
    co_return co_await deps_.enrolment->identity();
}

Task<Result<Bytes>> Monitor::activate(seal::ActivateRequest request) {
    if (deps_.enrolment == nullptr) co_return make_error(Errc::kNotFound, "this kind of evidence needs no enrolment");
    if (!enrolment_limit_.take(deps_.runtime->now())) co_return too_many("enrolment");
    Bytes blob = std::move(request.blob);
    Bytes secret = std::move(request.secret);
    co_return co_await deps_.enrolment->activate(std::move(blob), std::move(secret));
}

Result<void> Monitor::check_wanted(const MonitorSeal& wanted) const {
    if (wanted.job_id.is_zero() || wanted.verification_root.is_zero()) {
        return make_error(Errc::kInvalid, "a seal needs a job and a root");
    }
    if (wanted.model_root != options_.model_root) return make_error(Errc::kInvalid, "not the model of this monitor");
    return {};
}

Result<SignedSeal> Monitor::seal_now(const MonitorSeal& wanted) {
    advance();
    Result<SignedSeal> sealed = [&]() -> Result<SignedSeal> {
        TRY_OK(check_wanted(wanted));
        if (!seal_limit_.take(deps_.runtime->now())) return too_many("seals");
        TRY(const std::optional<SignedSeal> known, book_.find(wanted));
        if (known) return *known;
        const EpochKey* key = keys_.find(wanted.epoch);
        if (key == nullptr) return make_error(Errc::kNotFound, "there is no key of that epoch");
        SignedSeal made{.seal = wanted, .signature = {}};
        made.seal.sealed_at = deps_.runtime->unix_now();
        made.signature = key->key.sign(market::seal_digest(deps_.deployment, made.seal));
        TRY_OK(book_.add(made));
        return made;
    }();
    (sealed ? metrics_.seals : metrics_.seals_refused)->increment();
    metrics_.seals_held->set(static_cast<double>(book_.size()));
    if (!sealed && sealed.error().code == Errc::kConflict) {
        deps_.log.warn("second_root_refused", {{"job", codec::to_hex(wanted.job_id)}});
    }
    return sealed;
}

Result<SignedSeal> Monitor::find_seal(const JobId& job_id) const {
    const SignedSeal* found = book_.find(job_id);
    if (found == nullptr) return make_error(Errc::kNotFound, "no seal of that job");
    return *found;
}

Task<Result<ports::MonitorKey>> Monitor::current(TimePoint /*deadline*/) {
    advance();
    co_return ports::MonitorKey{.hash = keys_.current().hash(), .epoch = keys_.current().epoch};
}

Task<Result<SignedSeal>> Monitor::seal(MonitorSeal wanted, TimePoint /*deadline*/) {
    co_return seal_now(wanted);
}

}  // namespace vcity::monitor
