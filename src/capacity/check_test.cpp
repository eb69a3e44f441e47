// SPDX-License-Identifier: Apache-2.0
#include "capacity/check.hpp"

#include <gtest/gtest.h>

#include "capacity/prover.hpp"
#include "capacity/stream.hpp"
#include "capacity/testing/plain_device.hpp"

namespace vcity::capacity {
namespace {

using testing::PlainDevice;

Hash key_of(std::uint8_t number) {
    Hash key;
    key.bytes[0] = number;
    return key;
}

class ChainCheck : public ::testing::Test {
  protected:
    ChainCheck() {
        challenge_ = {key_of(1), 3, {32, 48, 8, 3, 2}, key_of(2)};
        commitment_ = *prover_.run_chain(challenge_);
        draw_ = {challenge_.session, challenge_.card, draw_cells(challenge_.shape, 6, key_of(9))};
    }
    ChainFault judge(const CapacityOpening& opening) const {
        return check_opening(challenge_, commitment_, draw_, opening, key_of(5), 2);
    }

    PlainDevice device_;
    Prover prover_{&device_};
    CapacityChainChallenge challenge_;
    CapacityChainCommitment commitment_;
    CapacityDraw draw_;
};

TEST_F(ChainCheck, AcceptsEveryCellOfAnHonestChain) {
    draw_.cells = draw_cells(challenge_.shape, 1000, key_of(9));
    ASSERT_EQ(draw_.cells.size(), 18U);
    const auto opening = prover_.open(draw_);
    ASSERT_TRUE(opening.has_value()) << opening.error().message;
    EXPECT_EQ(judge(*opening), ChainFault::kNone);
}

TEST_F(ChainCheck, RejectsAProductThatIsOffByOne) {
    CapacityOpening opening = *prover_.open(draw_);
    for (std::size_t cell = 0; cell < opening.cells.size(); ++cell) {
        CapacityOpening wrong = opening;
        ++wrong.cells[cell].products[cell * 7];
        EXPECT_NE(judge(wrong), ChainFault::kNone) << cell;
    }
}

TEST_F(ChainCheck, RejectsAProductThatIsRightModuloSeventeenOnly) {
    CapacityOpening opening = *prover_.open(draw_);
    opening.cells[1].products[5] += kModulus;
    EXPECT_EQ(judge(opening), ChainFault::kWrongProduct);
}

TEST_F(ChainCheck, RejectsABlockThatWasNotCommittedTo) {
    CapacityOpening opening = *prover_.open(draw_);
    for (CapacityOpenedCell& cell : opening.cells) {
        if (!cell.start.empty()) cell.start[0] = static_cast<std::int8_t>(cell.start[0] == 8 ? 0 : cell.start[0] + 1);
    }
    EXPECT_EQ(judge(opening), ChainFault::kWrongRoot);
}

TEST_F(ChainCheck, RejectsWhatHasAnotherForm) {
    const CapacityOpening honest = *prover_.open(draw_);
    const auto last = honest.cells.size() - 1;
    const std::vector<std::function<void(CapacityOpening*)>> changes = {
        [](CapacityOpening* o) { o->cells.pop_back(); },
        [](CapacityOpening* o) { std::swap(o->cells[0], o->cells[1]); },
        [](CapacityOpening* o) { o->cells[0].products.pop_back(); },
        [](CapacityOpening* o) { o->cells[0].products[0] = 1 << 23; },
        [last](CapacityOpening* o) { o->cells[last].start.push_back(0); },
        [last](CapacityOpening* o) { o->cells[last].partner.clear(); },
        [last](CapacityOpening* o) { o->cells[last].start[0] = 9; },
        [last](CapacityOpening* o) { o->cells[last].end_proof.pop_back(); },
        [last](CapacityOpening* o) { o->cells[last].start_proof.push_back({}); },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        CapacityOpening wrong = honest;
        changes[i](&wrong);
        EXPECT_EQ(judge(wrong), ChainFault::kMalformed) << i;
    }
}

TEST_F(ChainCheck, BindsTheRootToSessionAndCard) {
    const CapacityOpening opening = *prover_.open(draw_);
    challenge_.card = 4;
    EXPECT_EQ(judge(opening), ChainFault::kWrongRoot);
    challenge_.card = 3;
    challenge_.session = key_of(7);
    EXPECT_EQ(judge(opening), ChainFault::kWrongRoot);
}

TEST_F(ChainCheck, OpensOnceAndOnlyWhatWasCommitted) {
    CapacityDraw outside = draw_;
    outside.cells[0].segment = 3;
    EXPECT_EQ(prover_.open(outside).error().code, Errc::kInvalid);
    CapacityDraw twice = draw_;
    twice.cells[1] = twice.cells[0];
    EXPECT_EQ(prover_.open(twice).error().code, Errc::kInvalid);
    EXPECT_TRUE(prover_.open(draw_).has_value());
    EXPECT_EQ(prover_.open(draw_).error().code, Errc::kInvalid);
}

TEST(CapacityChain, RefusesShapesOutOfBounds) {
    const CapacityChainShape good{32, 48, 8, 3, 2};
    EXPECT_TRUE(check_shape(good).has_value());
    const std::vector<CapacityChainShape> bad = {{0, 48, 8, 3, 2},   {33, 48, 8, 3, 2},     {8192, 48, 8, 3, 2},
                                                 {32, 0, 8, 3, 2},   {32, 48, 0, 3, 2},     {32, 48, 5, 3, 2},
                                                 {32, 48, 8, 0, 2},  {32, 48, 8, 257, 2},   {32, 48, 8, 3, 0},
                                                 {32, 48, 8, 3, 65}, {4096, 8192, 8, 64, 2}};
    for (const CapacityChainShape& shape : bad) EXPECT_EQ(check_shape(shape).error().code, Errc::kInvalid);
}

TEST(CapacityChain, EntriesStayInRangeAndTheCubeIsAPermutation) {
    std::set<std::int8_t> seen;
    for (std::int32_t product = -1000; product < 1000; ++product) {
        const std::int8_t entry = chain_entry(product);
        EXPECT_LE(std::abs(entry), kShift);
        EXPECT_EQ(entry, chain_entry(product + kModulus));
        seen.insert(entry);
    }
    EXPECT_EQ(seen.size(), 17U);
}

TEST(CapacityChain, EveryColumnDependsOnEveryOtherAfterAFewSegments) {
    const CapacityChainShape shape{16, 16 * 6, 16, 4, 1};
    for (std::uint32_t from = 0; from < shape.blocks(); ++from) {
        std::set<std::uint32_t> reached = {from};
        for (std::uint32_t segment = 0; segment < 4; ++segment) {
            std::set<std::uint32_t> next = reached;
            for (std::uint32_t block = 0; block < shape.blocks(); ++block) {
                if (reached.contains(partner_block(shape, segment, block))) next.insert(block);
            }
            reached = next;
        }
        EXPECT_EQ(reached.size(), shape.blocks());
    }
}

}  // namespace
}  // namespace vcity::capacity
