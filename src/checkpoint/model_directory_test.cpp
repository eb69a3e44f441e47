// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/model_directory.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "checkpoint/testing/tiny_model.hpp"

namespace vcity::checkpoint {
namespace {

using testing::TemporaryFolder;
using testing::write_tiny_model;

TEST(ModelDirectory, OpensAModel) {
    const TemporaryFolder folder{"open"};
    write_tiny_model(folder.path(), {.dtype = DType::kBfloat16, .tied = true});

    const auto model = ModelDirectory::open(folder.path());

    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ(model->tensors().size(), 2U + 2U * 9U);
    EXPECT_EQ(model->prompt_rules().chat, ChatForm::kTurnTokens);
    EXPECT_TRUE(model->is_end_token(2));
    EXPECT_FALSE(model->is_end_token(3));
}

TEST(ModelDirectory, OpensShards) {
    const TemporaryFolder whole{"whole"};
    const TemporaryFolder parts{"parts"};
    write_tiny_model(whole.path());
    write_tiny_model(parts.path(), {.sharded = true});

    const auto a = ModelDirectory::open(whole.path());
    const auto b = ModelDirectory::open(parts.path());

    ASSERT_TRUE(a);
    ASSERT_TRUE(b) << b.error().message;
    ASSERT_EQ(a->tensors().size(), b->tensors().size());
    for (const auto& [name, tensor] : a->tensors()) {
        EXPECT_TRUE(std::ranges::equal(tensor.bytes, b->tensors().at(name).bytes)) << name;
    }
}

TEST(ModelDirectory, NamesWhatIsWrong) {
    const auto message_after = [](const std::string& file, const std::string& content) {
        const TemporaryFolder folder{"wrong"};
        write_tiny_model(folder.path());
        if (content.empty()) {
            std::filesystem::remove(folder.path() / file);
        } else {
            testing::write_file(folder.path() / file, as_bytes(content));
        }
        const auto model = ModelDirectory::open(folder.path());
        return model ? "none" : model.error().message;
    };

    EXPECT_NE(message_after("model.safetensors", "").find("no model.safetensors"), std::string::npos);
    EXPECT_NE(message_after("model.safetensors", "short").find("shorter"), std::string::npos);
    EXPECT_NE(message_after("config.json", "").find("config.json"), std::string::npos);
    EXPECT_NE(message_after("config.json", "{").find("config.json"), std::string::npos);
    EXPECT_NE(message_after("tokenizer.model", "").find("tokenizer.json"), std::string::npos);
    EXPECT_NE(message_after("tokenizer_config.json", "{\"chat_template\": \"?\"}").find("chat_template"),
              std::string::npos);
}

TEST(ModelDirectory, RefusesTruncatedWeights) {
    const TemporaryFolder folder{"cut"};
    write_tiny_model(folder.path());
    const auto path = folder.path() / "model.safetensors";
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 10);

    const auto model = ModelDirectory::open(folder.path());

    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, Errc::kCorrupt);
    EXPECT_NE(model.error().message.find("truncated"), std::string::npos) << model.error().message;
}

TEST(CheckTensors, ComparesWithTheConfiguration) {
    const ModelConfig config = *parse_model_config(testing::tiny_config({}));
    TensorMap tensors;
    for (const auto& [name, shape] : expected_tensors(config)) tensors[name].shape = shape;
    ASSERT_TRUE(check_tensors(config, tensors));

    TensorMap missing = tensors;
    missing.erase("model.norm.weight");
    TensorMap wrong = tensors;
    wrong["model.layers.1.mlp.up_proj.weight"].shape = {32, 48};
    TensorMap more = tensors;
    more["hidden.weight"].shape = {1};

    EXPECT_NE(check_tensors(config, missing).error().message.find("model.norm.weight is missing"), std::string::npos);
    EXPECT_NE(check_tensors(config, wrong).error().message.find("[48, 32]"), std::string::npos);
    EXPECT_NE(check_tensors(config, more).error().message.find("hidden.weight"), std::string::npos);
}

}  // namespace
}  // namespace vcity::checkpoint
