// SPDX-License-Identifier: Apache-2.0
#include "services/node/intake.hpp"

#include <gtest/gtest.h>

namespace vcity::node {
namespace {

UnixMillis at(std::uint64_t seconds) {
    return std::chrono::seconds{seconds};
}

Maintenance window(std::uint64_t from, std::uint64_t to) {
    return {at(from), at(to), MaintenanceCategory::kPower};
}

TEST(Intake, IsOpenUntilTheOwnerSaysOtherwise) {
    Intake intake;
    EXPECT_TRUE(intake.is_open(at(10)));
    intake.is_drained = true;
    EXPECT_FALSE(intake.is_open(at(10)));
}

TEST(Intake, IsClosedFromTheStartOfAWindowToItsEnd) {
    Intake intake;
    ASSERT_TRUE(intake.plan(window(100, 200), at(0)));
    EXPECT_TRUE(intake.is_open(at(99)));
    EXPECT_FALSE(intake.is_open(at(100)));
    EXPECT_FALSE(intake.is_open(at(199)));
    EXPECT_TRUE(intake.is_open(at(200)));
}

TEST(Intake, OfOverlappingWindowsTheLastEndCounts) {
    Intake intake;
    ASSERT_TRUE(intake.plan(window(100, 200), at(0)));
    ASSERT_TRUE(intake.plan(window(150, 300), at(0)));
    ASSERT_TRUE(intake.plan(window(160, 170), at(0)));
    EXPECT_EQ(intake.window_at(at(165))->to, at(300));
    EXPECT_EQ(intake.windows.front().from, at(100));
    EXPECT_EQ(intake.windows.back().from, at(160));
}

TEST(Intake, KnowsWhenSomethingChangesNext) {
    Intake intake;
    EXPECT_EQ(intake.next_change(at(0)), std::nullopt);
    ASSERT_TRUE(intake.plan(window(100, 200), at(0)));
    EXPECT_EQ(intake.next_change(at(0)), at(100));
    EXPECT_EQ(intake.next_change(at(100)), at(200));
    EXPECT_EQ(intake.next_change(at(200)), std::nullopt);
}

TEST(Intake, RefusesWindowsThatCannotBe) {
    Intake intake;
    EXPECT_EQ(intake.plan(window(200, 100), at(0)).error().code, Errc::kInvalid);
    EXPECT_EQ(intake.plan(window(100, 100), at(0)).error().code, Errc::kInvalid);
    EXPECT_EQ(intake.plan(window(100, 200), at(200)).error().code, Errc::kInvalid);
    for (std::size_t count = 0; count < kMaintenancesMax; ++count) {
        ASSERT_TRUE(intake.plan(window(100, 200), at(0)));
    }
    EXPECT_EQ(intake.plan(window(100, 200), at(0)).error().code, Errc::kExhausted);
    EXPECT_TRUE(intake.plan(window(300, 400), at(250))) << "what is over makes room";
    EXPECT_EQ(intake.windows.size(), 1U);
}

TEST(Intake, StandsAfterARestart) {
    Intake intake;
    intake.is_drained = true;
    ASSERT_TRUE(intake.plan(window(100, 200), at(0)));
    EXPECT_EQ(parse_intake(encode(intake)).value(), intake);
}

TEST(Intake, RefusesDamagedRecords) {
    Intake intake;
    ASSERT_TRUE(intake.plan(window(100, 200), at(0)));
    const Bytes bytes = encode(intake);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(parse_intake(ByteView{bytes}.first(size)).error().code, Errc::kCorrupt) << size;
    }
    Bytes other = bytes;
    other.back() = 0xff;
    EXPECT_EQ(parse_intake(other).error().code, Errc::kCorrupt);
}

TEST(MaintenanceCategory, IsReadAsItIsWritten) {
    for (const char* name : {"power", "internet", "disk", "gpu", "software", "other"}) {
        EXPECT_EQ(to_string(parse_maintenance_category(name).value()), name);
    }
    EXPECT_EQ(parse_maintenance_category("holiday").error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace vcity::node
