// SPDX-License-Identifier: Apache-2.0
#include "verify/header.hpp"

#include <limits>

#include <gtest/gtest.h>

#include "verify/testing/stored_model.hpp"
#include "verify/trace/audit_opening.hpp"

namespace vcity::verify {
namespace {

TraceHeader a_header() {
    TraceHeader header;
    header.job_id.bytes[3] = 9;
    header.request_hash.bytes[4] = 8;
    header.weights_root.bytes[5] = 7;
    header.shape = shape_hash(testing::small_shape());
    header.tier = AuditTier::kSketch;
    header.kernel = KernelClass::kFlashTensor;
    header.client_nonce.bytes[1] = 3;
    header.epoch = 77;
    header.monitor_key.bytes[2] = 4;
    header.sampling = {.temperature = 0.7, .top_p = 0.9, .seed = 0xFFFFFFFFFFFFFFFFULL};
    header.prompt_tokens = {1, 5, 9};
    header.output_tokens = {4, 2};
    return header;
}

TEST(TraceHeader, ComesBack) {
    const Bytes bytes = encode_header(a_header());
    const auto parsed = parse_header(testing::small_shape(), bytes);

    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(*parsed, a_header());
    EXPECT_EQ(bytes.size(), header_bytes({.input = 3, .output = 2}));
}

TEST(TraceHeader, RefusesEveryTruncation) {
    const Bytes bytes = encode_header(a_header());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(parse_header(testing::small_shape(), ByteView{bytes}.first(size)).has_value()) << size;
    }
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(parse_header(testing::small_shape(), longer).has_value());
}

TEST(TraceHeader, RefusesTokensOutsideTheVocabulary) {
    TraceHeader header = a_header();
    header.output_tokens[1] = testing::small_shape().vocab;
    EXPECT_FALSE(parse_header(testing::small_shape(), encode_header(header)).has_value());
}

TEST(TraceHeader, RefusesACountThatThereAreNoBytesFor) {
    Bytes bytes = encode_header(a_header());
    const std::size_t count_at = header_bytes({}) - 2 * sizeof(std::uint32_t);
    for (const std::uint32_t count : {4U, kTraceTokensMax, kTraceTokensMax + 1, 0xFFFFFFFFU}) {
        std::memcpy(bytes.data() + count_at, &count, sizeof(count));
        EXPECT_FALSE(parse_header(testing::small_shape(), bytes).has_value()) << count;
    }
}

TEST(TraceHeader, RefusesSamplingThatIsNotFinite) {
    TraceHeader header = a_header();
    header.sampling.top_p = std::numeric_limits<double>::quiet_NaN();
    EXPECT_FALSE(parse_header(testing::small_shape(), encode_header(header)).has_value());
}

TEST(TraceHeader, RefusesNumbersItDoesNotKnow) {
    const Bytes good = encode_header(a_header());
    constexpr std::size_t kTier = 4 + 1 + 4 * 32;
    for (const std::size_t at : {std::size_t{4}, kTier, kTier + 1, kTier + 2}) {
        Bytes bytes = good;
        bytes[at] = 77;
        EXPECT_FALSE(parse_header(testing::small_shape(), bytes).has_value()) << at;
    }
}

TEST(TraceHeader, CountsThePositionsTheModelWasRunAt) {
    TraceHeader header = a_header();
    EXPECT_EQ(header.positions(), 4U);
    EXPECT_EQ(header.token_at(0), 1U);
    EXPECT_EQ(header.token_at(3), 4U);
    header.output_tokens.clear();
    EXPECT_EQ(header.positions(), 3U);
    header.prompt_tokens.clear();
    EXPECT_EQ(header.positions(), 0U);
}

}  // namespace
}  // namespace vcity::verify
