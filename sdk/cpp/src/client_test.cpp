// SPDX-License-Identifier: Apache-2.0
// What needs no gateway; tests/e2e/test_cpp_client.py has the rest.
#include "vcity/client.hpp"

#include <gtest/gtest.h>

namespace vcity::sdk {
namespace {

TEST(Client, RefusesAddressesAndKeysThatCannotBe) {
    for (const char* gateway : {"", "gateway", "ftp://x", "http://", "http://user@host", "http://a b"}) {
        const auto made = Client::make({.gateway = gateway, .key = "k"});
        ASSERT_FALSE(made) << gateway;
        EXPECT_EQ(made.failure().code, "invalid_argument") << gateway;
    }
    const auto made = Client::make({.gateway = "http://127.0.0.1:1", .key = "a\r\nx: y"});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.failure().code, "invalid_argument");
}

TEST(Client, SaysThatAGatewayIsNotThere) {
    auto made = Client::make({.gateway = "http://127.0.0.1:1/", .key = "k"});
    ASSERT_TRUE(made);
    Client client = std::move(made).value();
    const auto models = client.models();
    ASSERT_FALSE(models);
    EXPECT_EQ(models.failure().code, "unreachable");
    EXPECT_EQ(models.failure().status, 0U);
    const auto call = client.call("GET", "no-slash", "");
    ASSERT_FALSE(call);
    EXPECT_EQ(call.failure().code, "invalid_argument");
}

}  // namespace
}  // namespace vcity::sdk
