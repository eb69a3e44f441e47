// SPDX-License-Identifier: Apache-2.0
#include "event_lines.hpp"

#include <gtest/gtest.h>

namespace vcity::sdk {
namespace {

constexpr std::string_view kStream = ": hello\r\ndata: {\"a\":1}\n\nevent: x\r\ndata:two\r\n\r\ndata: [DONE]\n\n";

std::vector<std::string> read_all(EventLines* lines) {
    std::vector<std::string> found;
    while (auto data = lines->next()) found.push_back(*std::move(data));
    return found;
}

TEST(EventLines, AreTheSameHoweverTheStreamIsCut) {
    for (std::size_t size = 1; size <= kStream.size(); ++size) {
        EventLines lines;
        std::vector<std::string> found;
        for (std::size_t at = 0; at < kStream.size(); at += size) {
            ASSERT_TRUE(lines.add(kStream.substr(at, size)));
            for (std::string& data : read_all(&lines)) found.push_back(std::move(data));
        }
        EXPECT_EQ(found, (std::vector<std::string>{"{\"a\":1}", "two", "[DONE]"})) << "pieces of " << size;
    }
}

TEST(EventLines, EndsALineWithoutEnd) {
    EventLines lines;
    const std::string piece(64U << 10U, 'x');
    bool good = true;
    std::size_t bytes = 0;
    while (good && bytes < 4 * EventLines::kLineBytesMax) {
        good = lines.add(piece);
        bytes += piece.size();
        EXPECT_EQ(lines.next(), std::nullopt);
    }
    EXPECT_FALSE(good);
    EXPECT_LE(bytes, EventLines::kLineBytesMax + 2 * piece.size());
}

}  // namespace
}  // namespace vcity::sdk
