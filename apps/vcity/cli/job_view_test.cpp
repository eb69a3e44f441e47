// SPDX-License-Identifier: Apache-2.0
#include "cli/job_view.hpp"

#include <gtest/gtest.h>

namespace vcity::cli {
namespace {

codec::Json json(std::string_view text) {
    const Result<codec::Json> parsed = codec::parse_json(text);
    EXPECT_TRUE(parsed) << text;
    return parsed ? *parsed : codec::Json{};
}

TEST(JobView, TheProgressLineHasStepsMoneyAndNodes) {
    const codec::Json job = json(R"({"state":"active","charged":"0.000100","budget":"0.500000",
        "progress":{"total":4,"done":2,"running":1,"queued":1,"failed":0},
        "steps":[{"name":"a/0","state":"running","node":"0x1234567890"},{"name":"a/1","state":"queued"}]})");
    EXPECT_EQ(progress_line(job),
              "[############............] 2/4 done, 1 running, 1 queued; $0.000100 of $0.500000; on 0x12345678");
    EXPECT_FALSE(job_has_ended(job));
}

TEST(JobView, ExitCodesFollowTheState) {
    EXPECT_EQ(exit_of_job(json(R"({"state":"succeeded"})")), Exit::kOk);
    EXPECT_EQ(exit_of_job(json(R"({"state":"failed"})")), Exit::kGeneral);
    EXPECT_TRUE(job_has_ended(json(R"({"state":"cancelled"})")));
}

TEST(JobView, WhatAServerLeavesOutIsLeftOut) {
    EXPECT_EQ(job_summary(json("{}")).rows.size(), 1U);
    EXPECT_TRUE(job_steps(json(R"({"steps":3})")).rows.empty());
    EXPECT_TRUE(job_history(json(R"({"history":null})")).rows.empty());
}

TEST(OutputCursor, ReadsEveryStepToItsEndAndStartsAgainWithANewAttempt) {
    OutputCursor cursor;
    const codec::Json job = json(R"({"steps":[{"name":"a/0","state":"running","attempt":1},
        {"name":"a/1","state":"done","attempt":1},{"name":"a/2","state":"queued","attempt":0}]})");
    EXPECT_EQ(cursor.due(job, 9), (std::vector<std::string>{"a/0", "a/1"}));
    cursor.advance("a/0", json(R"({"next_offset":5,"end":false})"));
    cursor.advance("a/1", json(R"({"next_offset":7,"end":true})"));
    EXPECT_EQ(cursor.due(job, 9), (std::vector<std::string>{"a/0"}));
    EXPECT_EQ(cursor.offset("a/0"), 5U);
    const codec::Json retried = json(R"({"steps":[{"name":"a/0","state":"running","attempt":2}]})");
    EXPECT_EQ(cursor.due(retried, 9), (std::vector<std::string>{"a/0"}));
    EXPECT_EQ(cursor.offset("a/0"), 0U);
}

TEST(OutputCursor, TakesTurnsAmongManySteps) {
    OutputCursor cursor;
    const codec::Json job = json(R"({"steps":[{"name":"a","state":"running"},{"name":"b","state":"running"},
        {"name":"c","state":"running"}]})");
    EXPECT_EQ(cursor.due(job, 2), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(cursor.due(job, 2), (std::vector<std::string>{"c", "a"}));
}

}  // namespace
}  // namespace vcity::cli
