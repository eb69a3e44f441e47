// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "verify/checker.hpp"
#include "verify/little_endian.hpp"
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

ModelShape fuzz_shape() {
    ModelShape shape = testing::small_shape();
    shape.layers = 1;
    shape.hidden = 4;
    shape.heads = 2;
    shape.kv_heads = 1;
    shape.head_dim = 2;
    shape.ffn = 4;
    shape.vocab = 8;
    return shape;
}

// Every part as the worker sends it: whatever the bytes are, the answer is a verdict.
void check_raw(const testing::ReferenceVerifier& verifier, ByteView bytes) {
    detail::Reader reader{bytes};
    AuditExpectation expected;
    expected.units = {reader.get<std::uint8_t>(), reader.get<std::uint8_t>()};
    const std::vector<Cell> cells = draw_cells(verifier.model->shape, expected.units, testing::seed_of(1));
    Opening opening;
    opening.header = take_part(&reader);
    opening.header_proof = take_proof(&reader);
    for (std::size_t i = 0; i < 64 && reader.remaining() > 0; ++i) {
        const Cell cell = i < cells.size() ? cells[i] : Cell{};
        opening.cells.push_back({cell, take_part(&reader), take_proof(&reader)});
    }
    const AuditResult result = verifier.checker->check(expected, cells, opening, verifier.hooks, testing::seed_of(2));
    CHECK(!result.reason.empty());
}

// The arithmetic: cells of any finite numbers, committed properly, must be judged without a crash.
void check_committed(const testing::ReferenceVerifier& verifier, ByteView bytes) {
    const ModelShape& shape = verifier.model->shape;
    const std::vector<Cell> cells = {{0, 0}, {0, 1}};
    for (const Cell& cell : cells) {
        const auto parsed = ParsedCell::parse(shape, cell, bytes);
        if (!parsed) continue;
        TraceHeader header = verifier.header(1, {1});
        header.output_tokens = {2};
        TraceCommitter committer{shape, {}};
        const testing::LayerValues zeros = testing::pass_through(shape, std::vector<float>(shape.hidden));
        const std::vector<float> logits(shape.vocab);
        const FinalCell nothing{zeros.h_in, zeros.x_attn, logits};
        CHECK(committer.add({0, 0}, parsed->is_final() ? zeros.trace() : parsed->trace()).has_value());
        CHECK(committer.add_final(0, parsed->is_final() ? parsed->final_trace() : nothing).has_value());
        testing::FinishedJob job{nullptr, header, *committer.finish(header)};
        const AuditResult result = verifier.checker->check(verifier.expectation(job), cells, *committer.open(cells),
                                                           verifier.hooks, testing::seed_of(2));
        CHECK(!result.reason.empty());
    }
}

void fuzz(ByteView bytes) {
    static const testing::StoredModel model = testing::random_model(fuzz_shape(), 1);
    static const testing::ReferenceVerifier verifier{&model};
    const auto header = parse_header(model.shape, bytes);
    CHECK(!header || encode_header(*header) == Bytes(bytes.begin(), bytes.end()));
    check_raw(verifier, bytes);
    check_committed(verifier, bytes);
}

}  // namespace
}  // namespace vcity::verify

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vcity::verify::fuzz({data, size});
    return 0;
}
