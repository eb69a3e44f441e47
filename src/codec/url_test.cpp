// SPDX-License-Identifier: Apache-2.0
#include "codec/url.hpp"

#include <gtest/gtest.h>

namespace vcity::codec {
namespace {

TEST(Url, SplitsHostPortAndTarget) {
    const auto url = parse_url("http://example.org:8080/v1/models?limit=3");

    ASSERT_TRUE(url);
    EXPECT_EQ(*url, (Url{"http", "example.org", 8080, "/v1/models?limit=3"}));
    EXPECT_FALSE(url->is_secure());
    EXPECT_EQ(url->authority(), "example.org:8080");
}

TEST(Url, TakesThePortOfItsScheme) {
    EXPECT_EQ(parse_url("wss://example.org")->port, 443);
    EXPECT_EQ(parse_url("ws://example.org/")->port, 80);
    EXPECT_TRUE(parse_url("https://example.org")->is_secure());
    EXPECT_EQ(parse_url("https://example.org")->authority(), "example.org");
}

TEST(Url, PutsASlashBeforeABareQuery) {
    EXPECT_EQ(parse_url("http://h")->target, "/");
    EXPECT_EQ(parse_url("http://h?a=1")->target, "/?a=1");
}

TEST(Url, TakesIpv6InBrackets) {
    const auto url = parse_url("ws://[::1]:8070/link");

    ASSERT_TRUE(url);
    EXPECT_EQ(url->host, "::1");
    EXPECT_EQ(url->authority(), "[::1]:8070");
    EXPECT_EQ(parse_url("http://[::1]")->port, 80);
}

TEST(Url, RefusesWhatIsNotAnAddressOfAService) {
    for (const auto* text :
         {"", "http", "http://", "http:///path", "ftp://host", "HTTP://host", "http://user@host", "http://ho st",
          "http://host:", "http://host:0", "http://host:65536", "http://host:8o", "http://[::1", "http://[::1]x",
          "http://[zz]", "http://host/#part", "http://h\r\nX: y/", "http://host:+1", "http://h\xc3\xa9/"}) {
        const auto url = parse_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().code, Errc::kInvalid);
    }
    EXPECT_FALSE(parse_url("http://host/" + std::string(3000, 'a')));
}

}  // namespace
}  // namespace vcity::codec
