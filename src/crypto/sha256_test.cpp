// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha256.hpp"

#include <gtest/gtest.h>

#include "codec/hex.hpp"

namespace vcity::crypto {
namespace {

// FIPS 180-2, appendix B.
TEST(Sha256, HashesTheKnownExample) {
    EXPECT_EQ(codec::to_hex(sha256(as_bytes("abc"))),
              "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, OfPartsIsThatOfTheWhole) {
    const Bytes bytes(1000, 0x5a);
    for (const std::size_t size : {1U, 63U, 64U, 65U, 1000U}) {
        Sha256 hash;
        for (std::size_t at = 0; at < bytes.size(); at += size) {
            hash.update(ByteView{bytes}.subspan(at, std::min(size, bytes.size() - at)));
        }
        EXPECT_EQ(hash.finish(), sha256(bytes)) << size;
    }
    EXPECT_EQ(Sha256{}.finish(), sha256({}));
}

}  // namespace
}  // namespace vcity::crypto
