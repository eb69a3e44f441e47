// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "verify/little_endian.hpp"
#include "verify/sequential.hpp"
#include "verify/testing/reference_worker.hpp"

namespace vcity::verify {
namespace {

// A part of the input with its length before it; a length too large takes the rest.
Bytes take_part(detail::Reader* reader) {
    const std::size_t size = reader->get<std::uint16_t>();
    return reader->get_all<std::uint8_t>(std::min(size, reader->remaining()));
}

std::vector<Hash> take_proof(detail::Reader* reader) {
    std::vector<Hash> proof;
    const std::size_t count = reader->get<std::uint8_t>() % 16;
    for (std::size_t i = 0; i < count; ++i) proof.push_back(reader->get_fixed<Hash>());
    return proof;
}

ModelShape fuzz_shape(ComputeType compute) {
    ModelShape shape = testing::small_shape();
    shape.layers = 1;
    shape.hidden = 4;
    shape.heads = 2;
    shape.kv_heads = 1;
    shape.head_dim = 2;
    shape.ffn = 4;
    shape.vocab = 8;
    shape.compute = compute;
    return shape;
}

struct Subject {
    explicit Subject(ComputeType compute) : model{testing::random_model(fuzz_shape(compute), 1)}, verifier{&model} {}

    testing::StoredModel model;
    testing::ReferenceVerifier verifier;
};

// Every part as the worker sends it: whatever the bytes are, the answer is a verdict.
void check_raw(const Subject& subject, AuditTier tier, ByteView bytes) {
    detail::Reader reader{bytes};
    AuditClaim claim;
    claim.roots.tier = tier;
    claim.units = {reader.get<std::uint8_t>(), reader.get<std::uint8_t>()};
    const AuditQuestion question = draw_audit(subject.model.shape, claim.units, tier, testing::seed_of(1));
    Opening opening;
    opening.header = take_part(&reader);
    opening.header_proof = take_proof(&reader);
    for (const Cell& cell : question.cells) {
        opening.cells.push_back({.cell = cell,
                                 .data = take_part(&reader),
                                 .proof = take_proof(&reader),
                                 .next = take_part(&reader),
                                 .next_proof = take_proof(&reader),
                                 .computed = take_part(&reader)});
    }
    for (const PageId& page : question.pages) opening.pages.push_back({page, take_part(&reader), take_proof(&reader)});
    for (const std::uint32_t position : question.sketches) {
        OpenedSketch sketch;
        sketch.position = position;
        sketch.data = take_part(&reader);
        sketch.middle = take_part(&reader);
        sketch.last = take_part(&reader);
        opening.sketches.push_back(std::move(sketch));
    }
    const AuditResult result =
        subject.verifier.judge->judge(claim, question, opening, subject.verifier.check_output, testing::seed_of(2));
    CHECK(!result.reason.empty());
}

// The bytes as values of the compute type, as long as they last; zeros after that. Not finite ones become zero.
std::vector<float> take_values(const ModelShape& shape, detail::Reader* reader, std::uint32_t count) {
    std::vector<float> values(count);
    for (float& value : values) {
        const bool wide = shape.compute == ComputeType::kFloat32;
        const std::uint32_t bits =
            wide ? reader->get<std::uint32_t>() : std::uint32_t{reader->get<std::uint16_t>()} << 16U;
        const float taken = std::bit_cast<float>(bits);
        value = std::isfinite(taken) ? taken : 0.0F;
    }
    return values;
}

// The arithmetic: cells of any finite numbers, committed properly, must be judged without a crash.
void check_committed(const Subject& subject, ByteView bytes) {
    const ModelShape& shape = subject.model.shape;
    detail::Reader reader{bytes};
    testing::ReferenceWorker worker{&subject.model};
    worker.after_layer = [&](const Cell&, testing::LayerValues* values) {
        values->h_in = take_values(shape, &reader, shape.hidden);
        values->k = take_values(shape, &reader, shape.kv_width());
        values->v = take_values(shape, &reader, shape.kv_width());
        values->attn_out = take_values(shape, &reader, shape.query_width());
        values->h_out = take_values(shape, &reader, shape.hidden);
    };
    worker.change_computed = [&](const Cell&, testing::LayerValues* values) {
        values->q = take_values(shape, &reader, shape.query_width());
        values->o = take_values(shape, &reader, shape.hidden);
        values->gate = take_values(shape, &reader, shape.ffn);
        values->up = take_values(shape, &reader, shape.ffn);
        values->down = take_values(shape, &reader, shape.hidden);
        values->act = take_values(shape, &reader, shape.ffn);
    };
    const testing::FinishedJob job = testing::run_job(worker, subject.verifier.header(1, {1, 2}), 2);
    CHECK(!subject.verifier.audit(job, 3).reason.empty());
}

void fuzz(ByteView bytes) {
    static const Subject wide{ComputeType::kFloat32};
    static const Subject narrow{ComputeType::kBfloat16};
    const auto header = parse_header(wide.model.shape, bytes);
    CHECK(!header || encode_header(*header) == Bytes(bytes.begin(), bytes.end()));
    const auto memory = SequentialTest::parse({}, bytes);
    CHECK(!memory || memory->bytes() == Bytes(bytes.begin(), bytes.end()));
    for (const Subject* subject : {&wide, &narrow}) {
        static_cast<void>(parse_computed(subject->model.shape, bytes));
        static_cast<void>(parse_final_computed(subject->model.shape, bytes));
        check_raw(*subject, AuditTier::kServed, bytes);
        check_raw(*subject, AuditTier::kSketch, bytes);
        check_committed(*subject, bytes);
    }
}

}  // namespace
}  // namespace vcity::verify

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vcity::verify::fuzz({data, size});
    return 0;
}
