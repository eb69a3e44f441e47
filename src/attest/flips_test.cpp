// SPDX-License-Identifier: Apache-2.0
// A sample of the byte flips that attest_flips does in full.
#include "attest/testing/flips.hpp"

#include <gtest/gtest.h>

namespace vcity::attest {
namespace {

constexpr std::size_t kFlipsAFile = 5;

const testing::VectorFolder& folder() {
    static const testing::VectorFolder kFolder{VCITY_SOURCE_DIR "/tests/vectors/attestation"};
    return kFolder;
}

class AttestationFlip : public ::testing::TestWithParam<std::size_t> {};

TEST_P(AttestationFlip, IsRejectedOrChangesNothing) {
    const codec::JsonArray checks = folder().checks();
    const codec::Json& check = checks[GetParam()];
    const std::size_t size = folder().read(*check.find("file")->get_string()).size();
    // Other places for every file, the same in every run.
    const testing::FlipPlan plan{
        .first = GetParam() * 7 % (size / kFlipsAFile), .stride = size / kFlipsAFile, .mask = 0x04};

    const testing::FlipCounts counts = testing::flip_bytes(folder(), check, plan);

    EXPECT_TRUE(counts.harmful_at.empty()) << codec::dump_json(check) << " at " << counts.harmful_at[0];
    EXPECT_GE(counts.rejected + counts.harmless, kFlipsAFile);
}

std::vector<std::size_t> positives() {
    std::vector<std::size_t> numbers;
    const codec::JsonArray checks = folder().checks();
    for (std::size_t i = 0; i < checks.size(); ++i) {
        if (testing::is_positive(checks[i])) numbers.push_back(i);
    }
    return numbers;
}

INSTANTIATE_TEST_SUITE_P(Positive, AttestationFlip, ::testing::ValuesIn(positives()));

}  // namespace
}  // namespace vcity::attest
