// SPDX-License-Identifier: Apache-2.0
#include "diffusion/painter.hpp"

#include <filesystem>
#include <fstream>
#include <functional>

#include <gtest/gtest.h>
#include <unistd.h>

#include "checkpoint/mapped_file.hpp"
#include "diffusion/painter_parts.hpp"

namespace vcity::worker::diffusion {
namespace {

namespace fs = std::filesystem;

fs::path model_folder() {
    return fs::path{VCITY_SOURCE_DIR} / "models/vcity-mini-paint";
}

// What models/vcity-mini-paint/reference.py made with the same weights.
class Reference {
  public:
    Reference() : file_{checkpoint::MappedFile::open(model_folder() / "reference.safetensors").value()} {
        tensors_ = checkpoint::parse_safetensors(file_.bytes()).value();
    }
    torch::Tensor operator[](const char* name) const {
        const checkpoint::Tensor& stored = tensors_.find(name)->second;
        const std::vector<std::int64_t> shape(stored.shape.begin(), stored.shape.end());
        return torch::from_blob(const_cast<std::uint8_t*>(stored.bytes.data()), shape, torch::kFloat32).clone();
    }

  private:
    checkpoint::MappedFile file_;
    checkpoint::TensorMap tensors_;
};

double distance(const torch::Tensor& left, const torch::Tensor& right) {
    return left.sizes() == right.sizes() ? (left - right).abs().max().item<double>() : 1e9;
}

class PainterTest : public ::testing::Test {
  public:
    static void SetUpTestSuite() { torch::set_num_threads(1); }
    static const Painter& painter() {
        static const Painter opened = Painter::open(model_folder(), "cpu").value();
        return opened;
    }
    static const auto& parts() { return PainterProbe::parts(painter()); }

    torch::NoGradGuard no_grad;
    Reference reference;
    PaintRequest request{.prompt = "a red circle on a blue background", .seed = 7, .steps = 4, .guidance = 3};
};

TEST_F(PainterTest, TheNoiseIsThatOfTheReference) {
    EXPECT_LT(distance(parts().noise(request.seed), reference["noise"]), 1e-6);
}

TEST_F(PainterTest, TheTextBecomesTheVectorsOfTheReference) {
    EXPECT_LT(distance(parts().encode(request.prompt).value(), reference["context"]), 1e-4);
}

TEST_F(PainterTest, TheNetworkSaysWhatTheReferenceSays) {
    const torch::Tensor noise = reference["noise"];
    const torch::Tensor context = torch::cat({parts().encode("").value(), reference["context"]});
    const torch::Tensor said = parts().unet.predict(torch::cat({noise, noise}), 501, context);
    EXPECT_LT(distance(said, reference["said"]), 1e-3);
}

TEST_F(PainterTest, TheStepsEndWhereThoseOfTheReferenceDo) {
    const torch::Tensor context = torch::cat({parts().encode("").value(), reference["context"]});
    const torch::Tensor latents = parts().sample(reference["noise"], context, request).value();
    EXPECT_LT(distance(latents, reference["latents"]), 1e-2);
}

TEST_F(PainterTest, TheDecoderPaintsThePictureOfTheReference) {
    EXPECT_LT(distance(parts().decoder.decode(reference["latents"]), reference["picture"]), 1e-3);
}

// The mean colour of a square of pixels around a place.
std::array<double, 3> color_around(const PaintedImage& image, std::uint32_t x, std::uint32_t y) {
    constexpr std::uint32_t kReach = 2;
    std::array<double, 3> sum{};
    for (std::uint32_t row = y - kReach; row <= y + kReach; ++row) {
        for (std::uint32_t column = x - kReach; column <= x + kReach; ++column) {
            for (std::size_t color = 0; color < 3; ++color) {
                sum[color] += image.pixels[3 * (std::size_t{row} * image.width + column) + color] / 25.0;
            }
        }
    }
    return sum;
}

TEST_F(PainterTest, APromptIsSeenInThePicture) {
    request.steps = 8;
    const PaintedImage image = painter().paint(request).value();
    ASSERT_EQ(image.width, 32U);
    ASSERT_EQ(image.pixels.size(), 3U * 32 * 32);
    const auto middle = color_around(image, 16, 16);
    EXPECT_GT(middle[0], middle[2] + 60) << "red in the middle";
    const auto corner = color_around(image, 3, 3);
    EXPECT_GT(corner[2], corner[0] + 60) << "blue at the edge";
}

TEST_F(PainterTest, WhatCannotBePaintedIsRefused) {
    request.steps = 0;
    EXPECT_EQ(painter().paint(request).error().code, Errc::kInvalid);
    request.steps = 1;
    request.prompt = "\xff";
    EXPECT_EQ(painter().paint(request).error().code, Errc::kInvalid);
}

// --- folders that are wrong

class WrongModel : public ::testing::Test {
  public:
    WrongModel() {
        fs::remove_all(folder);
        fs::copy(model_folder(), folder, fs::copy_options::recursive);
    }
    ~WrongModel() override { fs::remove_all(folder); }

    void change(const char* name, const std::function<void(std::string*)>& edit) const {
        std::string text = checkpoint::read_text_file(folder / name, 64U << 20U).value();
        edit(&text);
        std::ofstream{folder / name, std::ios::binary} << text;
    }
    void replace(const char* name, std::string_view from, std::string_view to) const {
        change(name, [&](std::string* text) { text->replace(text->find(from), from.size(), to); });
    }
    std::string reason() const {
        const Result<Painter> opened = Painter::open(folder, "cpu");
        return opened ? "opened" : opened.error().message;
    }

    fs::path folder = fs::temp_directory_path() / ("vcity-wrong-model-" + std::to_string(::getpid()));
};

TEST_F(WrongModel, NamesTheTensorOfAnotherShape) {
    replace("unet/config.json", "\"cross_attention_dim\": 64", "\"cross_attention_dim\": 72");
    EXPECT_EQ(reason(), "the tokenizer, text encoder, unet and vae do not fit each other");
    replace("unet/config.json", "\"cross_attention_dim\": 72", "\"cross_attention_dim\": 64");
    replace("unet/config.json", "\"layers_per_block\": 1", "\"layers_per_block\": 2");
    EXPECT_NE(
        reason().find("unet/diffusion_pytorch_model.safetensors: down_blocks.0.resnets.1.norm1.weight is missing"),
        std::string::npos)
        << reason();
}

TEST_F(WrongModel, NamesTheTensorThatIsLeftOver) {
    replace("text_encoder/config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
    EXPECT_NE(reason().find("text_model.encoder.layers.1."), std::string::npos) << reason();
    EXPECT_NE(reason().find("belongs to no part"), std::string::npos) << reason();
}

TEST_F(WrongModel, RefusesAFileThatIsCut) {
    change("vae/diffusion_pytorch_model.safetensors", [](std::string* text) { text->resize(text->size() / 2); });
    EXPECT_NE(reason().find("vae/diffusion_pytorch_model.safetensors"), std::string::npos) << reason();
    fs::remove(folder / "tokenizer/merges.txt");
    EXPECT_NE(reason().find("merges.txt"), std::string::npos) << reason();
}

}  // namespace
}  // namespace vcity::worker::diffusion
