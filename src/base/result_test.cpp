// SPDX-License-Identifier: Apache-2.0
#include "base/result.hpp"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace vcity {
namespace {

Result<int> parse_positive(int value) {
    if (value <= 0) return make_error(Errc::kInvalid, "not positive");
    return value;
}

Result<int> sum_of_positives(int left, int right) {
    TRY(const int a, parse_positive(left));
    TRY(const int b, parse_positive(right));
    return a + b;
}

Result<void> only_positive(int value) {
    TRY_OK(parse_positive(value));
    return {};
}

TEST(Result, CarriesTheValueThrough) {
    EXPECT_EQ(sum_of_positives(1, 2), 3);
}

TEST(Result, StopsAtTheFirstError) {
    const Result<int> result = sum_of_positives(1, -2);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, Errc::kInvalid);
}

TEST(Result, VoidHoldsNoValue) {
    EXPECT_TRUE(only_positive(1).has_value());
    EXPECT_FALSE(only_positive(0).has_value());
}

}  // namespace
}  // namespace vcity
