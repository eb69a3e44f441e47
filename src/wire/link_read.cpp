// SPDX-License-Identifier: Apache-2.0
#include <vcity/v1/link.pb.h>

#include "wire/shape.hpp"
#include "wire/tunnel_convert.hpp"
#include "wire/wire.hpp"
#include "wire/work_convert.hpp"

namespace vcity::wire {

// Not in an anonymous namespace: Reader::list finds it by its argument.
OffersReply::Entry read(Reader& in, const v1::OffersReply_Entry& proto);

OffersReply::Entry read(Reader& in, const v1::OffersReply_Entry& proto) {
    return {
        .node = in.fixed<Address>(proto.node(), "node"),
        .offer = in.message(proto.has_offer(), proto.offer(), "offer"),
        .region = in.text(proto.region(), "region", kLabelBytesMax),
        .free_slots = proto.free_slots(),
    };
}

namespace {

JobId read_job_id(Reader& in, const std::string& bytes) {
    return in.fixed<JobId>(bytes, "job_id");
}

Errc read_code(Reader& in, v1::ErrorCode code) {
    return in.enumeration(code, Errc::kInternal, "code");
}

FinishReason read_reason(Reader& in, v1::FinishReason reason) {
    return in.enumeration(reason, FinishReason::kCancelled, "reason");
}

LinkHello read_body(Reader& in, const v1::LinkHello& proto) {
    return {
        .peer = in.fixed<Address>(proto.peer(), "peer"),
        .role = in.enumeration(proto.role(), Role::kGateway, "role"),
        .issued_at = UnixMillis{proto.issued_at()},
        .signature = in.fixed<Signature>(proto.signature(), "signature"),
        .software_version = in.text(proto.software_version(), "software_version"),
        .protocol_version = proto.protocol_version(),
    };
}

LinkWelcome read_body(Reader& in, const v1::LinkWelcome& proto) {
    return {
        .scheduler = in.fixed<Address>(proto.scheduler(), "scheduler"),
        .chain_id = proto.chain_id(),
        .protocol_version = proto.protocol_version(),
        .epoch = proto.epoch(),
    };
}

LinkReject read_body(Reader& in, const v1::LinkReject& proto) {
    return {.code = read_code(in, proto.code()), .reason = in.text(proto.reason(), "reason")};
}

NodeReady read_body(Reader& in, const v1::NodeReady& proto) {
    return {
        .announcement = in.message(proto.has_announcement(), proto.announcement(), "announcement"),
        .active_leases = in.list(proto.active_leases(), kListMax, "active_leases"),
    };
}

LeaseGrant read_body(Reader& in, const v1::LeaseGrant& proto) {
    return {
        .lease = in.message(proto.has_lease(), proto.lease(), "lease"),
        .client = in.fixed<Address>(proto.client(), "client"),
        .request = in.message(proto.has_request(), proto.request(), "request"),
        .quote = Usd{proto.quote()},
        .prices = in.message(proto.has_prices(), proto.prices(), "prices"),
        .trace_id = in.text(proto.trace_id(), "trace_id"),
    };
}

LeaseRefused read_body(Reader& in, const v1::LeaseRefused& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .fencing_token = proto.fencing_token(),
        .code = read_code(in, proto.code()),
        .reason = in.text(proto.reason(), "reason"),
    };
}

TokenChunk read_body(Reader& in, const v1::TokenChunk& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .fencing_token = proto.fencing_token(),
        .sequence = proto.sequence(),
        .text = in.text(proto.text(), "text"),
        .tokens = proto.tokens(),
        .logprobs = in.list(proto.logprobs(), kListMax, "logprobs"),
    };
}

NodeFailedJob read_body(Reader& in, const v1::NodeFailedJob& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .fencing_token = proto.fencing_token(),
        .code = read_code(in, proto.code()),
        .reason = in.text(proto.reason(), "reason"),
    };
}

ReceiptAck read_body(Reader& in, const v1::ReceiptAck& proto) {
    return {
        .receipt_hash = in.fixed<Hash>(proto.receipt_hash(), "receipt_hash"),
        .accepted = proto.accepted(),
        .receipt = in.message(proto.has_receipt(), proto.receipt(), "receipt"),
        .reason = in.text(proto.reason(), "reason"),
    };
}

JobPlaced read_body(Reader& in, const v1::JobPlaced& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .lease = in.message(proto.has_lease(), proto.lease(), "lease"),
        .prices = in.message(proto.has_prices(), proto.prices(), "prices"),
        .reason = in.message(proto.has_reason(), proto.reason(), "reason"),
    };
}

JobDone read_body(Reader& in, const v1::JobDone& proto) {
    return {
        .receipt = in.message(proto.has_receipt(), proto.receipt(), "receipt"),
        .reason = read_reason(in, proto.reason()),
    };
}

JobFailed read_body(Reader& in, const v1::JobFailed& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .code = read_code(in, proto.code()),
        .message = in.text(proto.message(), "message"),
        .retryable = proto.retryable(),
        .retry_after_ms = proto.retry_after_ms(),
    };
}

