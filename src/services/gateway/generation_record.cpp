// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/generation_record.hpp"

#include "codec/hex.hpp"
#include "market/typed_hashes.hpp"

namespace vcity::gateway {
namespace {

codec::Json placement_json(const PlacementReason& reason) {
    return codec::JsonObject{
        {"node", codec::to_hex(reason.node)},
        {"reason", reason.text},
        {"candidates", reason.candidates},
        {"rejected", reason.rejected},
    };
}

// What an audit of the result is bound to, and in which tier the node committed to it.
codec::Json audit_json(const ModelRequest& request, UnixMillis started_at) {
    return codec::JsonObject{
        {"verification", to_string(request.verification)},
        {"tier", tier_of(request.verification) == AuditTier::kSketch ? "A" : "B"},
        {"nonce", codec::to_hex(request.client_nonce)},
        {"epoch", epoch_of(started_at)},
    };
}

std::string_view status_of(const GenerationFacts& facts) {
    if (facts.progress->failure()) return "failed";
    return facts.cancelled ? "cancelled" : "delivered";
}

codec::Json verdict_json(const SignedVerdict& verdict) {
    return codec::JsonObject{
        {"outcome", to_string(verdict.verdict.outcome)},
        {"verifier", codec::to_hex(verdict.verdict.verifier)},
        {"evidence_hash", codec::to_hex(verdict.verdict.evidence_hash)},
        {"checked_at", verdict.verdict.checked_at.count()},
        {"signature", codec::to_hex(verdict.signature)},
        {"reason", verdict.reason},
    };
}

}  // namespace

codec::Json receipt_json(const SignedReceipt& receipt) {
    const UsageReceipt& facts = receipt.receipt;
    return codec::JsonObject{
        {"hash", codec::to_hex(market::receipt_hash(facts))},
        {"job_id", codec::to_hex(facts.job_id)},
        {"client", codec::to_hex(facts.client)},
        {"node", codec::to_hex(facts.node)},
        {"scheduler", codec::to_hex(facts.scheduler)},
        {"fencing_token", facts.fencing_token},
        {"input_units", facts.units.input},
        {"output_units", facts.units.output},
        {"amount", facts.amount.micro},
        {"quote", facts.quote.micro},
        {"model_root", codec::to_hex(facts.model_root)},
        {"request_hash", codec::to_hex(facts.request_hash)},
        {"response_hash", codec::to_hex(facts.response_hash)},
        {"verification_root", codec::to_hex(facts.verification_root)},
        {"started_at", facts.started_at.count()},
        {"finished_at", facts.finished_at.count()},
        {"node_signature", codec::to_hex(receipt.node_signature)},
        {"scheduler_signature", codec::to_hex(receipt.scheduler_signature)},
    };
}

codec::Json generation_json(const GenerationFacts& facts) {
    const JobProgress& progress = *facts.progress;
    codec::Json json = codec::JsonObject{
        {"id", facts.identity.id},
        {"job_id", codec::to_hex(facts.order->job_id)},
        {"request_id", facts.request_id},
        {"model", facts.identity.model},
        {"created", facts.identity.created_unix_seconds},
        {"status", status_of(facts)},
        {"state", facts.progress->failure() ? "failed" : "delivered"},
        {"streamed", facts.streamed},
        {"cancelled", facts.cancelled},
        {"quote", to_string(facts.bill.quote)},
        {"cost", to_string(facts.bill.cost)},
        {"attempts", facts.bill.attempts},
        {"latency_ms", facts.latency_ms},
        {"gateway_overhead_ms", facts.bill.overhead_ms},
        {"first_token_ms", facts.first_token_ms ? codec::Json{*facts.first_token_ms} : codec::Json{}},
    };
    if (progress.placed()) json.set("placement", placement_json(progress.placed()->reason));
    if (progress.done()) {
        json.set("node", codec::to_hex(facts.bill.node));
        json.set("usage", usage_json(facts.bill));
        json.set("finish_reason", to_string(progress.done()->reason));
        json.set("receipt", receipt_json(progress.done()->receipt));
        json.set("audit", audit_json(facts.order->request, progress.done()->receipt.receipt.started_at));
    }
    if (progress.failure()) {
        json.set("error", codec::JsonObject{{"code", spec_of(progress.failure()->code).name},
                                            {"message", progress.failure()->message}});
    }
    return json;
}

void add_status(const JobStatusReply& status, codec::Json* json) {
    if (!status.known) return;
    json->set("state", to_string(status.state));
    if (json->find("placement") == nullptr) json->set("placement", placement_json(status.placement));
    if (json->find("receipt") == nullptr && status.receipt.receipt.job_id == status.job_id) {
        json->set("receipt", receipt_json(status.receipt));
    }
    if (const codec::Json* audit = json->find("audit"); audit != nullptr && !status.monitor_key.is_zero()) {
        codec::Json known = *audit;
        known.set("monitor", codec::to_hex(status.monitor_key));
        json->set("audit", std::move(known));
    }
    // An audit may end without a verdict: when the node had lost what it should have opened.
    const bool has_verdict = status.audited && !status.verdict.signature.is_zero();
    json->set("verdict", has_verdict ? verdict_json(status.verdict) : codec::Json{});
    if (!status.error.empty() && json->find("error") == nullptr) {
        json->set("error", codec::JsonObject{{"code", "scheduler"}, {"message", status.error}});
    }
    if (status.batch_transaction.is_zero()) return;
    codec::JsonArray proof;
    for (const Hash& hash : status.receipt_proof) proof.emplace_back(codec::to_hex(hash));
    json->set("batch", codec::JsonObject{{"index", status.batch_index},
                                         {"transaction", codec::to_hex(status.batch_transaction)},
                                         {"proof", std::move(proof)}});
}

}  // namespace vcity::gateway
