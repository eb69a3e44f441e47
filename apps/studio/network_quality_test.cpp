// SPDX-License-Identifier: Apache-2.0
// The real models: larger pictures of text must be nearer to the original than what interpolation makes.
#include <gtest/gtest.h>

#include "files.hpp"
#include "studio/network.hpp"

namespace vcity::studio {
namespace {

constexpr std::size_t kModelBytesMax = std::size_t{64} << 20U;

Network model(const std::string& scale, const std::string& name = "esrgan-slim") {
    const std::string folder = std::string{VCITY_STUDIO_MODELS} + "/" + name + "/x" + scale + "/";
    const Bytes json = read_file(folder + "model.json", kModelBytesMax).value();
    return Network::make(as_text(json), read_file(folder + "group1-shard1of1.bin", kModelBytesMax).value()).value();
}

TEST(NetworkQuality, TextOfTwiceTheSizeIsNearerToTheOriginalThanInterpolation) {
    const Network network = model("2", "psnr-small");
    const Picture page = read_png(std::string{VCITY_SOURCE_DIR} + "/docs/examples/apps/data/page.png").value();
    const Picture original = cut(page, {.left = 30, .top = 30, .right = 126, .bottom = 94});
    const Picture reduced = resize(original, {.width = 48, .height = 32});
    const Picture enlarged = network.enlarge(reduced).value();
    ASSERT_EQ(enlarged.size, original.size);
    const double by_network = psnr(enlarged, original);
    const double by_bicubic = psnr(resize(reduced, original.size), original);
    EXPECT_GT(by_network, by_bicubic + 2) << by_network << " dB against " << by_bicubic;
    RecordProperty("network_db", std::to_string(by_network));
    RecordProperty("bicubic_db", std::to_string(by_bicubic));
}

TEST(NetworkQuality, EveryModelOfThePackageIsRead) {
    EXPECT_EQ(model("2").scale(), 2U);
    EXPECT_EQ(model("3").scale(), 3U);
    EXPECT_EQ(model("4").scale(), 4U);
    EXPECT_EQ(model("8").scale(), 8U);
}

}  // namespace
}  // namespace vcity::studio