JobStatusReply read_body(Reader& in, const v1::JobStatusReply& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .known = proto.known(),
        .state = in.enumeration(proto.state(), JobState::kRejected, "state"),
        .placement = in.message(proto.has_placement(), proto.placement(), "placement"),
        .receipt = in.message(proto.has_receipt(), proto.receipt(), "receipt"),
        .verdict = in.message(proto.has_verdict(), proto.verdict(), "verdict"),
        .audited = proto.audited(),
        .batch_index = proto.batch_index(),
        .batch_transaction = in.fixed<Hash>(proto.batch_transaction(), "batch_transaction"),
        .receipt_proof = in.fixed_list<Hash>(proto.receipt_proof(), kProofMax, "receipt_proof"),
        .error = in.text(proto.error(), "error"),
        .monitor_key = in.fixed<Hash>(proto.monitor_key(), "monitor_key"),
    };
}

AuditTask read_body(Reader& in, const v1::AuditTask& proto) {
    return {
        .receipt = in.message(proto.has_receipt(), proto.receipt(), "receipt"),
        .request = in.message(proto.has_request(), proto.request(), "request"),
        .response_text = in.text(proto.response_text(), "response_text"),
        .monitor_key = in.fixed<Hash>(proto.monitor_key(), "monitor_key"),
        .deep = proto.deep(),
        .confirm = proto.confirm(),
    };
}

ReplayRequest read_body(Reader& in, const v1::ReplayRequest& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .receipt_hash = in.fixed<Hash>(proto.receipt_hash(), "receipt_hash"),
    };
}

ReplayReply read_body(Reader& in, const v1::ReplayReply& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .receipt_hash = in.fixed<Hash>(proto.receipt_hash(), "receipt_hash"),
        .available = proto.available(),
        .root = in.fixed<Hash>(proto.root(), "root"),
        .reason = in.text(proto.reason(), "reason"),
    };
}

OpenRequest read_body(Reader& in, const v1::OpenRequest& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .receipt_hash = in.fixed<Hash>(proto.receipt_hash(), "receipt_hash"),
        .root = in.fixed<Hash>(proto.root(), "root"),
        .question = in.message(proto.has_question(), proto.question(), "question"),
    };
}

VerdictReport read_body(Reader& in, const v1::VerdictReport& proto) {
    return {
        .verdict = in.message(proto.has_verdict(), proto.verdict(), "verdict"),
        .confirmed = proto.confirmed(),
    };
}

OpenReply read_body(Reader& in, const v1::OpenReply& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .receipt_hash = in.fixed<Hash>(proto.receipt_hash(), "receipt_hash"),
        .available = proto.available(),
        .opening = in.message(proto.has_opening(), proto.opening(), "opening"),
        .reason = in.text(proto.reason(), "reason"),
    };
}

Bytes read_capacity_body(Reader& in, const std::string& body) {
    if (body.size() <= kCapacityBodyMax) return {body.begin(), body.end()};
    in.fail("body", "is too long");
    return {};
}

CapacityQuestion read_body(Reader& in, const v1::CapacityQuestion& proto) {
    return {
        .node = in.fixed<Address>(proto.node(), "node"),
        .session = in.fixed<Hash>(proto.session(), "session"),
        .number = proto.number(),
        .offset = proto.offset(),
        .body = read_capacity_body(in, proto.body()),
    };
}

CapacityReply read_body(Reader& in, const v1::CapacityReply& proto) {
    return {
        .session = in.fixed<Hash>(proto.session(), "session"),
        .number = proto.number(),
        .available = proto.available(),
        .offset = proto.offset(),
        .total = proto.total(),
        .body = read_capacity_body(in, proto.body()),
        .reason = in.text(proto.reason(), "reason"),
    };
}

template <class Carrier>
auto read_order(Reader& in, const Carrier& carrier) {
    return in.message(carrier.has_order(), carrier.order(), "order");
}

