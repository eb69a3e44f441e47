// SPDX-License-Identifier: Apache-2.0
#include <vcity/v1/link.pb.h>

#include "wire/shape.hpp"
#include "wire/tunnel_convert.hpp"
#include "wire/wire.hpp"
#include "wire/work_convert.hpp"
#include "wire/write_list.hpp"

namespace vcity::wire {
namespace {

v1::ErrorCode to_proto(Errc code) {
    return static_cast<v1::ErrorCode>(static_cast<int>(code) + 1);
}

v1::FinishReason to_proto(FinishReason reason) {
    return static_cast<v1::FinishReason>(static_cast<int>(reason) + 1);
}

void write(const OffersReply::Entry& value, v1::OffersReply::Entry* out) {
    out->set_node(raw(value.node));
    wire::write(value.offer, out->mutable_offer());
    out->set_region(clean(value.region));
    out->set_free_slots(value.free_slots);
}

void write(const LinkHello& value, v1::LinkHello* out) {
    out->set_peer(raw(value.peer));
    out->set_role(static_cast<v1::Role>(static_cast<int>(value.role) + 1));
    out->set_issued_at(value.issued_at.count());
    out->set_signature(raw(value.signature));
    out->set_software_version(clean(value.software_version));
    out->set_protocol_version(value.protocol_version);
}

void write(const LinkWelcome& value, v1::LinkWelcome* out) {
    out->set_scheduler(raw(value.scheduler));
    out->set_chain_id(value.chain_id);
    out->set_protocol_version(value.protocol_version);
    out->set_epoch(value.epoch);
}

void write(const LeaseGrant& value, v1::LeaseGrant* out) {
    wire::write(value.lease, out->mutable_lease());
    out->set_client(raw(value.client));
    wire::write(value.request, out->mutable_request());
    out->set_quote(value.quote.micro);
    wire::write(value.prices, out->mutable_prices());
    out->set_trace_id(clean(value.trace_id));
}

void write(const LeaseRefused& value, v1::LeaseRefused* out) {
    out->set_job_id(raw(value.job_id));
    out->set_fencing_token(value.fencing_token);
    out->set_code(to_proto(value.code));
    out->set_reason(clean(value.reason));
}

void write(const TokenChunk& value, v1::TokenChunk* out) {
    out->set_job_id(raw(value.job_id));
    out->set_fencing_token(value.fencing_token);
    out->set_sequence(value.sequence);
    out->set_text(clean(value.text));
    out->set_tokens(value.tokens);
    write_list(value.logprobs, out->mutable_logprobs());
}

void write(const NodeFailedJob& value, v1::NodeFailedJob* out) {
    out->set_job_id(raw(value.job_id));
    out->set_fencing_token(value.fencing_token);
    out->set_code(to_proto(value.code));
    out->set_reason(clean(value.reason));
}

void write(const ReceiptAck& value, v1::ReceiptAck* out) {
    out->set_receipt_hash(raw(value.receipt_hash));
    out->set_accepted(value.accepted);
    wire::write(value.receipt, out->mutable_receipt());
    out->set_reason(clean(value.reason));
}

void write(const JobPlaced& value, v1::JobPlaced* out) {
    out->set_job_id(raw(value.job_id));
    wire::write(value.lease, out->mutable_lease());
    wire::write(value.prices, out->mutable_prices());
    wire::write(value.reason, out->mutable_reason());
}

void write(const JobFailed& value, v1::JobFailed* out) {
    out->set_job_id(raw(value.job_id));
    out->set_code(to_proto(value.code));
    out->set_message(clean(value.message));
    out->set_retryable(value.retryable);
    out->set_retry_after_ms(value.retry_after_ms);
}

void write(const JobStatusReply& value, v1::JobStatusReply* out) {
    out->set_job_id(raw(value.job_id));
    out->set_known(value.known);
    out->set_state(static_cast<v1::JobState>(static_cast<int>(value.state) + 1));
    wire::write(value.placement, out->mutable_placement());
    wire::write(value.receipt, out->mutable_receipt());
    wire::write(value.verdict, out->mutable_verdict());
    out->set_audited(value.audited);
    out->set_batch_index(value.batch_index);
    out->set_batch_transaction(raw(value.batch_transaction));
    write_fixed_list(value.receipt_proof, out->mutable_receipt_proof());
    out->set_error(clean(value.error));
    out->set_monitor_key(raw(value.monitor_key));
}

void write(const AuditTask& value, v1::AuditTask* out) {
    wire::write(value.receipt, out->mutable_receipt());
    wire::write(value.request, out->mutable_request());
    out->set_response_text(clean(value.response_text));
    out->set_monitor_key(raw(value.monitor_key));
    out->set_deep(value.deep);
    out->set_confirm(value.confirm);
}

void write(const ReplayRequest& value, v1::ReplayRequest* out) {
    out->set_job_id(raw(value.job_id));
    out->set_receipt_hash(raw(value.receipt_hash));
}

void write(const ReplayReply& value, v1::ReplayReply* out) {
    out->set_job_id(raw(value.job_id));
    out->set_receipt_hash(raw(value.receipt_hash));
    out->set_available(value.available);
    out->set_root(raw(value.root));
    out->set_reason(clean(value.reason));
}

void write(const OpenRequest& value, v1::OpenRequest* out) {
    out->set_job_id(raw(value.job_id));
    out->set_receipt_hash(raw(value.receipt_hash));
    out->set_root(raw(value.root));
    wire::write(value.question, out->mutable_question());
}

void write(const OpenReply& value, v1::OpenReply* out) {
    out->set_job_id(raw(value.job_id));
    out->set_receipt_hash(raw(value.receipt_hash));
    out->set_available(value.available);
    wire::write(value.opening, out->mutable_opening());
    out->set_reason(clean(value.reason));
}

void write(const CapacityQuestion& value, v1::CapacityQuestion* out) {
    out->set_node(raw(value.node));
    out->set_session(raw(value.session));
    out->set_number(value.number);
    out->set_offset(value.offset);
    out->set_body(value.body.data(), value.body.size());
}

void write(const CapacityReply& value, v1::CapacityReply* out) {
    out->set_session(raw(value.session));
    out->set_number(value.number);
    out->set_available(value.available);
    out->set_offset(value.offset);
    out->set_total(value.total);
    out->set_body(value.body.data(), value.body.size());
    out->set_reason(clean(value.reason));
}

struct FrameWriter {
    v1::Frame& frame;

