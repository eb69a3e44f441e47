// SPDX-License-Identifier: Apache-2.0
#include "operator/self_check.hpp"

#include <gtest/gtest.h>

namespace vcity::cli {
namespace {

SelfCheck cores(double found) {
    return check_least("cpu.cores", "processor cores", {.actual = found, .required = 2, .unit = "cores"},
                       "jobs need them", "use a machine with two cores");
}

TEST(SelfTest, HasEveryFieldOfTheSchema) {
    const codec::Json record = to_json(cores(1));
    std::vector<std::string> names;
    for (const auto& [name, value] : *record.get_object()) names.push_back(name);
    EXPECT_EQ(names, (std::vector<std::string>{"id", "title", "status", "actual", "required", "operator", "unit",
                                               "summary", "purpose", "remediation"}));
    EXPECT_EQ(codec::dump_json(*record.find("actual")), "1");
    EXPECT_EQ(*record.find("operator")->get_string(), ">=");
    EXPECT_EQ(*record.find("status")->get_string(), "fail");
    EXPECT_EQ(*record.find("remediation")->get_string(), "use a machine with two cores");
}

TEST(SelfTest, SaysNothingToDoWhereNothingIsWrong) {
    EXPECT_EQ(*to_json(cores(2)).find("remediation")->get_string(), "");
    EXPECT_EQ(to_table({cores(2)}).rows.at(0).at(3), "");
}

TEST(SelfTest, OnlyAFailureIsUnhealthy) {
    SelfCheck warned = cores(2);
    warned.status = CheckStatus::kWarn;
    EXPECT_TRUE(is_healthy({cores(2), warned, skip("gpu", "GPU", "there is none")}));
    EXPECT_FALSE(is_healthy({cores(2), cores(1)}));
    EXPECT_TRUE(is_healthy({}));
}

TEST(SelfTest, TellsWhyAThingDoesNotWork) {
    const SelfCheck check = check_works("sandbox", "sandbox", make_error(Errc::kUnavailable, "bwrap does not run"),
                                        "jobs are strangers", "install bubblewrap");
    EXPECT_EQ(check.status, CheckStatus::kFail);
    EXPECT_EQ(check.summary, "bwrap does not run");
    EXPECT_TRUE(check.actual.is_null());
}

}  // namespace
}  // namespace vcity::cli