Message read_frame(Reader& in, const v1::Frame& frame) {
    switch (frame.body_case()) {
        case v1::Frame::kLinkChallenge:
            return LinkChallenge{in.fixed<Hash>(frame.link_challenge().challenge(), "challenge")};
        case v1::Frame::kLinkHello: return read_body(in, frame.link_hello());
        case v1::Frame::kLinkWelcome: return read_body(in, frame.link_welcome());
        case v1::Frame::kLinkReject: return read_body(in, frame.link_reject());
        case v1::Frame::kHeartbeat: return Heartbeat{frame.heartbeat().active_jobs(), frame.heartbeat().free_slots()};
        case v1::Frame::kNodeReady: return read_body(in, frame.node_ready());
        case v1::Frame::kLeaseGrant: return read_body(in, frame.lease_grant());
        case v1::Frame::kLeaseRefused: return read_body(in, frame.lease_refused());
        case v1::Frame::kTokenChunk: return read_body(in, frame.token_chunk());
        case v1::Frame::kJobFinished: return read_body(in, frame.job_finished());
        case v1::Frame::kNodeFailedJob: return read_body(in, frame.node_failed_job());
        case v1::Frame::kReceiptAck: return read_body(in, frame.receipt_ack());
        case v1::Frame::kJobCancel:
            return JobCancel{read_job_id(in, frame.job_cancel().job_id()), frame.job_cancel().fencing_token(),
                             frame.job_cancel().gives_way()};
        case v1::Frame::kJobRequest: return JobRequest{read_order(in, frame.job_request())};
        case v1::Frame::kJobPlaced: return read_body(in, frame.job_placed());
        case v1::Frame::kJobDone: return read_body(in, frame.job_done());
        case v1::Frame::kJobFailed: return read_body(in, frame.job_failed());
        case v1::Frame::kOffersRequest: return OffersRequest{};
        case v1::Frame::kOffersReply: return OffersReply{in.list(frame.offers_reply().entries(), kListMax, "entries")};
        case v1::Frame::kJobStatusRequest:
            return JobStatusRequest{read_job_id(in, frame.job_status_request().job_id())};
        case v1::Frame::kJobStatusReply: return read_body(in, frame.job_status_reply());
        case v1::Frame::kAuditTask: return read_body(in, frame.audit_task());
        case v1::Frame::kOpenRequest: return read_body(in, frame.open_request());
        case v1::Frame::kOpenReply: return read_body(in, frame.open_reply());
        case v1::Frame::kVerdictReport: return read_body(in, frame.verdict_report());
        case v1::Frame::kReplayRequest: return read_body(in, frame.replay_request());
        case v1::Frame::kReplayReply: return read_body(in, frame.replay_reply());
        case v1::Frame::kCapacityQuestion: return read_body(in, frame.capacity_question());
        case v1::Frame::kCapacityReply: return read_body(in, frame.capacity_reply());
        case v1::Frame::kStepGrant: return read_body(in, frame.step_grant());
        case v1::Frame::kStepStarted: return read_body(in, frame.step_started());
        case v1::Frame::kStepOutput: return read_body(in, frame.step_output());
        case v1::Frame::kStepFinished: return read_body(in, frame.step_finished());
        case v1::Frame::kStepCheckpoint: return read_body(in, frame.step_checkpoint());
        case v1::Frame::kWorkQuoteRequest: return WorkQuoteRequest{read_order(in, frame.work_quote_request())};
        case v1::Frame::kWorkQuote: return read_body(in, frame.work_quote());
        case v1::Frame::kWorkSubmit: return WorkSubmit{read_order(in, frame.work_submit())};
        case v1::Frame::kWorkAccepted: return read_body(in, frame.work_accepted());
        case v1::Frame::kWorkCancel: return read_body(in, frame.work_cancel());
        case v1::Frame::kWorkStatusRequest: return read_body(in, frame.work_status_request());
        case v1::Frame::kWorkStatusReply: return read_body(in, frame.work_status_reply());
        case v1::Frame::kWorkOutputRequest: return read_body(in, frame.work_output_request());
        case v1::Frame::kWorkOutputReply: return read_body(in, frame.work_output_reply());
        case v1::Frame::kUnitsRequest: return UnitsRequest{};
        case v1::Frame::kUnitsReply: return read_body(in, frame.units_reply());
        case v1::Frame::kTunnelOpen: return read_body(in, frame.tunnel_open());
        case v1::Frame::kTunnelRequest: return read_body(in, frame.tunnel_request());
        case v1::Frame::kTunnelRefused: return read_body(in, frame.tunnel_refused());
        case v1::Frame::kStepAway: return read_body(in, frame.step_away());
        case v1::Frame::BODY_NOT_SET: break;
    }
    in.fail("body", "is missing or of an unknown kind");
    return OffersRequest{};
}

}  // namespace

JobFinished read_body(Reader& in, const v1::JobFinished& proto) {
    return {
        .receipt_hash = in.fixed<Hash>(proto.receipt_hash(), "receipt_hash"),
        .job_id = read_job_id(in, proto.job_id()),
        .node = in.fixed<Address>(proto.node(), "node"),
        .fencing_token = proto.fencing_token(),
        .units = in.message(proto.has_units(), proto.units(), "units"),
        .amount = Usd{proto.amount()},
        .response_hash = in.fixed<Hash>(proto.response_hash(), "response_hash"),
        .verification_root = in.fixed<Hash>(proto.verification_root(), "verification_root"),
        .started_at = UnixMillis{proto.started_at()},
        .finished_at = UnixMillis{proto.finished_at()},
        .node_signature = in.fixed<Signature>(proto.node_signature(), "node_signature"),
        .reason = read_reason(in, proto.reason()),
    };
}

Result<Message> parse_message(ByteView bytes) {
    v1::Frame frame;
    TRY_OK(parse_bounded(bytes, {.bytes_max = kFrameBytesMax}, &frame));
    Reader in;
    Message message = read_frame(in, frame);
    return std::move(in).finish(std::move(message));
}

}  // namespace vcity::wire
