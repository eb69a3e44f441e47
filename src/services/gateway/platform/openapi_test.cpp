// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "codec/json.hpp"
#include "services/gateway/accounts/routes.hpp"

namespace vcity::gateway {
namespace {

codec::Json document() {
    std::ifstream file{std::string{VCITY_SOURCE_DIR} + "/docs/api/openapi.json"};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    return codec::parse_json(text).value();
}

std::string lower(std::string_view text) {
    std::string result{text};
    std::ranges::transform(result, result.begin(), [](unsigned char letter) { return std::tolower(letter); });
    return result;
}

// As the document writes it: "{name}" for "{name...}".
std::string path_of(const RouteSpec& row) {
    std::string path{row.pattern};
    if (const std::size_t dots = path.find("..."); dots != std::string::npos) path.erase(dots, 3);
    return path;
}

// Not an API for people: nodes with a link of their own, proxied connections, and files of the web page.
bool is_documented_elsewhere(const RouteSpec& row) {
    return row.access == Access::kToken || row.method == "*" || row.method == "HEAD";
}

TEST(OpenApi, describes_every_endpoint_of_the_route_table) {
    const codec::Json json = document();
    const codec::Json& paths = *json.find("paths");
    for (const RouteSpec& row : route_table()) {
        if (is_documented_elsewhere(row)) continue;
        const codec::Json* path = paths.find(path_of(row));
        const bool is_there = path != nullptr && path->find(lower(row.method)) != nullptr;
        EXPECT_TRUE(is_there) << row.method << " " << row.pattern << " is missing in docs/api/openapi.json";
    }
}

TEST(OpenApi, describes_nothing_that_is_not_there) {
    std::set<std::string> known;
    for (const RouteSpec& row : route_table()) {
        known.insert(lower(row.method) + " " + path_of(row));
        if (row.method == "*") known.insert("get " + path_of(row));
    }
    const codec::Json json = document();
    for (const auto& [path, methods] : *json.find("paths")->get_object()) {
        for (const auto& [method, operation] : *methods.get_object()) {
            EXPECT_TRUE(known.contains(method + " " + path)) << method << " " << path;
        }
    }
}

TEST(OpenApi, says_who_may_ask_as_the_route_table_does) {
    const codec::Json json = document();
    for (const RouteSpec& row : route_table()) {
        if (is_documented_elsewhere(row)) continue;
        const codec::Json* path = json.find("paths")->find(path_of(row));
        const codec::Json* operation = path != nullptr ? path->find(lower(row.method)) : nullptr;
        const codec::Json* security = operation != nullptr ? operation->find("security") : nullptr;
        ASSERT_NE(security, nullptr) << row.pattern;
        const std::string text = codec::dump_json(*security);
        const bool takes_key = row.access == Access::kKey || row.access == Access::kAccount;
        const bool takes_session = row.access == Access::kSession || row.access == Access::kAccount;
        EXPECT_EQ(text.find("apiKey") != std::string::npos, takes_key) << row.method << " " << row.pattern;
        EXPECT_EQ(text.find("session") != std::string::npos, takes_session) << row.method << " " << row.pattern;
        EXPECT_EQ(text == "[]", row.access == Access::kPublic) << row.method << " " << row.pattern;
    }
}

}  // namespace
}  // namespace vcity::gateway
