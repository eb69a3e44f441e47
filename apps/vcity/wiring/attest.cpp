// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "adapters/runtime_asio/runtime.hpp"
#include "attest/encoding.hpp"
#include "attest/evidence/evidence_json.hpp"
#include "cli/settings.hpp"
#include "codec/hex.hpp"
#include "seal/client.hpp"
#include "wiring/http_client.hpp"
#include "wiring/monitor.hpp"
#include "wiring/roles.hpp"
#include "wiring/run.hpp"

namespace vcity::wiring {
namespace {

using codec::Json;

constexpr std::size_t kPolicyMax = 256U << 10U;
constexpr std::size_t kRecordMax = 4U << 20U;
constexpr std::chrono::seconds kPatience{90};  // a TPM may take many seconds for its endorsement key

// What a verifier asked, and what it was told: enough to judge it again.
struct Record {
    seal::EvidenceReply reply;
    Hash nonce;
    std::vector<attest::EnrolledKey> enrolled;
    std::string enrolment_failure;
};

Json to_json(const Record& record) {
    codec::JsonArray enrolled;
    for (const attest::EnrolledKey& key : record.enrolled) {
        enrolled.emplace_back(
            Json{}.set("name", codec::to_hex(key.name)).set("endorsement", codec::to_hex(key.endorsement)));
    }
    Json json;
    json.set("reply", seal::to_json(record.reply))
        .set("nonce", codec::to_hex(record.nonce))
        .set("enrolled", std::move(enrolled));
    return json;
}

Result<std::string> text_of(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    if (value == nullptr || !value->is_string()) {
        return make_error(Errc::kInvalid, "the record has no " + std::string{name});
    }
    return *value->get_string();
}

Result<Record> parse_record(std::string_view text) {
    TRY(const Json json, codec::parse_json(text, {.bytes_max = kRecordMax, .depth_max = 16, .values_max = 16'384}));
    const Json* reply = json.find("reply");
    const Json* enrolled = json.find("enrolled");
    if (reply == nullptr || enrolled == nullptr || !enrolled->is_array()) {
        return make_error(Errc::kInvalid, "this is no record of vcity verifier attest");
    }
    Record record;
    TRY(record.reply, seal::parse_evidence_reply(codec::dump_json(*reply)));
    TRY(const std::string nonce, text_of(json, "nonce"));
    TRY(record.nonce, codec::parse_fixed<Hash>(nonce));
    for (const Json& each : *enrolled->get_array()) {
        attest::EnrolledKey key;
        TRY(const std::string name, text_of(each, "name"));
        TRY(key.name, codec::parse_hex(name, 64));
        TRY(const std::string endorsement, text_of(each, "endorsement"));
        TRY(key.endorsement, codec::parse_fixed<Hash>(endorsement));
        record.enrolled.push_back(std::move(key));
    }
    return record;
}

Task<Result<Record>> ask(Runtime* runtime, seal::MonitorClient* client, std::vector<Hash> endorsement_keys) {
    const TimePoint deadline = runtime->now() + kPatience;
    Record record;
    runtime->random_bytes(record.nonce.bytes);
    CO_TRY(record.reply, co_await client->evidence(record.nonce, deadline));
    if (record.reply.evidence.kind == attest::EvidenceKind::kTpm) {
        Result<attest::EnrolledKey> key = co_await client->enrol(std::move(endorsement_keys), deadline);
        if (key) {
            record.enrolled.push_back(*std::move(key));
        } else if (key.error().code == Errc::kDenied || key.error().code == Errc::kCorrupt) {
            record.enrolment_failure = key.error().message;
        } else {
            co_return std::move(key).error();
        }
    }
    co_return record;
}

Result<Record> obtain(adapters::AsioRuntime* runtime,
                      const AttestOptions& options,
                      const attest::MonitorPolicy& policy) {
    if (!options.record.empty()) {
        TRY(const std::string text, cli::read_file(options.record, kRecordMax));
        TRY(Record record, parse_record(text));
        if (!options.nonce.empty()) {
            TRY(record.nonce, codec::parse_fixed<Hash>(options.nonce));
        }
        return record;
    }
    const auto http = make_http_client(runtime);
    TRY(const auto client, seal::MonitorClient::make(runtime, http.get(), options.monitor));
    return run_task(runtime, ask(runtime, client.get(), policy.endorsement_keys));
}

// What evidence is judged with; the collateral lives here.
struct Materials {
    attest::IntelCollateral collateral;
    attest::EvidenceContext context;
};
Result<void> load_materials(const AttestOptions& options, Materials* materials) {
    if (!options.collateral.empty()) {
        TRY(const std::string text, cli::read_file(options.collateral));
        TRY(materials->collateral, attest::parse_intel_collateral(text));
        materials->context.collateral = &materials->collateral;
    }
    if (!options.snp_signer.empty()) {
        TRY(const std::string der, cli::read_bytes(options.snp_signer));
        materials->context.snp.signer_der.assign(der.begin(), der.end());
    }
    if (!options.snp_issuers.empty()) {
        TRY(materials->context.snp.issuers_pem, cli::read_file(options.snp_issuers));
    }
    return {};
}

// Pins the machine to the node, unless it is another's.
Result<void> pin(const AttestOptions& options, const seal::EvidenceReply& reply, seal::Judgement* judgement) {
    if (options.node.empty() || !judgement->is_believed()) return {};
    if (options.pins.empty()) return make_error(Errc::kInvalid, "--node needs --pins, where machines are kept");
    TRY(const Address node, crypto::parse_address(options.node));
    seal::PlatformPins pins;
    if (std::filesystem::exists(options.pins)) {
        TRY(const std::string text, cli::read_file(options.pins, kRecordMax));
        TRY(pins, seal::PlatformPins::parse(text));
    }
    const Result<void> pinned = pins.pin(reply.evidence.kind, judgement->verdict.platform_id, node);
    if (!pinned) {
        judgement->reasons.push_back({seal::Doubt::kPlatform, pinned.error().message});
        judgement->trust = seal::Trust::kNone;
        return {};
    }
    return cli::write_file(options.pins, codec::dump_json_pretty(pins.to_json()) + "\n", 0600);
}

std::string_view outcome_name(attest::StepOutcome outcome) {
    switch (outcome) {
        case attest::StepOutcome::kPassed: return "passed";
        case attest::StepOutcome::kFailed: return "failed";
        case attest::StepOutcome::kNotChecked: return "not_checked";
    }
    return "";
}

Json report_of(const Record& record, const seal::Judgement& judgement) {
    codec::JsonArray steps;
    for (const attest::StepResult& step : judgement.verdict.steps) {
        steps.emplace_back(Json{}
                               .set("step", attest::to_string(step.step))
                               .set("outcome", outcome_name(step.outcome))
                               .set("reason", step.reason));
    }
    codec::JsonArray reasons;
    for (const seal::Reason& reason : judgement.reasons) {
        reasons.emplace_back(Json{}.set("doubt", seal::to_string(reason.doubt)).set("detail", reason.detail));
    }
    if (!record.enrolment_failure.empty()) {
        reasons.emplace_back(Json{}.set("doubt", "enrolment").set("detail", record.enrolment_failure));
    }
    Json measurements{codec::JsonObject{}};
    for (const attest::Measurement& measured : judgement.verdict.measurements) {
        measurements.set(measured.name, attest::plain_hex(measured.digest));
    }
    const seal::MonitorStatement& statement = record.reply.statement;
    Json json;
    json.set("believed", judgement.is_believed())
        .set("trust", seal::to_string(judgement.trust))
        .set("kind", attest::to_string(record.reply.evidence.kind))
        .set("monitor_key", codec::to_hex(statement.key_hash()))
        .set("epoch", statement.epoch)
        .set("machine", attest::plain_hex(judgement.verdict.platform_id))
        .set("tcb", attest::to_string(judgement.verdict.tcb))
        .set("reasons", std::move(reasons))
        .set("steps", std::move(steps))
        .set("measurements", std::move(measurements));
    return json;
}

}  // namespace

Result<Hash> model_root_of(const std::string& folder, const std::string& root) {
    if (folder.empty() == root.empty()) {
        return make_error(Errc::kInvalid, "name the model by its folder or by its root, one of them");
    }
    return root.empty() ? model_root(folder) : codec::parse_fixed<Hash>(root);
}

Result<AttestOutcome> attest_monitor(const AttestOptions& options) {
    if (options.monitor.empty() == options.record.empty()) {
        return make_error(Errc::kInvalid, "name a monitor or a record, one of them");
    }
    TRY(const std::string policy_text, cli::read_file(options.policy, kPolicyMax));
    TRY(const attest::MonitorPolicy policy, attest::parse_monitor_policy(policy_text));
    Materials materials;
    TRY_OK(load_materials(options, &materials));
    adapters::AsioRuntime runtime;
    seal::Expectation expected;
    TRY(expected.model_root, model_root_of(options.model, options.model_root));
    TRY(const Record record, obtain(&runtime, options, policy));
    if (!options.save.empty()) {
        TRY_OK(cli::write_file(options.save, codec::dump_json(to_json(record)) + "\n", 0644));
    }
    materials.context.enrolled = record.enrolled;
    materials.context.simulated_roots = policy.simulated_roots;
    expected.policy = &policy;
    expected.context = &materials.context;
    expected.nonce = record.nonce;
    expected.now = options.at_unix_seconds == 0 ? runtime.unix_now() : UnixMillis{options.at_unix_seconds * 1000};
    seal::Judgement judgement = seal::judge_monitor(record.reply, expected);
    TRY_OK(pin(options, record.reply, &judgement));
    return AttestOutcome{.is_believed = judgement.is_believed(), .report = report_of(record, judgement)};
}

}  // namespace vcity::wiring
