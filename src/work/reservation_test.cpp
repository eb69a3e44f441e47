// SPDX-License-Identifier: Apache-2.0
#include "work/reservation.hpp"

#include <gtest/gtest.h>

#include "work/spec_check.hpp"

namespace vcity::work {
namespace {

StepGroup a_group(std::string name, std::uint32_t cores) {
    StepGroup group;
    group.name = std::move(name);
    group.command = {"/bin/sh", "-c", "work"};
    group.environment = {"A=b"};
    group.inputs.push_back({.name = "data", .content = {1}});
    group.ask.cpu_milli = cores * 1000;
    group.ask.memory_mib = 64;
    return group;
}

WorkSpec a_spec() {
    WorkSpec spec;
    spec.name = "work";
    spec.groups = {a_group("first", 1), a_group("again", 1), a_group("large", 4)};
    spec.groups[0].count = 3;
    spec.groups[1].needs = {"first"};
    spec.groups[2].needs = {"again"};
    return spec;
}

TEST(Reservation, HoldsTheUnitsOfTheWorkWithoutTheWork) {
    WorkSpec spec = a_spec();
    spec.service_class = ServiceClass::kBestEffort;
    const Result<WorkSpec> hold = hold_of(spec, 7'200);
    ASSERT_TRUE(hold.has_value());
    ASSERT_EQ(hold->groups.size(), 2U) << "what comes second takes the units of what came first";
    EXPECT_EQ(hold->groups[0].name, "first");
    EXPECT_EQ(hold->groups[0].count, 3U);
    EXPECT_EQ(hold->groups[1].name, "large");
    EXPECT_TRUE(hold->groups[1].needs.empty()) << "held from the start";
    EXPECT_EQ(hold->groups[0].command, (std::vector<std::string>{"/bin/sleep", "7200"}));
    EXPECT_TRUE(hold->groups[0].inputs.empty());
    EXPECT_TRUE(hold->groups[0].environment.empty());
    EXPECT_EQ(hold->service_class, ServiceClass::kStandard) << "nobody may outbid it";
    EXPECT_TRUE(check(*hold).has_value());
    EXPECT_TRUE(is_hold(*hold));
    EXPECT_FALSE(is_hold(spec));
}

TEST(Reservation, IsForWhatAsksForTheSame) {
    const WorkSpec spec = a_spec();
    const WorkSpec hold = hold_of(spec, 60).value();
    EXPECT_EQ(held_groups(hold, spec).value(), (std::vector<std::size_t>{0, 0, 1}));
    WorkSpec other = spec;
    other.groups[1].command = {"/bin/false"};
    EXPECT_TRUE(held_groups(hold, other).has_value()) << "what it runs does not matter";
    other.groups[1].ask.memory_mib += 1;
    EXPECT_EQ(held_groups(hold, other).error().code, Errc::kInvalid);
    EXPECT_NE(held_groups(hold, other).error().message.find("'again'"), std::string::npos);
    other = spec;
    other.groups[0].is_gang = true;
    EXPECT_FALSE(held_groups(hold, other).has_value()) << "single units are no gang";
}

TEST(Reservation, RefusesProgramsAndTimesBeyondAllBounds) {
    WorkSpec spec = a_spec();
    EXPECT_FALSE(hold_of(spec, 0).has_value());
    EXPECT_FALSE(hold_of(spec, SpecLimits::kSecondsMax).has_value());
    spec.groups[0].setup.program = "finetune";
    EXPECT_EQ(hold_of(spec, 60).error().code, Errc::kInvalid);
}

TEST(Reservation, NumbersAreNoQuotesAndExactInJson) {
    JobId job_id;
    job_id.bytes.fill(0xff);
    EXPECT_LT(reservation_number(job_id), std::uint64_t{1} << 53U);
    EXPECT_TRUE(is_reservation_number(reservation_number(job_id)));
    EXPECT_TRUE(is_reservation_number(reservation_number(JobId{})));
    EXPECT_FALSE(is_reservation_number(1'000'000'000));
    JobId other = job_id;
    other.bytes[6] = 0;
    EXPECT_NE(reservation_number(job_id), reservation_number(other));
}

}  // namespace
}  // namespace vcity::work
