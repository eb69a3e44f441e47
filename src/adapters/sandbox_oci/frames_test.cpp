// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_oci/frames.hpp"

#include <string>

#include <gtest/gtest.h>

namespace vcity::adapters {
namespace {

Bytes frame(std::uint8_t kind, const std::string& text) {
    Bytes bytes{
        kind, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(text.size() >> 8U), static_cast<std::uint8_t>(text.size())};
    bytes.insert(bytes.end(), text.begin(), text.end());
    return bytes;
}

TEST(FrameDecoder, TellsOutputFromErrorsHoweverTheBytesAreCut) {
    Bytes all = frame(1, "one");
    for (const Bytes& next : {frame(2, std::string(300, 'e')), frame(1, ""), frame(1, "two")}) {
        all.insert(all.end(), next.begin(), next.end());
    }
    for (std::size_t cut = 1; cut <= all.size(); ++cut) {
        FrameDecoder decoder;
        std::string output;
        std::string errors;
        for (std::size_t start = 0; start < all.size(); start += cut) {
            const ByteView piece = ByteView{all}.subspan(start, std::min(cut, all.size() - start));
            const auto parts = decoder.add(piece);
            ASSERT_TRUE(parts.has_value());
            for (const FramePart& part : *parts)
                (part.kind == FrameKind::kOutput ? output : errors) += as_text(part.bytes);
        }
        EXPECT_EQ(output, "onetwo") << cut;
        EXPECT_EQ(errors, std::string(300, 'e')) << cut;
    }
}

TEST(FrameDecoder, RefusesWhatIsNoFrame) {
    for (const Bytes& bytes : {Bytes{3, 0, 0, 0, 0, 0, 0, 1}, Bytes{1, 0, 1, 0, 0, 0, 0, 1},
                               Bytes{'p', 'l', 'a', 'i', 'n', ' ', 't', 'x'}}) {
        FrameDecoder decoder;
        EXPECT_FALSE(decoder.add(bytes).has_value());
    }
}

}  // namespace
}  // namespace vcity::adapters
