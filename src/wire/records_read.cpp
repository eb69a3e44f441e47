// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include <vcity/v1/records.pb.h>

#include "wire/records_convert.hpp"

namespace vcity::wire {
namespace {

Bytes bytes_of(const std::string& value) {
    const ByteView view = as_bytes(value);
    return {view.begin(), view.end()};
}

}  // namespace

TokenUsage read(Reader& /*in*/, const v1::TokenUsage& proto) {
    return {.input = proto.input(), .output = proto.output()};
}

TokenPrices read(Reader& /*in*/, const v1::TokenPrices& proto) {
    return {.input = proto.input(), .output = proto.output()};
}

ChatMessage read(Reader& in, const v1::ChatMessage& proto) {
    return {.role = in.text(proto.role(), "role"), .content = in.text(proto.content(), "content")};
}

Sampling read(Reader& in, const v1::Sampling& proto) {
    return {
        .temperature = in.in_range(proto.temperature(), 0.0, 2.0, "temperature"),
        .top_p = in.in_range(proto.top_p(), std::numeric_limits<double>::min(), 1.0, "top_p"),
        .seed = proto.seed(),
    };
}

ModelRequest read(Reader& in, const v1::ModelRequest& proto) {
    return {
        .model = in.text(proto.model(), "model"),
        .messages = in.list(proto.messages(), kListMax, "messages"),
        .prompt = in.text(proto.prompt(), "prompt"),
        .output_tokens_max = proto.output_tokens_max(),
        .sampling = in.message(proto.has_sampling(), proto.sampling(), "sampling"),
        .stop = in.text_list(proto.stop(), kStopMax, "stop"),
        .client_nonce = in.fixed<Hash>(proto.client_nonce(), "client_nonce"),
        .verification = in.enumeration(proto.verification(), Verification::kTee, "verification"),
        .form = in.text(proto.form(), "form"),
        .logprobs = proto.logprobs(),
        .answer = proto.is_embedding() ? AnswerKind::kEmbedding : AnswerKind::kText,
    };
}

TokenOption read(Reader& in, const v1::TokenOption& proto) {
    constexpr std::size_t kTokenBytesMax = 1024;
    if (proto.bytes().size() > kTokenBytesMax) in.fail("bytes", "has too many bytes");
    constexpr double kLeast = -1e9;
    return {.bytes = proto.bytes(), .logprob = in.in_range(proto.logprob(), kLeast, 0.0, "logprob")};
}

TokenLogprobs read(Reader& in, const v1::TokenLogprobs& proto) {
    return {
        .chosen = in.message(proto.has_chosen(), proto.chosen(), "chosen"),
        .top = in.list(proto.top(), kLogprobsMax, "top"),
    };
}

NodeWish read(Reader& in, const v1::NodeWish& proto) {
    NodeWish wish;
    wish.only = in.fixed_list<Address>(proto.only(), kWishListMax, "only");
    wish.ignore = in.fixed_list<Address>(proto.ignore(), kWishListMax, "ignore");
    wish.order = in.fixed_list<Address>(proto.order(), kWishListMax, "order");
    wish.allow_fallbacks = proto.allow_fallbacks();
    wish.regions = in.text_list(proto.regions(), kWishListMax, "regions", kLabelBytesMax);
    wish.reputation_min_bp = in.narrow(proto.reputation_min_bp(), "reputation_min_bp");
    wish.stake_min_vcai = proto.stake_min_vcai();
    wish.sort = in.enumeration(proto.sort(), NodeWish::Sort::kLatency, "sort");
    return wish;
}

SpendingCap read(Reader& in, const v1::SpendingCap& proto) {
    return {
        .client = in.fixed<Address>(proto.client(), "client"),
        .scheduler = in.fixed<Address>(proto.scheduler(), "scheduler"),
        .limit = Usd{proto.limit()},
        .expiry_unix_seconds = proto.expiry_unix_seconds(),
        .nonce = proto.nonce(),
    };
}

SignedCap read(Reader& in, const v1::SignedCap& proto) {
    return {
        .cap = in.message(proto.has_cap(), proto.cap(), "cap"),
        .signature = in.fixed<Signature>(proto.signature(), "signature"),
    };
}

UsageReceipt read(Reader& in, const v1::UsageReceipt& proto) {
    return {
        .job_id = in.fixed<JobId>(proto.job_id(), "job_id"),
        .client = in.fixed<Address>(proto.client(), "client"),
        .node = in.fixed<Address>(proto.node(), "node"),
        .scheduler = in.fixed<Address>(proto.scheduler(), "scheduler"),
        .fencing_token = proto.fencing_token(),
        .units = in.message(proto.has_units(), proto.units(), "units"),
        .amount = Usd{proto.amount()},
        .quote = Usd{proto.quote()},
        .model_root = in.fixed<Hash>(proto.model_root(), "model_root"),
        .request_hash = in.fixed<Hash>(proto.request_hash(), "request_hash"),
        .response_hash = in.fixed<Hash>(proto.response_hash(), "response_hash"),
        .verification_root = in.fixed<Hash>(proto.verification_root(), "verification_root"),
        .started_at = UnixMillis{proto.started_at()},
        .finished_at = UnixMillis{proto.finished_at()},
    };
}

SignedReceipt read(Reader& in, const v1::SignedReceipt& proto) {
    return {
        .receipt = in.message(proto.has_receipt(), proto.receipt(), "receipt"),
        .node_signature = in.fixed<Signature>(proto.node_signature(), "node_signature"),
        .scheduler_signature = in.fixed<Signature>(proto.scheduler_signature(), "scheduler_signature"),
    };
}

Verdict read(Reader& in, const v1::Verdict& proto) {
    return {
        .receipt_hash = in.fixed<Hash>(proto.receipt_hash(), "receipt_hash"),
        .node = in.fixed<Address>(proto.node(), "node"),
        .verifier = in.fixed<Address>(proto.verifier(), "verifier"),
        .outcome = in.enumeration(proto.outcome(), VerdictOutcome::kNotOpened, "outcome"),
        .evidence_hash = in.fixed<Hash>(proto.evidence_hash(), "evidence_hash"),
        .checked_at = UnixMillis{proto.checked_at()},
    };
}

SignedVerdict read(Reader& in, const v1::SignedVerdict& proto) {
    return {
        .verdict = in.message(proto.has_verdict(), proto.verdict(), "verdict"),
        .signature = in.fixed<Signature>(proto.signature(), "signature"),
        .reason = in.text(proto.reason(), "reason"),
    };
}

Charge read(Reader& in, const v1::Charge& proto) {
    return {.cap_id = in.fixed<CapId>(proto.cap_id(), "cap_id"), .amount = Usd{proto.amount()}};
}

Earning read(Reader& in, const v1::Earning& proto) {
    return {.node = in.fixed<Address>(proto.node(), "node"), .cumulative = Usd{proto.cumulative()}};
}

BatchHeader read(Reader& in, const v1::BatchHeader& proto) {
    return {
        .index = proto.index(),
        .receipts_root = in.fixed<Hash>(proto.receipts_root(), "receipts_root"),
        .earnings_root = in.fixed<Hash>(proto.earnings_root(), "earnings_root"),
        .receipt_count = proto.receipt_count(),
        .total_earned = Usd{proto.total_earned()},
        .units_consumed = proto.units_consumed(),
        .units_available = proto.units_available(),
    };
}

Batch read(Reader& in, const v1::Batch& proto) {
    return {
        .header = in.message(proto.has_header(), proto.header(), "header"),
        .charges = in.list(proto.charges(), kBatchReceiptsMax, "charges"),
        .receipts = in.list(proto.receipts(), kBatchReceiptsMax, "receipts"),
        .earnings = in.list(proto.earnings(), kEarningsMax, "earnings"),
    };
}

JobOrder read(Reader& in, const v1::JobOrder& proto) {
    return {
        .job_id = in.fixed<JobId>(proto.job_id(), "job_id"),
        .client = in.fixed<Address>(proto.client(), "client"),
        .cap = in.message(proto.has_cap(), proto.cap(), "cap"),
        .request = in.message(proto.has_request(), proto.request(), "request"),
        .quote = Usd{proto.quote()},
        .prices_max = in.message(proto.has_prices_max(), proto.prices_max(), "prices_max"),
        .deadline = UnixMillis{proto.deadline()},
        .trace_id = in.text(proto.trace_id(), "trace_id"),
        .may_hedge = proto.may_hedge(),
        .wish = proto.has_wish() ? read(in, proto.wish()) : NodeWish{},
    };
}

Lease read(Reader& in, const v1::Lease& proto) {
    return {
        .job_id = in.fixed<JobId>(proto.job_id(), "job_id"),
        .fencing_token = proto.fencing_token(),
        .node = in.fixed<Address>(proto.node(), "node"),
        .attempt = proto.attempt(),
        .expires_at = UnixMillis{proto.expires_at()},
    };
}

PlacementReason read(Reader& in, const v1::PlacementReason& proto) {
    return {
        .node = in.fixed<Address>(proto.node(), "node"),
        .text = in.text(proto.text(), "text"),
        .candidates = proto.candidates(),
        .rejected = proto.rejected(),
    };
}

Hardware read(Reader& in, const v1::Hardware& proto) {
    return {
        .gpu_model = in.text(proto.gpu_model(), "gpu_model", kLabelBytesMax),
        .gpu_count = in.narrow(proto.gpu_count(), "gpu_count"),
        .vram_mib = proto.vram_mib(),
        .region = in.text(proto.region(), "region", kLabelBytesMax),
    };
}

AuditTiers read(Reader& /*in*/, const v1::AuditTiers& proto) {
    return {.sketch = proto.sketch(), .served = proto.served()};
}

ModelOffer read(Reader& in, const v1::ModelOffer& proto) {
    return {
        .model = in.text(proto.model(), "model"),
        .model_root = in.fixed<Hash>(proto.model_root(), "model_root"),
        .prices = in.message(proto.has_prices(), proto.prices(), "prices"),
        .context_tokens_max = proto.context_tokens_max(),
        .slots = proto.slots(),
        .tiers = in.message(proto.has_tiers(), proto.tiers(), "tiers"),
    };
}

UnitOffer read(Reader& in, const v1::UnitOffer& proto) {
    UnitOffer value;
    value.number = proto.number();
    value.gpu_model = in.text(proto.gpu_model(), "gpu_model", kLabelBytesMax);
    value.gpus = proto.gpus();
    value.vram_mib = proto.vram_mib();
    value.cpu_milli = proto.cpu_milli();
    value.memory_mib = proto.memory_mib();
    value.disk_mib = proto.disk_mib();
    value.interconnect = in.enumeration(proto.interconnect(), Interconnect::kFabric, "interconnect");
    value.hourly = Usd{proto.hourly()};
    if (proto.has_spot_hourly()) value.spot_hourly = Usd{proto.spot_hourly()};
    value.features = proto.features() & kAllFeatures;
    return value;
}

NodeAnnouncement read(Reader& in, const v1::NodeAnnouncement& proto) {
    return {
        .kind = in.enumeration(proto.kind(), NodeKind::kFlexible, "kind"),
        .hardware = in.message(proto.has_hardware(), proto.hardware(), "hardware"),
        .offers = in.list(proto.offers(), kListMax, "offers"),
        .software_version = in.text(proto.software_version(), "software_version"),
        .monitor_key = in.fixed<Hash>(proto.monitor_key(), "monitor_key"),
        .units = in.list(proto.units(), kListMax, "units"),
    };
}

Cell read(Reader& /*in*/, const v1::Cell& proto) {
    return {.position = proto.position(), .layer = proto.layer()};
}

PageId read(Reader& /*in*/, const v1::PageId& proto) {
    return {.layer = proto.layer(), .kv_head = proto.kv_head(), .page = proto.page()};
}

AuditQuestion read(Reader& in, const v1::AuditQuestion& proto) {
    return {
        .cells = in.list(proto.cells(), kOpenedCellsMax, "cells"),
        .pages = in.list(proto.pages(), kOpenedPagesMax, "pages"),
        .sketches = in.numbers(proto.sketches(), kOpenedSketchesMax, "sketches"),
    };
}

OpenedCell read(Reader& in, const v1::OpenedCell& proto) {
    return {
        .cell = in.message(proto.has_cell(), proto.cell(), "cell"),
        .data = bytes_of(proto.data()),
        .proof = in.fixed_list<Hash>(proto.proof(), kProofMax, "proof"),
        .next = bytes_of(proto.next()),
        .next_proof = in.fixed_list<Hash>(proto.next_proof(), kProofMax, "next_proof"),
        .computed = bytes_of(proto.computed()),
    };
}

OpenedPage read(Reader& in, const v1::OpenedPage& proto) {
    return {
        .page = in.message(proto.has_page(), proto.page(), "page"),
        .data = bytes_of(proto.data()),
        .proof = in.fixed_list<Hash>(proto.proof(), kProofMax, "proof"),
    };
}

OpenedSketch read(Reader& in, const v1::OpenedSketch& proto) {
    return {
        .position = proto.position(),
        .data = bytes_of(proto.data()),
        .proof = in.fixed_list<Hash>(proto.proof(), kProofMax, "proof"),
        .middle = bytes_of(proto.middle()),
        .middle_proof = in.fixed_list<Hash>(proto.middle_proof(), kProofMax, "middle_proof"),
        .last = bytes_of(proto.last()),
        .last_proof = in.fixed_list<Hash>(proto.last_proof(), kProofMax, "last_proof"),
    };
}

Opening read(Reader& in, const v1::Opening& proto) {
    return {
        .header = bytes_of(proto.header()),
        .header_proof = in.fixed_list<Hash>(proto.header_proof(), kProofMax, "header_proof"),
        .cells = in.list(proto.cells(), kOpenedCellsMax, "cells"),
        .pages = in.list(proto.pages(), kOpenedPagesMax, "pages"),
        .sketches = in.list(proto.sketches(), kOpenedSketchesMax, "sketches"),
    };
}

}  // namespace vcity::wire
