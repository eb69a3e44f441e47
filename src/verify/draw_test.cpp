// SPDX-License-Identifier: Apache-2.0
#include "verify/draw.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "verify/testing/stored_model.hpp"
#include "verify/trace/audit_opening.hpp"

namespace vcity::verify {
namespace {

Seed seed_of(std::uint8_t number) {
    Seed seed;
    seed.bytes.fill(number);
    return seed;
}

TEST(DrawAudit, AsksForAWholeOutputPositionAndForHeads) {
    const ModelShape shape = testing::small_shape();
    const TokenUsage units{.input = 50, .output = 20};
    for (std::uint8_t i = 0; i < 20; ++i) {
        const AuditQuestion question = draw_audit(shape, units, AuditTier::kServed, seed_of(i));
        EXPECT_EQ(question, draw_audit(shape, units, AuditTier::kServed, seed_of(i)));
        EXPECT_GE(question.cells.front().position, 49U);
        for (std::uint32_t layer = 0; layer <= shape.layers; ++layer) {
            EXPECT_EQ(question.cells[layer], (Cell{question.cells.front().position, shape.layers - layer}));
        }
        EXPECT_GE(question.cells.size(), 16U);
        const auto finals = std::ranges::count(question.cells, shape.layers, &Cell::layer);
        EXPECT_GE(finals, 16);
        EXPECT_TRUE(question.sketches.empty());
        const std::set<PageId> pages(question.pages.begin(), question.pages.end());
        EXPECT_EQ(pages.size(), question.pages.size());
        for (const PageId& id : pages) EXPECT_LT(id.page, 3U);
        for (const Cell& cell : question.cells) {
            if (cell.layer == shape.layers) continue;
            bool held = false;
            for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
                held = held || pages.contains({cell.layer, head, cell.position / kPagePositions});
            }
            EXPECT_TRUE(held);
        }
    }
}

TEST(DrawAudit, StaysWithinItsBytes) {
    ModelShape shape = testing::small_shape();
    shape.hidden = 4096;
    shape.ffn = 14336;
    for (const std::uint64_t most : {0ULL, 200'000ULL, 2'000'000ULL}) {
        const TokenUsage units{.input = 900, .output = 300};
        const AuditQuestion question = draw_audit(shape, units, AuditTier::kSketch, seed_of(3), {.bytes_max = most});
        EXPECT_LE(opened_bytes(shape, units, question) - header_bytes(units), most);
    }
}

TEST(DrawAudit, AsksForOneCellOfCountsThatNoTraceCanHave) {
    const ModelShape shape = testing::small_shape();
    EXPECT_EQ(draw_audit(shape, {}, AuditTier::kServed, seed_of(1)), AuditQuestion{});
    for (const TokenUsage& units : {TokenUsage{0, 5}, TokenUsage{1ULL << 40U, 1}, TokenUsage{1, 1ULL << 40U}}) {
        EXPECT_EQ(draw_audit(shape, units, AuditTier::kServed, seed_of(1)).cells.size(), 1U);
    }
}

TEST(DrawAudit, DependsOnSecretReceiptAndBeacon) {
    const Hash one = seed_of(1).as<Hash>();
    const Hash two = seed_of(2).as<Hash>();
    const Seed seed = audit_seed(seed_of(3), one, two);
    EXPECT_NE(seed, audit_seed(seed_of(4), one, two));
    EXPECT_NE(seed, audit_seed(seed_of(3), two, two));
    EXPECT_NE(seed, audit_seed(seed_of(3), one, one));
}

}  // namespace
}  // namespace vcity::verify
