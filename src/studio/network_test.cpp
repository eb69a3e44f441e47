// SPDX-License-Identifier: Apache-2.0
#include "studio/network.hpp"

#include <cstring>

#include <gtest/gtest.h>

#include "codec/json.hpp"

namespace vcity::studio {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

Json layer(const char* kind, const char* name, JsonObject config, std::initializer_list<const char*> inputs) {
    JsonArray nodes;
    JsonArray entries;
    for (const char* input : inputs) entries.push_back(JsonArray{input, 0, 0, JsonObject{}});
    if (!entries.empty()) nodes.emplace_back(std::move(entries));
    return JsonObject{
        {"class_name", kind}, {"name", name}, {"config", std::move(config)}, {"inbound_nodes", std::move(nodes)}};
}

JsonObject convolution(int filters, int kernel) {
    return {{"filters", filters},         {"kernel_size", JsonArray{kernel, kernel}},
            {"strides", JsonArray{1, 1}}, {"dilation_rate", JsonArray{1, 1}},
            {"padding", "same"},          {"activation", "linear"}};
}

Json weight(const char* name, JsonArray shape) {
    return JsonObject{{"name", name}, {"shape", std::move(shape)}, {"dtype", "float32"}};
}

// What a test starts from: input, 3x3 convolution, relu, sum with the input, twice as large, 3x3 convolution.
struct Model {
    JsonArray layers{
        layer("InputLayer", "in", {}, {}),
        layer("Conv2D", "first", convolution(3, 3), {"in"}),
        layer("Activation", "relu", {{"activation", "relu"}}, {"first"}),
        layer("Add", "sum", {}, {"relu", "in"}),
        layer("UpSampling2D", "up", {{"size", JsonArray{2, 2}}, {"interpolation", "nearest"}}, {"sum"}),
        layer("Conv2D", "last", convolution(3, 3), {"up"}),
    };
    JsonArray weights{weight("first/kernel", {3, 3, 3, 3}), weight("first/bias", {3}),
                      weight("last/kernel", {3, 3, 3, 3}), weight("last/bias", {3})};
    std::vector<float> numbers = std::vector<float>(2 * (81 + 3));

