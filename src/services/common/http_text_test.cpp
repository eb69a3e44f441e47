// SPDX-License-Identifier: Apache-2.0
#include "services/common/http_text.hpp"

#include <gtest/gtest.h>

namespace vcity::services {
namespace {

TEST(HttpText, ReadsTargets) {
    EXPECT_EQ(path_of("/a/b?c=d"), "/a/b");
    EXPECT_EQ(query_of("/a?id=1&x=2", "x"), "2");
    EXPECT_EQ(query_of("/a?id=1&x=2", "y"), "");
    EXPECT_EQ(query_of("/a", "id"), "");
    EXPECT_EQ(percent_decoded("a%2Fb%2"), "a/b%2");
    EXPECT_EQ(percent_decoded("%zz%41"), "%zzA");
}

TEST(HttpText, KnowsLoopback) {
    EXPECT_TRUE(is_loopback("127.0.0.1:80"));
    EXPECT_TRUE(is_loopback("[::1]:80"));
    EXPECT_TRUE(is_loopback("::1"));
    EXPECT_FALSE(is_loopback("10.0.0.1:80"));
    EXPECT_FALSE(is_loopback(""));
    EXPECT_FALSE(is_loopback("[fe80::1]:80"));
}

}  // namespace
}  // namespace vcity::services
