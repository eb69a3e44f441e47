// SPDX-License-Identifier: Apache-2.0
#include "services/node/home/policy.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace vcity::node {
namespace {

using namespace std::chrono_literals;
using ports::ActivitySample;

constexpr std::uint32_t kNoon = 12 * 60;

HomeRules heedful() {
    HomeRules rules;
    rules.pauses_when_used = true;
    return rules;
}

TimePoint at(Duration when) {
    return TimePoint{} + when;
}

ActivitySample idle_for(Duration idle) {
    ActivitySample sample;
    sample.input_idle = idle;
    return sample;
}

TEST(HomePolicy, WithoutRulesItAlwaysWorks) {
    HomePolicy policy{{}};

    EXPECT_EQ(policy.decide(idle_for(0s), kNoon, at(0s)), "");
}

TEST(HomePolicy, WhatCannotBeToldIsNoSign) {
    HomePolicy policy{heedful()};

    EXPECT_EQ(policy.decide({}, kNoon, at(0s)), "");
}

TEST(HomePolicy, GivesWayAtOnceAndComesBackOnlyAfterAWhileOfCalm) {
    HomePolicy policy{heedful()};
    EXPECT_EQ(policy.decide(idle_for(10min), kNoon, at(0s)), "");

    EXPECT_EQ(policy.decide(idle_for(1s), kNoon, at(10s)), "the owner is using the machine");
    EXPECT_NE(policy.decide(idle_for(5min), kNoon, at(20s)), "");
    EXPECT_NE(policy.decide(idle_for(7min), kNoon, at(10s + 119s)), "");
    EXPECT_EQ(policy.decide(idle_for(7min), kNoon, at(10s + 120s)), "");
}

TEST(HomePolicy, AnotherSignBeginsTheCalmAnew) {
    HomePolicy policy{heedful()};
    EXPECT_NE(policy.decide(idle_for(0s), kNoon, at(0s)), "");
    ActivitySample busy = idle_for(10min);
    busy.others_cores = 3.5;

    EXPECT_EQ(policy.decide(busy, kNoon, at(100s)), "other programs keep 3.5 cores busy");
    EXPECT_NE(policy.decide(idle_for(10min), kNoon, at(200s)), "");
    EXPECT_EQ(policy.decide(idle_for(10min), kNoon, at(220s)), "");
}

TEST(HomePolicy, OtherProgramsOnTheGpusAreASignAndADesktopIsNone) {
    HomePolicy policy{heedful()};
    ActivitySample sample;
    sample.others_gpu_mib = 600;
    EXPECT_EQ(policy.decide(sample, kNoon, at(0s)), "");

    sample.others_gpu_mib = 9000;

    EXPECT_EQ(policy.decide(sample, kNoon, at(1s)), "another program holds 9000 MiB of the GPUs");
}

TEST(HomePolicy, BatteryIsASignUnlessTheOwnerSaysOtherwise) {
    ActivitySample sample;
    sample.on_battery = true;
    HomeRules rules = heedful();
    EXPECT_NE(HomePolicy{rules}.decide(sample, kNoon, at(0s)), "");

    rules.pauses_on_battery = false;

    EXPECT_EQ(HomePolicy{rules}.decide(sample, kNoon, at(0s)), "");
}

TEST(HomePolicy, OutsideItsHoursItTakesNothingWhoeverIsThere) {
    HomeRules rules;
    rules.hours = parse_hours("22:00-08:00").value();
    HomePolicy policy{rules};

    EXPECT_NE(policy.decide({}, kNoon, at(0s)), "");
    EXPECT_EQ(policy.decide({}, 23 * 60, at(1s)), "");
    EXPECT_EQ(policy.decide({}, kMinutesOfDay + 7 * 60 + 59, at(2s)), "");
    EXPECT_NE(policy.decide({}, kMinutesOfDay + 8 * 60, at(3s)), "");
}

TEST(ParseHours, NightsOfADayGoOnIntoTheNextOne) {
    const auto hours = parse_hours("sun 22:00-06:30").value();

    ASSERT_EQ(hours.size(), 1U);
    EXPECT_TRUE(hours[0].holds(6 * kMinutesOfDay + 23 * 60));
    EXPECT_TRUE(hours[0].holds(6 * 60));
    EXPECT_FALSE(hours[0].holds(6 * 60 + 30));
    EXPECT_FALSE(hours[0].holds(3 * kMinutesOfDay));
}

TEST(ParseHours, DaysAreListsAndRanges) {
    const auto covered = [](const std::vector<WeekHours>& hours, std::uint32_t minute) {
        return std::ranges::any_of(hours, [&](const WeekHours& one) { return one.holds(minute); });
    };
    const auto hours = parse_hours("mon-wed,sat 09:00-17:00; sun 00:00-24:00").value();

    for (std::uint32_t day = 0; day < 7; ++day) {
        const bool is_day = day <= 2 || day >= 5;
        EXPECT_EQ(covered(hours, day * kMinutesOfDay + 10 * 60), is_day) << day;
    }
    EXPECT_TRUE(covered(hours, kMinutesOfWeek - 1));
    EXPECT_EQ(parse_hours("fri-mon 01:00-02:00").value().size(), 4U);
}

TEST(ParseHours, EveryMinuteOfAWholeDayIsCovered) {
    const auto hours = parse_hours("00:00-24:00").value();
    for (std::uint32_t minute = 0; minute < kMinutesOfWeek; ++minute) {
        EXPECT_TRUE(std::ranges::any_of(hours, [&](const WeekHours& one) { return one.holds(minute); })) << minute;
    }
}

TEST(ParseHours, WhatCannotBeReadIsNamed) {
    for (const std::string text : {"", "22-08", "22:00", "25:00-26:00", "08:61-09:00", "08:00-08:00", "24:00-08:00",
                                   "mo 08:00-09:00", "mon-tue-wed 08:00-09:00", "08:00-09:00;", "8:00-9:00"}) {
        const auto hours = parse_hours(text);
        ASSERT_FALSE(hours.has_value()) << text;
        EXPECT_EQ(hours.error().code, Errc::kInvalid);
    }
}

}  // namespace
}  // namespace vcity::node
