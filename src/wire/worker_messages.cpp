// SPDX-License-Identifier: Apache-2.0
#include <vcity/v1/worker.pb.h>

#include "wire/records_convert.hpp"
#include "wire/shape.hpp"
#include "wire/wire.hpp"
#include "wire/write_list.hpp"

namespace vcity::wire {
namespace {

struct WorkerWriter {
    v1::WorkerFrame& frame;

    void operator()(const WorkerGenerate& value) const {
        v1::WorkerGenerate* out = frame.mutable_generate();
        out->set_job_id(raw(value.job_id));
        write(value.request, out->mutable_request());
        out->set_epoch(value.epoch);
        out->set_monitor_key(raw(value.monitor_key));
    }
    void operator()(const WorkerCancel& value) const { frame.mutable_cancel()->set_job_id(raw(value.job_id)); }
    void operator()(const WorkerOpen& value) const {
        v1::WorkerOpen* out = frame.mutable_open();
        out->set_job_id(raw(value.job_id));
        out->set_root(raw(value.root));
        write(value.question, out->mutable_question());
    }
    void operator()(const WorkerDrop& value) const { frame.mutable_drop()->set_job_id(raw(value.job_id)); }
    void operator()(const WorkerReady& value) const {
        v1::WorkerReady* out = frame.mutable_ready();
        out->set_model(clean(value.model));
        out->set_weights_root(raw(value.weights_root));
        out->set_context_tokens_max(value.context_tokens_max);
        out->set_vocabulary(value.vocabulary);
        out->set_slots(value.slots);
        write(value.tiers, out->mutable_tiers());
    }
    void operator()(const WorkerToken& value) const {
        v1::WorkerToken* out = frame.mutable_token();
        out->set_job_id(raw(value.job_id));
        out->set_text(clean(value.text));
        out->set_tokens(value.tokens);
        write_list(value.logprobs, out->mutable_logprobs());
    }
    void operator()(const WorkerDone& value) const {
        v1::WorkerDone* out = frame.mutable_done();
        out->set_job_id(raw(value.job_id));
        out->set_reason(static_cast<v1::FinishReason>(static_cast<int>(value.reason) + 1));
        write(value.usage, out->mutable_usage());
        out->set_verification_root(raw(value.verification_root));
    }
    void operator()(const WorkerOpening& value) const {
        v1::WorkerOpening* out = frame.mutable_opening();
        out->set_job_id(raw(value.job_id));
        write(value.opening, out->mutable_opening());
    }
    void operator()(const WorkerError& value) const {
        v1::WorkerError* out = frame.mutable_error();
        out->set_job_id(raw(value.job_id));
        out->set_code(static_cast<v1::ErrorCode>(static_cast<int>(value.code) + 1));
        out->set_message(clean(value.message));
    }
    void operator()(const WorkerReplay& value) const { frame.mutable_replay()->set_job_id(raw(value.job_id)); }
    void operator()(const WorkerReplayed& value) const {
        v1::WorkerReplayed* out = frame.mutable_replayed();
        out->set_job_id(raw(value.job_id));
        out->set_root(raw(value.root));
    }
};

JobId read_job_id(Reader& in, const std::string& bytes) {
    return in.fixed<JobId>(bytes, "job_id");
}

WorkerGenerate read(Reader& in, const v1::WorkerGenerate& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .request = in.message(proto.has_request(), proto.request(), "request"),
        .epoch = proto.epoch(),
        .monitor_key = in.fixed<Hash>(proto.monitor_key(), "monitor_key"),
    };
}

WorkerOpen read(Reader& in, const v1::WorkerOpen& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .root = in.fixed<Hash>(proto.root(), "root"),
        .question = in.message(proto.has_question(), proto.question(), "question"),
    };
}

WorkerReady read(Reader& in, const v1::WorkerReady& proto) {
    return {
        .model = in.text(proto.model(), "model"),
        .weights_root = in.fixed<Hash>(proto.weights_root(), "weights_root"),
        .context_tokens_max = proto.context_tokens_max(),
        .vocabulary = proto.vocabulary(),
        .slots = proto.slots(),
        .tiers = in.message(proto.has_tiers(), proto.tiers(), "tiers"),
    };
}

WorkerToken read(Reader& in, const v1::WorkerToken& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .text = in.text(proto.text(), "text"),
        .tokens = proto.tokens(),
        .logprobs = in.list(proto.logprobs(), kListMax, "logprobs"),
    };
}

WorkerDone read(Reader& in, const v1::WorkerDone& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .reason = in.enumeration(proto.reason(), FinishReason::kCancelled, "reason"),
        .usage = in.message(proto.has_usage(), proto.usage(), "usage"),
        .verification_root = in.fixed<Hash>(proto.verification_root(), "verification_root"),
    };
}

WorkerOpening read(Reader& in, const v1::WorkerOpening& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .opening = in.message(proto.has_opening(), proto.opening(), "opening"),
    };
}

WorkerReplayed read(Reader& in, const v1::WorkerReplayed& proto) {
    return {.job_id = read_job_id(in, proto.job_id()), .root = in.fixed<Hash>(proto.root(), "root")};
}

WorkerError read(Reader& in, const v1::WorkerError& proto) {
    return {
        .job_id = read_job_id(in, proto.job_id()),
        .code = in.enumeration(proto.code(), Errc::kInternal, "code"),
        .message = in.text(proto.message(), "message"),
    };
}

WorkerMessage read(Reader& in, const v1::WorkerFrame& frame) {
    switch (frame.body_case()) {
        case v1::WorkerFrame::kGenerate: return read(in, frame.generate());
        case v1::WorkerFrame::kCancel: return WorkerCancel{read_job_id(in, frame.cancel().job_id())};
        case v1::WorkerFrame::kOpen: return read(in, frame.open());
        case v1::WorkerFrame::kDrop: return WorkerDrop{read_job_id(in, frame.drop().job_id())};
        case v1::WorkerFrame::kReplay: return WorkerReplay{read_job_id(in, frame.replay().job_id())};
        case v1::WorkerFrame::kReady: return read(in, frame.ready());
        case v1::WorkerFrame::kToken: return read(in, frame.token());
        case v1::WorkerFrame::kDone: return read(in, frame.done());
        case v1::WorkerFrame::kOpening: return read(in, frame.opening());
        case v1::WorkerFrame::kError: return read(in, frame.error());
        case v1::WorkerFrame::kReplayed: return read(in, frame.replayed());
        case v1::WorkerFrame::BODY_NOT_SET: break;
    }
    in.fail("body", "is missing or of an unknown kind");
    return WorkerDrop{};
}

}  // namespace

Bytes encode(const WorkerMessage& message) {
    v1::WorkerFrame frame;
    std::visit(WorkerWriter{frame}, message);
    return serialize(frame);
}

Result<WorkerMessage> parse_worker_message(ByteView bytes) {
    v1::WorkerFrame frame;
    TRY_OK(parse_bounded(bytes, {.bytes_max = kFrameBytesMax}, &frame));
    Reader in;
    WorkerMessage message = read(in, frame);
    return std::move(in).finish(std::move(message));
}

}  // namespace vcity::wire
