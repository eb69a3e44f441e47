// SPDX-License-Identifier: Apache-2.0
#include <vcity/v1/records.pb.h>

#include "codec/json.hpp"
#include "codec/utf8.hpp"
#include "wire/records_convert.hpp"
#include "wire/write_list.hpp"

namespace vcity::wire {

std::string clean(const std::string& text) {
    return codec::is_utf8(text) ? text : codec::repair_utf8(text);
}

void write(const TokenUsage& value, v1::TokenUsage* out) {
    out->set_input(value.input);
    out->set_output(value.output);
}

void write(const TokenPrices& value, v1::TokenPrices* out) {
    out->set_input(value.input);
    out->set_output(value.output);
}

void write(const ChatMessage& value, v1::ChatMessage* out) {
    out->set_role(clean(value.role));
    out->set_content(clean(value.content));
}

void write(const Sampling& value, v1::Sampling* out) {
    out->set_temperature(value.temperature);
    out->set_top_p(value.top_p);
    out->set_seed(value.seed);
}

void write(const ModelRequest& value, v1::ModelRequest* out) {
    out->set_model(clean(value.model));
    write_list(value.messages, out->mutable_messages());
    out->set_prompt(clean(value.prompt));
    out->set_output_tokens_max(value.output_tokens_max);
    write(value.sampling, out->mutable_sampling());
    for (const std::string& stop : value.stop) out->add_stop(clean(stop));
    out->set_client_nonce(raw(value.client_nonce));
    out->set_verification(static_cast<v1::Verification>(static_cast<int>(value.verification) + 1));
    out->set_form(clean(value.form));
    out->set_logprobs(value.logprobs);
    out->set_is_embedding(value.answer == AnswerKind::kEmbedding);
}

void write(const TokenOption& value, v1::TokenOption* out) {
    out->set_bytes(value.bytes);
    out->set_logprob(value.logprob);
}

void write(const TokenLogprobs& value, v1::TokenLogprobs* out) {
    write(value.chosen, out->mutable_chosen());
    write_list(value.top, out->mutable_top());
}

void write(const NodeWish& value, v1::NodeWish* out) {
    write_fixed_list(value.only, out->mutable_only());
    write_fixed_list(value.ignore, out->mutable_ignore());
    write_fixed_list(value.order, out->mutable_order());
    out->set_allow_fallbacks(value.allow_fallbacks);
    for (const std::string& region : value.regions) out->add_regions(clean(region));
    out->set_reputation_min_bp(value.reputation_min_bp);
    out->set_stake_min_vcai(value.stake_min_vcai);
    out->set_sort(static_cast<v1::NodeSort>(static_cast<int>(value.sort) + 1));
}

void write(const SpendingCap& value, v1::SpendingCap* out) {
    out->set_client(raw(value.client));
    out->set_scheduler(raw(value.scheduler));
    out->set_limit(value.limit.micro);
    out->set_expiry_unix_seconds(value.expiry_unix_seconds);
    out->set_nonce(value.nonce);
}

void write(const SignedCap& value, v1::SignedCap* out) {
    write(value.cap, out->mutable_cap());
    out->set_signature(raw(value.signature));
}

void write(const UsageReceipt& value, v1::UsageReceipt* out) {
    out->set_job_id(raw(value.job_id));
    out->set_client(raw(value.client));
    out->set_node(raw(value.node));
    out->set_scheduler(raw(value.scheduler));
    out->set_fencing_token(value.fencing_token);
    write(value.units, out->mutable_units());
    out->set_amount(value.amount.micro);
    out->set_quote(value.quote.micro);
    out->set_model_root(raw(value.model_root));
    out->set_request_hash(raw(value.request_hash));
    out->set_response_hash(raw(value.response_hash));
    out->set_verification_root(raw(value.verification_root));
    out->set_started_at(value.started_at.count());
    out->set_finished_at(value.finished_at.count());
}

void write(const SignedReceipt& value, v1::SignedReceipt* out) {
    write(value.receipt, out->mutable_receipt());
    out->set_node_signature(raw(value.node_signature));
    out->set_scheduler_signature(raw(value.scheduler_signature));
}

void write(const Verdict& value, v1::Verdict* out) {
    out->set_receipt_hash(raw(value.receipt_hash));
    out->set_node(raw(value.node));
    out->set_verifier(raw(value.verifier));
    out->set_outcome(static_cast<v1::VerdictOutcome>(static_cast<int>(value.outcome) + 1));
    out->set_evidence_hash(raw(value.evidence_hash));
    out->set_checked_at(value.checked_at.count());
}

void write(const SignedVerdict& value, v1::SignedVerdict* out) {
    write(value.verdict, out->mutable_verdict());
    out->set_signature(raw(value.signature));
    out->set_reason(clean(value.reason));
}

void write(const Charge& value, v1::Charge* out) {
    out->set_cap_id(raw(value.cap_id));
    out->set_amount(value.amount.micro);
}

void write(const Earning& value, v1::Earning* out) {
    out->set_node(raw(value.node));
    out->set_cumulative(value.cumulative.micro);
}

void write(const BatchHeader& value, v1::BatchHeader* out) {
    out->set_index(value.index);
    out->set_receipts_root(raw(value.receipts_root));
    out->set_earnings_root(raw(value.earnings_root));
    out->set_receipt_count(value.receipt_count);
    out->set_total_earned(value.total_earned.micro);
    out->set_units_consumed(value.units_consumed);
    out->set_units_available(value.units_available);
}

void write(const Batch& value, v1::Batch* out) {
    write(value.header, out->mutable_header());
    write_list(value.charges, out->mutable_charges());
    write_list(value.receipts, out->mutable_receipts());
    write_list(value.earnings, out->mutable_earnings());
}

void write(const JobOrder& value, v1::JobOrder* out) {
    out->set_job_id(raw(value.job_id));
    out->set_client(raw(value.client));
    write(value.cap, out->mutable_cap());
    write(value.request, out->mutable_request());
    out->set_quote(value.quote.micro);
    write(value.prices_max, out->mutable_prices_max());
    out->set_deadline(value.deadline.count());
    out->set_trace_id(clean(value.trace_id));
    out->set_may_hedge(value.may_hedge);
    if (!value.wish.is_empty()) write(value.wish, out->mutable_wish());
}

void write(const Lease& value, v1::Lease* out) {
    out->set_job_id(raw(value.job_id));
    out->set_fencing_token(value.fencing_token);
    out->set_node(raw(value.node));
    out->set_attempt(value.attempt);
    out->set_expires_at(value.expires_at.count());
}

void write(const PlacementReason& value, v1::PlacementReason* out) {
    out->set_node(raw(value.node));
    out->set_text(clean(value.text));
    out->set_candidates(value.candidates);
    out->set_rejected(value.rejected);
}

void write(const Hardware& value, v1::Hardware* out) {
    out->set_gpu_model(clean(value.gpu_model));
    out->set_gpu_count(value.gpu_count);
    out->set_vram_mib(value.vram_mib);
    out->set_region(clean(value.region));
}

void write(const AuditTiers& value, v1::AuditTiers* out) {
    out->set_sketch(value.sketch);
    out->set_served(value.served);
}

void write(const ModelOffer& value, v1::ModelOffer* out) {
    out->set_model(clean(value.model));
    out->set_model_root(raw(value.model_root));
    write(value.prices, out->mutable_prices());
    out->set_context_tokens_max(value.context_tokens_max);
    out->set_slots(value.slots);
    write(value.tiers, out->mutable_tiers());
}

void write(const UnitOffer& value, v1::UnitOffer* out) {
    out->set_number(value.number);
    out->set_gpu_model(clean(value.gpu_model));
    out->set_gpus(value.gpus);
    out->set_vram_mib(value.vram_mib);
    out->set_cpu_milli(value.cpu_milli);
    out->set_memory_mib(value.memory_mib);
    out->set_disk_mib(value.disk_mib);
    out->set_interconnect(static_cast<v1::Interconnect>(static_cast<int>(value.interconnect) + 1));
    out->set_hourly(value.hourly.micro);
    if (value.spot_hourly) out->set_spot_hourly(value.spot_hourly->micro);
    out->set_features(value.features);
}

void write(const NodeAnnouncement& value, v1::NodeAnnouncement* out) {
    out->set_kind(static_cast<v1::NodeKind>(static_cast<int>(value.kind) + 1));
    write(value.hardware, out->mutable_hardware());
    write_list(value.offers, out->mutable_offers());
    out->set_software_version(clean(value.software_version));
    out->set_monitor_key(raw(value.monitor_key));
    write_list(value.units, out->mutable_units());
}

void write(const Cell& value, v1::Cell* out) {
    out->set_position(value.position);
    out->set_layer(value.layer);
}

void write(const PageId& value, v1::PageId* out) {
    out->set_layer(value.layer);
    out->set_kv_head(value.kv_head);
    out->set_page(value.page);
}

void write(const AuditQuestion& value, v1::AuditQuestion* out) {
    write_list(value.cells, out->mutable_cells());
    write_list(value.pages, out->mutable_pages());
    for (const std::uint32_t position : value.sketches) out->add_sketches(position);
}

void write(const OpenedCell& value, v1::OpenedCell* out) {
    write(value.cell, out->mutable_cell());
    out->set_data(raw(value.data));
    write_fixed_list(value.proof, out->mutable_proof());
    out->set_next(raw(value.next));
    write_fixed_list(value.next_proof, out->mutable_next_proof());
    out->set_computed(raw(value.computed));
}

void write(const OpenedPage& value, v1::OpenedPage* out) {
    write(value.page, out->mutable_page());
    out->set_data(raw(value.data));
    write_fixed_list(value.proof, out->mutable_proof());
}

void write(const OpenedSketch& value, v1::OpenedSketch* out) {
    out->set_position(value.position);
    out->set_data(raw(value.data));
    write_fixed_list(value.proof, out->mutable_proof());
    out->set_middle(raw(value.middle));
    write_fixed_list(value.middle_proof, out->mutable_middle_proof());
    out->set_last(raw(value.last));
    write_fixed_list(value.last_proof, out->mutable_last_proof());
}

void write(const Opening& value, v1::Opening* out) {
    out->set_header(raw(value.header));
    write_fixed_list(value.header_proof, out->mutable_header_proof());
    write_list(value.cells, out->mutable_cells());
    write_list(value.pages, out->mutable_pages());
    write_list(value.sketches, out->mutable_sketches());
}

}  // namespace vcity::wire
