// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/api/api_error.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

namespace vcity::gateway {
namespace {

std::string_view text_of(RetryAdvice advice) {
    switch (advice) {
        case RetryAdvice::kAbsent: return "";
        case RetryAdvice::kYes: return "true";
        case RetryAdvice::kNo: return "false";
    }
    return "";
}

std::string row_of(const ErrorSpec& spec) {
    return "| `" + std::string{spec.name} + "` | " + std::to_string(spec.status) + " | `" + std::string{spec.type} +
           "` | " + std::string{text_of(spec.retry)} + " | " + std::string{spec.meaning} + " |\n";
}

TEST(ErrorTable, HasOneRowForEachCode) {
    std::set<std::string_view> names;
    for (std::size_t index = 0; index < error_table().size(); ++index) {
        const ErrorSpec& spec = error_table()[index];
        EXPECT_EQ(static_cast<std::size_t>(spec.code), index);
        EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
        EXPECT_NE(std::ranges::find(error_types(), spec.type), error_types().end()) << spec.type;
        EXPECT_GE(spec.status, 400U);
    }
    EXPECT_EQ(error_table().size(), static_cast<std::size_t>(ErrorCode::kRequestTimeout) + 1);
}

TEST(ErrorTable, EveryTypeIsUsed) {
    for (const std::string_view type : error_types()) {
        EXPECT_TRUE(std::ranges::any_of(error_table(), [&](const ErrorSpec& spec) { return spec.type == type; }))
            << type;
    }
}

// The official SDK repeats 408, 409, 429 and 5xx by itself.
TEST(ErrorTable, NeverInvitesARetryThatCannotHelp) {
    for (const ErrorSpec& spec : error_table()) {
        if (spec.status == 402 || spec.status == 422) EXPECT_EQ(spec.retry, RetryAdvice::kNo) << spec.name;
        if (spec.status == 409) EXPECT_NE(spec.retry, RetryAdvice::kAbsent) << spec.name;
    }
}

TEST(ErrorTable, IsWhatTheDocumentSays) {
    std::ifstream stream(std::string{VCITY_SOURCE_DIR} + "/docs/api/errors.md");
    const std::string document{std::istreambuf_iterator<char>(stream), {}};
    for (const ErrorSpec& spec : error_table()) {
        EXPECT_NE(document.find(row_of(spec)), std::string::npos) << "docs/api/errors.md lacks: " << row_of(spec);
    }
}

TEST(ErrorBody, HasTheKeysThatSdksRead) {
    ApiError error;
    error.code = ErrorCode::kMissingParameter;
    error.message = "missing";
    error.param = "model";

    const codec::Json body = error_body(error, "req_1");

    const codec::Json* detail = body.find("error");
    EXPECT_EQ(*detail->find("message")->get_string(), "missing");
    EXPECT_EQ(*detail->find("type")->get_string(), "invalid_request_error");
    EXPECT_EQ(*detail->find("param")->get_string(), "model");
    EXPECT_EQ(*detail->find("code")->get_string(), "missing_parameter");
    EXPECT_EQ(*detail->find("request_id")->get_string(), "req_1");
    error.param.clear();
    EXPECT_TRUE(error_body(error, "req_1").find("error")->find("param")->is_null());
}

TEST(ErrorResponse, RoundsRetryAfterUp) {
    ApiError error;
    error.code = ErrorCode::kRateLimitExceeded;
    error.retry_after = std::chrono::milliseconds{1'200};

    const ports::HttpResponse response = error_response(error, "req_1");

    EXPECT_EQ(response.status, 429U);
    EXPECT_EQ(response.headers.get("retry-after"), "2");
    EXPECT_EQ(response.headers.get("retry-after-ms"), "1200");
    EXPECT_FALSE(response.headers.has("x-should-retry"));
}

}  // namespace
}  // namespace vcity::gateway