    void operator()(const LinkChallenge& value) const {
        frame.mutable_link_challenge()->set_challenge(raw(value.challenge));
    }
    void operator()(const LinkHello& value) const { write(value, frame.mutable_link_hello()); }
    void operator()(const LinkWelcome& value) const { write(value, frame.mutable_link_welcome()); }
    void operator()(const LinkReject& value) const {
        frame.mutable_link_reject()->set_code(to_proto(value.code));
        frame.mutable_link_reject()->set_reason(clean(value.reason));
    }
    void operator()(const Heartbeat& value) const {
        frame.mutable_heartbeat()->set_active_jobs(value.active_jobs);
        frame.mutable_heartbeat()->set_free_slots(value.free_slots);
    }
    void operator()(const NodeReady& value) const {
        wire::write(value.announcement, frame.mutable_node_ready()->mutable_announcement());
        write_list(value.active_leases, frame.mutable_node_ready()->mutable_active_leases());
    }
    void operator()(const LeaseGrant& value) const { write(value, frame.mutable_lease_grant()); }
    void operator()(const LeaseRefused& value) const { write(value, frame.mutable_lease_refused()); }
    void operator()(const TokenChunk& value) const { write(value, frame.mutable_token_chunk()); }
    void operator()(const JobFinished& value) const { write_body(value, frame.mutable_job_finished()); }
    void operator()(const NodeFailedJob& value) const { write(value, frame.mutable_node_failed_job()); }
    void operator()(const ReceiptAck& value) const { write(value, frame.mutable_receipt_ack()); }
    void operator()(const JobCancel& value) const {
        frame.mutable_job_cancel()->set_job_id(raw(value.job_id));
        frame.mutable_job_cancel()->set_fencing_token(value.fencing_token);
        frame.mutable_job_cancel()->set_gives_way(value.gives_way);
    }
    void operator()(const JobRequest& value) const {
        wire::write(value.order, frame.mutable_job_request()->mutable_order());
    }
    void operator()(const JobPlaced& value) const { write(value, frame.mutable_job_placed()); }
    void operator()(const JobDone& value) const {
        wire::write(value.receipt, frame.mutable_job_done()->mutable_receipt());
        frame.mutable_job_done()->set_reason(to_proto(value.reason));
    }
    void operator()(const JobFailed& value) const { write(value, frame.mutable_job_failed()); }
    void operator()(const OffersRequest& /*value*/) const { frame.mutable_offers_request(); }
    void operator()(const OffersReply& value) const {
        v1::OffersReply* out = frame.mutable_offers_reply();
        for (const OffersReply::Entry& entry : value.entries) write(entry, out->add_entries());
    }
    void operator()(const JobStatusRequest& value) const {
        frame.mutable_job_status_request()->set_job_id(raw(value.job_id));
    }
    void operator()(const JobStatusReply& value) const { write(value, frame.mutable_job_status_reply()); }
    void operator()(const AuditTask& value) const { write(value, frame.mutable_audit_task()); }
    void operator()(const ReplayRequest& value) const { write(value, frame.mutable_replay_request()); }
    void operator()(const ReplayReply& value) const { write(value, frame.mutable_replay_reply()); }
    void operator()(const OpenRequest& value) const { write(value, frame.mutable_open_request()); }
    void operator()(const OpenReply& value) const { write(value, frame.mutable_open_reply()); }
    void operator()(const CapacityQuestion& value) const { write(value, frame.mutable_capacity_question()); }
    void operator()(const CapacityReply& value) const { write(value, frame.mutable_capacity_reply()); }
    void operator()(const StepGrant& value) const { write_body(value, frame.mutable_step_grant()); }
    void operator()(const StepStarted& value) const { write_body(value, frame.mutable_step_started()); }
    void operator()(const StepOutput& value) const { write_body(value, frame.mutable_step_output()); }
    void operator()(const StepFinished& value) const { write_body(value, frame.mutable_step_finished()); }
    void operator()(const StepCheckpoint& value) const { write_body(value, frame.mutable_step_checkpoint()); }
    void operator()(const WorkQuoteRequest& value) const {
        wire::write(value.order, frame.mutable_work_quote_request()->mutable_order());
    }
    void operator()(const WorkQuote& value) const { write_body(value, frame.mutable_work_quote()); }
    void operator()(const WorkSubmit& value) const {
        wire::write(value.order, frame.mutable_work_submit()->mutable_order());
    }
    void operator()(const WorkAccepted& value) const { write_body(value, frame.mutable_work_accepted()); }
    void operator()(const WorkCancel& value) const { write_body(value, frame.mutable_work_cancel()); }
    void operator()(const WorkStatusRequest& value) const { write_body(value, frame.mutable_work_status_request()); }
    void operator()(const WorkStatusReply& value) const { write_body(value, frame.mutable_work_status_reply()); }
    void operator()(const WorkOutputRequest& value) const { write_body(value, frame.mutable_work_output_request()); }
    void operator()(const WorkOutputReply& value) const { write_body(value, frame.mutable_work_output_reply()); }
    void operator()(const UnitsRequest& /*value*/) const { frame.mutable_units_request(); }
    void operator()(const UnitsReply& value) const { write_body(value, frame.mutable_units_reply()); }
    void operator()(const TunnelOpen& value) const { write_body(value, frame.mutable_tunnel_open()); }
    void operator()(const TunnelRequest& value) const { write_body(value, frame.mutable_tunnel_request()); }
    void operator()(const TunnelRefused& value) const { write_body(value, frame.mutable_tunnel_refused()); }
    void operator()(const StepAway& value) const { write_body(value, frame.mutable_step_away()); }
    void operator()(const VerdictReport& value) const {
        wire::write(value.verdict, frame.mutable_verdict_report()->mutable_verdict());
        frame.mutable_verdict_report()->set_confirmed(value.confirmed);
    }
};

}  // namespace

void write_body(const JobFinished& value, v1::JobFinished* out) {
    out->set_receipt_hash(raw(value.receipt_hash));
    out->set_reason(to_proto(value.reason));
    out->set_job_id(raw(value.job_id));
    out->set_node(raw(value.node));
    out->set_fencing_token(value.fencing_token);
    wire::write(value.units, out->mutable_units());
    out->set_amount(value.amount.micro);
    out->set_response_hash(raw(value.response_hash));
    out->set_verification_root(raw(value.verification_root));
    out->set_started_at(value.started_at.count());
    out->set_finished_at(value.finished_at.count());
    out->set_node_signature(raw(value.node_signature));
}

Bytes encode(const Message& message) {
    v1::Frame frame;
    std::visit(FrameWriter{frame}, message);
    return serialize(frame);
}

}  // namespace vcity::wire
