// SPDX-License-Identifier: Apache-2.0
#include "operator/times.hpp"

#include <gtest/gtest.h>

namespace vcity::cli {
namespace {

using namespace std::chrono_literals;

constexpr UnixMillis kNow{1'700'000'000'000};

TEST(Times, AreReadInTheFormsThatPeopleWrite) {
    EXPECT_EQ(parse_time("now", kNow).value(), kNow);
    EXPECT_EQ(parse_time("+90m", kNow).value(), kNow + 90min);
    EXPECT_EQ(parse_time("1970-01-02", kNow).value(), UnixMillis{86'400'000});
    EXPECT_EQ(parse_time("2023-11-14T22:13:20Z", kNow).value(), kNow);
    EXPECT_EQ(parse_time("2023-11-14T22:13:20", kNow).value(), kNow);
    EXPECT_EQ(parse_time("2023-11-14 22:13", kNow).value(), kNow - 20s);
    EXPECT_EQ(parse_time("2024-02-29", kNow).value(), UnixMillis{1'709'164'800'000});
}

TEST(Times, ThatCannotBeAreRefused) {
    for (const char* text : {"", "tomorrow", "2023-13-01", "2023-02-29", "2023-02-2", "2023-02-01T24:00", "1969-01-01",
                             "2023-02-01T10", "2023-02-01T10:60", "2023-02-01x", "+", "+5", "+5y", "23-02-01"}) {
        EXPECT_EQ(parse_time(text, kNow).error().code, Errc::kInvalid) << text;
    }
}

TEST(Times, SpansAddUp) {
    EXPECT_EQ(parse_span("30s").value(), 30s);
    EXPECT_EQ(parse_span("1d12h").value(), 36h);
    for (const char* text : {"", "5", "h", "0s", "-1h", "5000d", "9999999999s", "1h30"}) {
        EXPECT_FALSE(parse_span(text).has_value()) << text;
    }
}

TEST(Times, AreWrittenAsTheyAreRead) {
    EXPECT_EQ(instant_text(kNow), "2023-11-14T22:13:20Z");
    EXPECT_EQ(day_text(kNow), "2023-11-14");
    EXPECT_EQ(parse_time(instant_text(kNow), UnixMillis{0}).value(), kNow);
}

}  // namespace
}  // namespace vcity::cli
