// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/accounts/nonce_book.hpp"

#include <gtest/gtest.h>

namespace vcity::gateway {
namespace {

Hash a_secret(std::uint8_t fill) {
    Hash secret;
    secret.bytes.fill(fill);
    return secret;
}

TEST(NonceBook, ANonceIsGoodOnce) {
    NonceBook book{a_secret(1), 300, 10};
    const std::string nonce = book.issue(1'000, 7);

    EXPECT_TRUE(book.spend(nonce, 1'100));
    EXPECT_FALSE(book.spend(nonce, 1'100));
    EXPECT_FALSE(book.spend(nonce, 1'299));
}

TEST(NonceBook, ANonceLivesForAWhile) {
    NonceBook book{a_secret(1), 300, 10};
    EXPECT_TRUE(book.spend(book.issue(1'000, 1), 1'299));
    EXPECT_FALSE(book.spend(book.issue(1'000, 2), 1'300));
    EXPECT_FALSE(book.spend(book.issue(1'000, 3), 999));
}

TEST(NonceBook, KnowsItsOwnOnly) {
    NonceBook book{a_secret(1), 300, 10};
    const NonceBook other{a_secret(2), 300, 10};
    EXPECT_FALSE(book.spend(other.issue(1'000, 1), 1'000));
    const std::string good = book.issue(1'000, 1);
    for (std::size_t index = 0; index < good.size(); ++index) {
        std::string changed = good;
        changed[index] = changed[index] == '0' ? '1' : '0';
        EXPECT_FALSE(book.spend(changed, 1'000)) << index;
    }
    EXPECT_FALSE(book.spend("", 1'000));
    EXPECT_FALSE(book.spend(good + "0", 1'000));
    EXPECT_TRUE(book.spend(good, 1'000));
}

TEST(NonceBook, RemembersABoundedNumber) {
    NonceBook book{a_secret(1), 300, 2};
    EXPECT_TRUE(book.spend(book.issue(1'000, 1), 1'000));
    EXPECT_TRUE(book.spend(book.issue(1'000, 2), 1'000));
    EXPECT_FALSE(book.spend(book.issue(1'000, 3), 1'000));
    EXPECT_TRUE(book.spend(book.issue(1'300, 4), 1'300)) << "the first two are over";
}

}  // namespace
}  // namespace vcity::gateway
