// SPDX-License-Identifier: Apache-2.0
#include "codec/base64.hpp"

#include <gtest/gtest.h>

namespace vcity::codec {
namespace {

// RFC 4648, section 10.
TEST(Base64, WritesAndReadsTheExamplesOfTheStandard) {
    const std::string_view word = "foobar";
    const char* const expected[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (std::size_t length = 0; length <= word.size(); ++length) {
        const std::string_view text = word.substr(0, length);
        EXPECT_EQ(to_base64(as_bytes(text)), expected[length]);
        const Result<Bytes> back = parse_base64(expected[length], Base64Alphabet::kStandard);
        ASSERT_TRUE(back) << text;
        EXPECT_EQ(as_text(*back), text);
    }
}

TEST(Base64, RefusesWhatIsNoBase64AndWhatIsTooLong) {
    for (const char* text : {"Z", "Zm9v!", "Zm9=v", "Zg===", "Zh=="}) {
        EXPECT_FALSE(parse_base64(text, Base64Alphabet::kStandard)) << text;
    }
    EXPECT_FALSE(parse_base64("Zm9vYmFy", Base64Alphabet::kStandard, 5));
}

}  // namespace
}  // namespace vcity::codec
