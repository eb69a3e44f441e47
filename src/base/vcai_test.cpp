// SPDX-License-Identifier: Apache-2.0
#include "base/vcai.hpp"

#include <gtest/gtest.h>

namespace vcity {
namespace {

TEST(Vcai, PrintsWhatItReads) {
    for (const char* text : {"0", "1", "12.5", "0.000000000000000001", "10000000000", "3831417.000000000000000326"}) {
        EXPECT_EQ(to_string(parse_vcai(text).value()), text);
    }
    EXPECT_EQ(parse_vcai("1.50").value(), (Vcai{kWeiPerVcai * 3 / 2}));
    EXPECT_EQ(parse_vcai("0.000000000000000000").value(), Vcai{});
}

TEST(Vcai, RefusesWhatIsNoAmount) {
    for (const char* text : {"", ".", "1.", ".5", "01", "-1", "1e3", "1,5", "1.0000000000000000001",
                             "340282366920938463463.374607431768211456"}) {
        EXPECT_FALSE(parse_vcai(text)) << text;
    }
    EXPECT_EQ(parse_vcai("340282366920938463463.374607431768211455").value(), Vcai{~U128{0}});
}

TEST(Vcai, IsCheckedArithmetic) {
    EXPECT_EQ(add(Vcai{~U128{0} - 1}, Vcai{1}).value(), Vcai{~U128{0}});
    EXPECT_FALSE(add(Vcai{~U128{0}}, Vcai{1}));
    EXPECT_EQ(subtract(Vcai{1}, Vcai{1}).value(), Vcai{});
    EXPECT_FALSE(subtract(Vcai{0}, Vcai{1}));
}

}  // namespace
}  // namespace vcity
