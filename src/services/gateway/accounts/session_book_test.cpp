// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/accounts/session_book.hpp"

#include <gtest/gtest.h>

#include "services/gateway/test_support.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway {
namespace {

class SessionBookTest : public ::testing::Test {
  public:
    static Task<void> keep(Task<Result<NewSession>> opening, std::string* token) {
        const Result<NewSession> opened = co_await std::move(opening);
        *token = opened ? opened->token : opened.error().message;
    }
    std::string open(SessionBook* book, std::uint8_t account) {
        Address address;
        address.bytes.fill(account);
        std::string token;
        world.spawn(keep(book->open(address), &token));
        world.run_until(world.now() + std::chrono::seconds{1}, 1'000);
        return token;
    }

    sim::SimRuntime world{1};
    test::MemoryStore store;
    Hash pepper;
};

TEST_F(SessionBookTest, ASessionEndsByItself) {
    SessionBook book{&world, &store, pepper, {}};
    const std::string token = open(&book, 1);
    EXPECT_TRUE(book.find(token).has_value());
    world.run_until(world.now() + std::chrono::hours{12}, 1'000);
    EXPECT_EQ(book.find(token).error().code, ErrorCode::kExpiredSession);
    (void)open(&book, 2);
    EXPECT_EQ(book.find(token).error().code, ErrorCode::kInvalidSession) << "forgotten";
    EXPECT_EQ(store.entries.size(), 1U);
}

TEST_F(SessionBookTest, OneMoreThanAnAccountMayHaveEndsItsOldest) {
    SessionBook book{&world, &store, pepper, {.per_account_max = 2}};
    const std::string first = open(&book, 1);
    const std::string other = open(&book, 2);
    const std::string second = open(&book, 1);
    const std::string third = open(&book, 1);
    EXPECT_FALSE(book.find(first).has_value());
    for (const std::string& each : {other, second, third}) EXPECT_TRUE(book.find(each).has_value());
    EXPECT_EQ(store.entries.size(), 3U);
}

TEST_F(SessionBookTest, AFullBookOpensNone) {
    SessionBook book{&world, &store, pepper, {.sessions_max = 1}};
    EXPECT_TRUE(open(&book, 1).starts_with(kSessionPrefix));
    EXPECT_FALSE(open(&book, 2).starts_with(kSessionPrefix));
}

}  // namespace
}  // namespace vcity::gateway
