// SPDX-License-Identifier: Apache-2.0
#include "verify/sequential.hpp"

#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace vcity::verify {
namespace {

class Sequential : public ::testing::Test {
  protected:
    double uniform() { return (static_cast<double>(random_() >> 11U) + 1) * 0x1p-53; }
    std::vector<float> honest(std::size_t count) {
        std::vector<float> scores;
        for (std::size_t i = 0; i < count; ++i) scores.push_back(normal_(random_));
        return scores;
    }

    std::mt19937_64 random_{4};
    std::normal_distribution<float> normal_;
};

TEST_F(Sequential, KeepsToItsFalsePositiveRateHoweverLongItRuns) {
    constexpr int kNodes = 400;
    int rejected = 0;
    for (int node = 0; node < kNodes; ++node) {
        SequentialTest test{honest(30)};
        for (int i = 0; i < 60; ++i) test.add(normal_(random_), uniform());
        rejected += test.rejects(0.05) ? 1 : 0;
    }
    // 5 % of 400 is 20; 5 deviations more is 42.
    EXPECT_LT(rejected, 42);
}

TEST_F(Sequential, RejectsANodeWhoseScoresAreHigher) {
    SequentialTest test{honest(200)};
    int audits = 0;
    while (!test.rejects(1e-4) && audits < 100) {
        test.add(normal_(random_) + 6, uniform());
        ++audits;
    }
    EXPECT_LE(audits, 10);
}

TEST_F(Sequential, CountsWhatIsNotANumberAsTheWorst) {
    SequentialTest a{honest(50)};
    SequentialTest b{a};
    a.add(std::numeric_limits<float>::quiet_NaN(), 0.5);
    b.add(1e30F, 0.5);
    EXPECT_EQ(a.log_wealth(), b.log_wealth());
}

TEST_F(Sequential, RemembersANodeBetweenAudits) {
    const std::vector<float> sample = honest(40);
    SequentialTest test{sample};
    for (int i = 0; i < 5; ++i) test.add(normal_(random_), uniform());
    const auto again = SequentialTest::parse(sample, test.bytes());
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->log_wealth(), test.log_wealth());
    EXPECT_EQ(again->size(), test.size());
    EXPECT_EQ(again->bytes(), test.bytes());
}

TEST_F(Sequential, RefusesMalformedMemory) {
    SequentialTest test{honest(10)};
    test.add(1, 0.5);
    const Bytes good = test.bytes();
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_FALSE(SequentialTest::parse({}, ByteView{good}.first(size)).has_value()) << size;
    }
    Bytes counted = good;
    counted[4] = 0xFF;
    counted[7] = 0xFF;
    EXPECT_FALSE(SequentialTest::parse({}, counted).has_value());
}

}  // namespace
}  // namespace vcity::verify
