// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/accounts/routes.hpp"

#include <set>

#include <gtest/gtest.h>

namespace vcity::gateway {
namespace {

TEST(RoutePattern, TakesOneSegmentForAName) {
    EXPECT_TRUE(matches_pattern("/v1/jobs/{id}", "/v1/jobs/job-1"));
    EXPECT_TRUE(matches_pattern("/v1/jobs/{id}/logs", "/v1/jobs/job-1/logs"));
    EXPECT_FALSE(matches_pattern("/v1/jobs/{id}", "/v1/jobs/"));
    EXPECT_FALSE(matches_pattern("/v1/jobs/{id}", "/v1/jobs"));
    EXPECT_FALSE(matches_pattern("/v1/jobs/{id}", "/v1/jobs/job-1/"));
    EXPECT_FALSE(matches_pattern("/v1/jobs/{id}", "/v1/jobs/job-1/logs"));
    EXPECT_FALSE(matches_pattern("/v1/jobs/{id}/logs", "/v1/jobs//logs"));
    EXPECT_FALSE(matches_pattern("/v1/jobs", "/v1/jobs/"));
    EXPECT_FALSE(matches_pattern("/v1/jobs", "/V1/jobs"));
}

TEST(RoutePattern, TakesTheRestAtItsEnd) {
    EXPECT_TRUE(matches_pattern("/v1/models/{id...}", "/v1/models/vcity/test"));
    EXPECT_TRUE(matches_pattern("/p/{link...}", "/p/abc/"));
    EXPECT_FALSE(matches_pattern("/p/{link...}", "/p/"));
    EXPECT_FALSE(matches_pattern("/p/{link...}", "/p"));
}

TEST(RouteTable, NamesNoEndpointTwice) {
    std::set<std::string> seen;
    for (const RouteSpec& row : route_table()) {
        EXPECT_TRUE(seen.insert(std::string{row.method} + " " + std::string{row.pattern}).second) << row.pattern;
    }
}

TEST(RouteTable, AsksForScopesWhereKeysAreTaken) {
    for (const RouteSpec& row : route_table()) {
        const bool takes_keys = row.access == Access::kKey || row.access == Access::kAccount;
        EXPECT_EQ(takes_keys, !row.scopes.empty()) << row.pattern;
    }
}

TEST(FindRoute, TellsAWrongMethodFromAWrongPath) {
    EXPECT_EQ(find_route("GET", "/v1/jobs/x/logs")->route, Route::kWork);
    EXPECT_EQ(find_route("PATCH", "/v1/jobs/x/ports/web/0/80")->route, Route::kTunnel);
    EXPECT_EQ(find_route("GET", "/v1/jobs/x/moon").error().code, ErrorCode::kRouteNotFound);
    const ApiResult<RouteSpec> wrong = find_route("PUT", "/v1/jobs");
    EXPECT_EQ(wrong.error().code, ErrorCode::kMethodNotAllowed);
    EXPECT_EQ(wrong.error().message, "/v1/jobs takes GET, POST, not PUT");
}

}  // namespace
}  // namespace vcity::gateway
