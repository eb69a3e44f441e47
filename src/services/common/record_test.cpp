// SPDX-License-Identifier: Apache-2.0
#include "services/common/record.hpp"

#include <gtest/gtest.h>

namespace vcity::services {
namespace {

enum class Colour : std::uint8_t { kRed, kGreen };

Bytes sample() {
    RecordWriter writer{1};
    writer.put(Usd{7}).put(std::string{"text"}).put(Bytes{1, 2, 3}).put(Hash{{9}}).put(UnixMillis{5});
    return writer.take();
}

TEST(Record, GivesBackWhatWasPut) {
    const Bytes bytes = sample();

    RecordReader reader{bytes};

    EXPECT_EQ(reader.integer(), 1U);
    EXPECT_EQ(reader.usd(), Usd{7});
    EXPECT_EQ(reader.text(), "text");
    EXPECT_EQ(reader.bytes(), (Bytes{1, 2, 3}));
    EXPECT_EQ(reader.fixed<Hash>(), Hash{{9}});
    EXPECT_EQ(reader.time(), UnixMillis{5});
    EXPECT_TRUE(reader.finish("sample").has_value());
}

TEST(Record, RefusesEveryTruncation) {
    const Bytes bytes = sample();

    for (std::size_t size = 0; size < bytes.size(); ++size) {
        RecordReader reader{ByteView{bytes}.first(size)};
        reader.integer();
        reader.usd();
        reader.text();
        reader.bytes();
        reader.fixed<Hash>();
        reader.time();
        const Result<void> finished = reader.finish("sample");
        ASSERT_FALSE(finished.has_value()) << size;
        EXPECT_EQ(finished.error().code, Errc::kCorrupt);
    }
}

TEST(Record, RefusesWhatIsLeftOver) {
    const Bytes bytes = sample();

    RecordReader reader{bytes};
    reader.integer();

    EXPECT_FALSE(reader.finish("sample").has_value());
}

TEST(Record, RefusesUnknownEnumeratorsAndHugeCounts) {
    RecordWriter writer{2};
    writer.put(std::uint64_t{1} << 60U);
    const Bytes bytes = writer.take();

    RecordReader colours{bytes};
    colours.enumerator(Colour::kGreen);
    RecordReader counts{bytes};
    counts.integer();
    EXPECT_EQ(counts.count(), 0U);

    EXPECT_FALSE(colours.finish("colours").has_value());
    EXPECT_FALSE(counts.finish("counts").has_value());
}

}  // namespace
}  // namespace vcity::services