    std::string json() const {
        const Json output = JsonArray{"last", 0, 0};
        const JsonObject config{{"layers", layers}, {"output_layers", JsonArray(1, output)}};
        const JsonObject topology{{"model_config", JsonObject{{"config", config}}}};
        return codec::dump_json(
            JsonObject{{"modelTopology", topology}, {"weightsManifest", JsonArray{JsonObject{{"weights", weights}}}}});
    }
    Bytes bytes() const {
        Bytes out(numbers.size() * sizeof(float));
        std::memcpy(out.data(), numbers.data(), out.size());
        return out;
    }
    Result<Network> make() const { return Network::make(json(), bytes()); }
    std::string complaint() const {
        const Result<Network> made = make();
        return made ? "" : made.error().message;
    }
};

Picture noise(const Size& size) {
    Picture picture = blank(size);
    std::uint32_t state = 1;
    for (std::uint8_t& value : picture.pixels) {
        state = state * 1664525U + 1013904223U;
        value = static_cast<std::uint8_t>(state >> 24U);
    }
    return picture;
}

TEST(Network, ThatPassesOnIsTheNearestNeighbour) {
    Model model;
    // The middle of each kernel, from a channel to itself; the first convolution gives nothing.
    for (std::size_t channel = 0; channel < 3; ++channel) model.numbers[84 + 4 * 9 + channel * 3 + channel] = 1;
    const Picture small = noise({.width = 5, .height = 3});
    const Picture large = model.make()->enlarge(small).value();
    ASSERT_EQ(large.size, (Size{.width = 10, .height = 6}));
    for (std::uint32_t y = 0; y < 6; ++y) {
        for (std::uint32_t x = 0; x < 10; ++x) {
            for (std::size_t c = 0; c < 3; ++c) EXPECT_EQ(pixel_at(large, x, y)[c], pixel_at(small, x / 2, y / 2)[c]);
        }
    }
}

TEST(Network, ConvolvesAsTheSumOverTheKernelWithZerosOutside) {
    Model model;
    for (std::size_t at = 0; at < 81; ++at) model.numbers[at] = 0.01F * static_cast<float>(at % 7);
    model.numbers[81] = -200;
    for (std::size_t channel = 0; channel < 3; ++channel) model.numbers[84 + 4 * 9 + channel * 3 + channel] = 0.5F;
    const Picture in = noise({.width = 4, .height = 4});
    const Picture out = model.make()->enlarge(in).value();
    for (std::uint32_t y = 0; y < 4; ++y) {
        for (std::uint32_t x = 0; x < 4; ++x) {
            for (std::size_t to = 0; to < 3; ++to) {
                double sum = model.numbers[81 + to];
                for (std::size_t place = 0; place < 9; ++place) {
                    const std::int64_t px = std::int64_t{x} + static_cast<std::int64_t>(place % 3) - 1;
                    const std::int64_t py = std::int64_t{y} + static_cast<std::int64_t>(place / 3) - 1;
                    if (px < 0 || py < 0 || px > 3 || py > 3) continue;
                    const Pixel pixel = pixel_at(in, static_cast<std::uint32_t>(px), static_cast<std::uint32_t>(py));
                    for (std::size_t from = 0; from < 3; ++from) {
                        sum += static_cast<double>(model.numbers[place * 9 + from * 3 + to]) * pixel[from];
                    }
                }
                const double wanted = 0.5 * (std::max(sum, 0.0) + pixel_at(in, x, y)[to]);
                EXPECT_NEAR(pixel_at(out, 2 * x, 2 * y)[to], std::min(wanted, 255.0), 0.51);
            }
        }
    }
}

TEST(Network, GivesTheSamePixelsWhereverItsSquaresLie) {
    Model model;
    for (std::size_t at = 0; at < model.numbers.size(); ++at) model.numbers[at] = 0.013F * static_cast<float>(at % 11);
    const Network network = model.make().value();
    const Picture wide = noise({.width = 80, .height = 6});
    const Picture whole = network.enlarge(wide).value();
    // Far from where it was cut, a part is enlarged to the same pixels.
    const Picture part = network.enlarge(cut(wide, {.left = 37, .top = 0, .right = 80, .bottom = 6})).value();
    const Rect inner{.left = 10, .top = 0, .right = 86, .bottom = 12};
    EXPECT_EQ(cut(part, inner), cut(whole, {.left = 84, .top = 0, .right = 160, .bottom = 12}));
}

TEST(Network, IsRefusedWithTheLayerAndField) {
    Model model;
    EXPECT_EQ(model.complaint(), "");
    model.layers[1] = layer("Conv2D", "first", convolution(3, 4), {"in"});
    EXPECT_EQ(model.complaint(), "layer 'first': kernel_size must be an odd square of up to 15");
    model.layers[1] = layer("Lambda", "first", {}, {"in"});
    EXPECT_EQ(model.complaint(), "layer 'first': class_name 'Lambda' is not known");
    model.layers[1] = layer("Conv2D", "first", convolution(3, 3), {"later"});
    EXPECT_EQ(model.complaint(), "layer 'first': inbound_nodes names no layer that comes before");
    model.layers[1] = layer("Conv2D", "first", convolution(2, 3), {"in"});
    EXPECT_EQ(model.complaint(), "weight 'first/kernel': has shape 3x3x3x3; its layer needs 3x3x3x2");
    model.numbers.resize(100);
    EXPECT_EQ(model.complaint(),
              "weight 'last/kernel': needs 81 numbers at byte 336; the file of weights has 400 bytes");
    EXPECT_FALSE(Network::make("{}", {}));
    EXPECT_FALSE(Network::make("", {}));
}

}  // namespace
}  // namespace vcity::studio
