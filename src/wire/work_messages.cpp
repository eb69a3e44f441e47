// SPDX-License-Identifier: Apache-2.0
#include <vcity/v1/link.pb.h>

#include "wire/work_convert.hpp"
#include "wire/write_list.hpp"

namespace vcity::wire {

void write_body(const StepGrant& value, v1::StepGrant* out) {
    write(value.lease, out->mutable_lease());
    out->set_client(raw(value.client));
    out->set_unit(value.unit);
    out->set_gpu_mask(value.gpu_mask);
    write(value.work, out->mutable_work());
    out->set_hourly(value.hourly.micro);
    out->set_quote(value.quote.micro);
    out->set_trace_id(clean(value.trace_id));
}

StepGrant read_body(Reader& in, const v1::StepGrant& proto) {
    return {
        .lease = in.message(proto.has_lease(), proto.lease(), "lease"),
        .client = in.fixed<Address>(proto.client(), "client"),
        .unit = proto.unit(),
        .gpu_mask = proto.gpu_mask(),
        .work = in.message(proto.has_work(), proto.work(), "work"),
        .hourly = Usd{proto.hourly()},
        .quote = Usd{proto.quote()},
        .trace_id = in.text(proto.trace_id(), "trace_id"),
    };
}

void write_body(const StepStarted& value, v1::StepStarted* out) {
    out->set_step_id(raw(value.step_id));
    out->set_fencing_token(value.fencing_token);
    out->set_at(value.at.count());
}

StepStarted read_body(Reader& in, const v1::StepStarted& proto) {
    return {
        .step_id = in.fixed<JobId>(proto.step_id(), "step_id"),
        .fencing_token = proto.fencing_token(),
        .at = UnixMillis{proto.at()},
    };
}

void write_body(const StepOutput& value, v1::StepOutput* out) {
    out->set_step_id(raw(value.step_id));
    out->set_fencing_token(value.fencing_token);
    out->set_offset(value.offset);
    out->set_bytes(raw(value.bytes));
}

StepOutput read_body(Reader& in, const v1::StepOutput& proto) {
    return {
        .step_id = in.fixed<JobId>(proto.step_id(), "step_id"),
        .fencing_token = proto.fencing_token(),
        .offset = proto.offset(),
        .bytes = in.data(proto.bytes(), "bytes", kStepOutputBytesMax),
    };
}

void write_body(const StepFinished& value, v1::StepFinished* out) {
    write_body(value.finished, out->mutable_finished());
    out->set_exit_code(value.exit_code);
    out->set_output_bytes(value.output_bytes);
    write_list(value.files, out->mutable_files());
}

StepFinished read_body(Reader& in, const v1::StepFinished& proto) {
    if (!proto.has_finished()) in.fail("finished", "is missing");
    return {
        .finished = read_body(in, proto.finished()),
        .exit_code = proto.exit_code(),
        .output_bytes = proto.output_bytes(),
        .files = in.list(proto.files(), kStepFilesMax, "files"),
    };
}

void write_body(const StepCheckpoint& value, v1::StepCheckpoint* out) {
    out->set_step_id(raw(value.step_id));
    out->set_fencing_token(value.fencing_token);
    out->set_sequence(value.sequence);
    write_list(value.files, out->mutable_files());
}

StepCheckpoint read_body(Reader& in, const v1::StepCheckpoint& proto) {
    return {
        .step_id = in.fixed<JobId>(proto.step_id(), "step_id"),
        .fencing_token = proto.fencing_token(),
        .sequence = proto.sequence(),
        .files = in.list(proto.files(), kStepFilesMax, "files"),
    };
}

void write_body(const WorkQuote& value, v1::WorkQuote* out) {
    out->set_job_id(raw(value.job_id));
    out->set_quote_id(value.quote_id);
    out->set_most(value.most.micro);
    out->set_hourly(value.hourly.micro);
    out->set_until(value.until.count());
    write_list(value.steps, out->mutable_steps());
    out->set_text(clean(value.text));
}

WorkQuote read_body(Reader& in, const v1::WorkQuote& proto) {
    return {
        .job_id = in.fixed<JobId>(proto.job_id(), "job_id"),
        .quote_id = proto.quote_id(),
        .most = Usd{proto.most()},
        .hourly = Usd{proto.hourly()},
        .until = UnixMillis{proto.until()},
        .steps = in.list(proto.steps(), kListMax, "steps"),
        .text = in.text(proto.text(), "text"),
    };
}

void write_body(const WorkAccepted& value, v1::WorkAccepted* out) {
    out->set_job_id(raw(value.job_id));
    out->set_reserved(value.reserved.micro);
    write_list(value.steps, out->mutable_steps());
}

WorkAccepted read_body(Reader& in, const v1::WorkAccepted& proto) {
    return {
        .job_id = in.fixed<JobId>(proto.job_id(), "job_id"),
        .reserved = Usd{proto.reserved()},
        .steps = in.list(proto.steps(), kListMax, "steps"),
    };
}

void write_body(const WorkCancel& value, v1::WorkCancel* out) {
    out->set_job_id(raw(value.job_id));
    out->set_client(raw(value.client));
}

WorkCancel read_body(Reader& in, const v1::WorkCancel& proto) {
    return {
        .job_id = in.fixed<JobId>(proto.job_id(), "job_id"),
        .client = in.fixed<Address>(proto.client(), "client"),
    };
}

void write_body(const WorkStatusRequest& value, v1::WorkStatusRequest* out) {
    out->set_job_id(raw(value.job_id));
    out->set_client(raw(value.client));
    out->set_with_history(value.with_history);
}

WorkStatusRequest read_body(Reader& in, const v1::WorkStatusRequest& proto) {
    return {
        .job_id = in.fixed<JobId>(proto.job_id(), "job_id"),
        .client = in.fixed<Address>(proto.client(), "client"),
        .with_history = proto.with_history(),
    };
}

void write_body(const WorkStatusReply& value, v1::WorkStatusReply* out) {
    out->set_job_id(raw(value.job_id));
    out->set_known(value.known);
    out->set_state(static_cast<v1::WorkState>(static_cast<int>(value.state) + 1));
    out->set_name(clean(value.name));
    out->set_budget(value.budget.micro);
    out->set_charged(value.charged.micro);
    out->set_submitted_at(value.submitted_at.count());
    out->set_ended_at(value.ended_at.count());
    write_list(value.steps, out->mutable_steps());
    write_list(value.history, out->mutable_history());
    out->set_error(clean(value.error));
}

WorkStatusReply read_body(Reader& in, const v1::WorkStatusReply& proto) {
    return {
        .job_id = in.fixed<JobId>(proto.job_id(), "job_id"),
        .known = proto.known(),
        .state = in.enumeration(proto.state(), WorkState::kCancelled, "state"),
        .name = in.text(proto.name(), "name"),
        .budget = Usd{proto.budget()},
        .charged = Usd{proto.charged()},
        .submitted_at = UnixMillis{proto.submitted_at()},
        .ended_at = UnixMillis{proto.ended_at()},
        .steps = in.list(proto.steps(), kListMax, "steps"),
        .history = in.list(proto.history(), kListMax, "history"),
        .error = in.text(proto.error(), "error"),
    };
}

void write_body(const WorkOutputRequest& value, v1::WorkOutputRequest* out) {
    out->set_job_id(raw(value.job_id));
    out->set_client(raw(value.client));
    out->set_step_id(raw(value.step_id));
    out->set_offset(value.offset);
}

WorkOutputRequest read_body(Reader& in, const v1::WorkOutputRequest& proto) {
    return {
        .job_id = in.fixed<JobId>(proto.job_id(), "job_id"),
        .client = in.fixed<Address>(proto.client(), "client"),
        .step_id = in.fixed<JobId>(proto.step_id(), "step_id"),
        .offset = proto.offset(),
    };
}

void write_body(const WorkOutputReply& value, v1::WorkOutputReply* out) {
    out->set_job_id(raw(value.job_id));
    out->set_step_id(raw(value.step_id));
    out->set_known(value.known);
    out->set_offset(value.offset);
    out->set_bytes(raw(value.bytes));
    out->set_is_end(value.is_end);
}

WorkOutputReply read_body(Reader& in, const v1::WorkOutputReply& proto) {
    return {
        .job_id = in.fixed<JobId>(proto.job_id(), "job_id"),
        .step_id = in.fixed<JobId>(proto.step_id(), "step_id"),
        .known = proto.known(),
        .offset = proto.offset(),
        .bytes = in.data(proto.bytes(), "bytes", kStepOutputBytesMax),
        .is_end = proto.is_end(),
    };
}

void write_body(const UnitsReply& value, v1::UnitsReply* out) {
    for (const UnitsReply::Entry& entry : value.entries) {
        v1::UnitsReply_Entry* to = out->add_entries();
        to->set_node(raw(entry.node));
        write(entry.offer, to->mutable_offer());
        to->set_kind(static_cast<v1::NodeKind>(static_cast<int>(entry.kind) + 1));
        to->set_region(clean(entry.region));
        to->set_gpus_free(entry.gpus_free);
        to->set_cpu_milli_free(entry.cpu_milli_free);
        to->set_reputation_bp(entry.reputation_bp);
        to->set_level(entry.level);
        to->set_stake_vcai(entry.stake_vcai);
    }
}

UnitsReply::Entry read(Reader& in, const v1::UnitsReply_Entry& proto) {
    return {
        .node = in.fixed<Address>(proto.node(), "node"),
        .offer = in.message(proto.has_offer(), proto.offer(), "offer"),
        .kind = in.enumeration(proto.kind(), NodeKind::kFlexible, "kind"),
        .region = in.text(proto.region(), "region", kLabelBytesMax),
        .gpus_free = proto.gpus_free(),
        .cpu_milli_free = proto.cpu_milli_free(),
        .reputation_bp = proto.reputation_bp(),
        .level = proto.level(),
        .stake_vcai = proto.stake_vcai(),
    };
}

UnitsReply read_body(Reader& in, const v1::UnitsReply& proto) {
    return {.entries = in.list(proto.entries(), kListMax, "entries")};
}

}  // namespace vcity::wire
