// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/platform/trace_context.hpp"

#include <gtest/gtest.h>

namespace vcity::gateway {
namespace {

const std::string kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kGood = "00-" + kTrace + "-00f067aa0ba902b7-01";

TEST(TraceContext, takes_the_trace_of_a_well_formed_header) {
    EXPECT_EQ(trace_id_of(kGood), kTrace);
    EXPECT_EQ(trace_id_of("01" + kGood.substr(2) + "-more"), kTrace);
    EXPECT_EQ(trace_id_of("01" + kGood.substr(2)), kTrace);
}

TEST(TraceContext, passes_over_everything_else) {
    EXPECT_EQ(trace_id_of(""), std::nullopt);
    EXPECT_EQ(trace_id_of(kGood + "-more"), std::nullopt);
    EXPECT_EQ(trace_id_of("ff" + kGood.substr(2)), std::nullopt);
    EXPECT_EQ(trace_id_of("01" + kGood.substr(2) + "x"), std::nullopt);
    EXPECT_EQ(trace_id_of("00-" + std::string(32, '0') + "-00f067aa0ba902b7-01"), std::nullopt);
    EXPECT_EQ(trace_id_of("00-" + kTrace + "-0000000000000000-01"), std::nullopt);
    for (std::size_t at = 0; at < kGood.size(); ++at) {
        std::string bad = kGood;
        bad[at] = 'G';
        EXPECT_EQ(trace_id_of(bad), std::nullopt) << at;
    }
}

}  // namespace
}  // namespace vcity::gateway
