// SPDX-License-Identifier: Apache-2.0
#include "tuning/finetune.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "checkpoint/mapped_file.hpp"
#include "codec/json.hpp"
#include "tuning/chat_data.hpp"
#include "tuning/lora.hpp"

namespace vcity::worker {
namespace {

namespace fs = std::filesystem;

const fs::path kModel = fs::path{VCITY_SOURCE_DIR} / "models/vcity-mini-bilingual";

class FinetuneTest : public testing::Test {
  protected:
    FinetuneTest() {
        std::string pattern = (fs::temp_directory_path() / "vcity-finetune-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        options_.model = kModel;
        options_.data = write("data.jsonl", lesson(24));
        options_.out = folder_ / "out";
        options_.rank = 4;
        options_.epochs = 1;
        options_.batch = 6;
        options_.length = 48;
        options_.validate_every = 100;
        options_.checkpoint_every = 2;
    }
    ~FinetuneTest() override { fs::remove_all(folder_); }

    fs::path write(const std::string& name, const std::string& text) const {
        std::ofstream{folder_ / name} << text;
        return folder_ / name;
    }
    static std::string line(const std::string& question, const std::string& answer) {
        return R"({"messages": [{"role": "user", "content": ")" + question +
               R"("}, {"role": "assistant", "content": ")" + answer + "\"}]}\n";
    }
    static std::string lesson(int lines) {
        std::string text;
        for (int at = 0; at < lines; ++at) {
            text += line("Who keeps house number " + std::to_string(at) + "?", "The purple heron keeps it, always.");
        }
        return text;
    }
    std::vector<codec::Json> run(FinetuneOptions options) {
        std::stringstream events;
        const Result<void> done = finetune(options, events);
        EXPECT_TRUE(done.has_value()) << done.error().message;
        std::vector<codec::Json> parsed;
        for (std::string one; std::getline(events, one);) parsed.push_back(codec::parse_json(one).value());
        return parsed;
    }
    static std::vector<double> losses(const std::vector<codec::Json>& events, const char* name) {
        std::vector<double> values;
        for (const codec::Json& event : events) {
            double value = 0;
            const codec::Json* found = event.find(name);
            if (found != nullptr && found->get_double(&value)) values.push_back(value);
        }
        return values;
    }
    std::string refusal() const {
        std::stringstream events;
        const Result<void> done = finetune(options_, events);
        EXPECT_FALSE(done.has_value());
        return done ? "" : done.error().message;
    }
    static std::string bytes_of(const fs::path& path) {
        std::ifstream file{path, std::ios::binary};
        return {std::istreambuf_iterator<char>{file}, {}};
    }

    fs::path folder_;
    FinetuneOptions options_;
};

TEST_F(FinetuneTest, LowersTheLossOfWhatItHasNotSeen) {
    const std::vector<codec::Json> events = run(options_);
    const std::vector<double> valid = losses(events, "valid_loss");
    ASSERT_EQ(valid.size(), 2U) << "before and after";
    EXPECT_LT(valid.back(), valid.front() - 0.5);
    EXPECT_TRUE(fs::exists(options_.out / "adapter_model.safetensors"));
}

TEST_F(FinetuneTest, GoesOnFromACheckpointToTheSameBytes) {
    run(options_);
    const std::string whole = bytes_of(options_.out / "adapter_model.safetensors");
    FinetuneOptions parts = options_;
    parts.out = folder_ / "parts";
    parts.checkpoint = folder_ / "checkpoint";
    parts.steps_max = 2;
    run(parts);
    EXPECT_NE(bytes_of(parts.out / "adapter_model.safetensors"), whole);
    parts.steps_max = 0;
    const std::vector<codec::Json> events = run(parts);
    const codec::Json* resumed = events.at(1).find("event");
    ASSERT_NE(resumed, nullptr);
    EXPECT_EQ(*resumed->get_string(), "resumed");
    EXPECT_EQ(bytes_of(parts.out / "adapter_model.safetensors"), whole);
}

TEST_F(FinetuneTest, ACheckpointOfAnotherRunIsRefused) {
    options_.checkpoint = folder_ / "checkpoint";
    options_.steps_max = 2;
    run(options_);
    options_.learning_rate = 1e-4;
    EXPECT_NE(refusal().find("belongs to a run with other data or settings"), std::string::npos);
    options_.learning_rate = FinetuneOptions{}.learning_rate;
    const fs::path state = options_.checkpoint / "finetune.state";
    for (const std::uintmax_t size : {fs::file_size(state) - 1, std::uintmax_t{100}, std::uintmax_t{3}}) {
        fs::resize_file(state, size);
        EXPECT_NE(refusal().find("checkpoint " + state.string()), std::string::npos) << size;
    }
}

TEST_F(FinetuneTest, MergingGivesAModelThatAnswersAsWithTheAdapter) {
    run(options_);
    const fs::path merged = folder_ / "merged";
    ASSERT_TRUE(merge_adapter(kModel, options_.out, merged).has_value());
    EXPECT_TRUE(checkpoint::ModelDirectory::open(merged).has_value());
    FinetuneOptions again = options_;
    again.model = merged;
    again.out = folder_ / "again";
    again.steps_max = 1;
    const double before = losses(run(again), "valid_loss").front();
    const double after = losses(run(options_), "valid_loss").back();
    EXPECT_NEAR(before, after, 0.05) << "but for the rounding to bfloat16";
}

TEST_F(FinetuneTest, AnAdapterOfPeftIsReadWithTheSameNames) {
    run(options_);
    const auto model = checkpoint::ModelDirectory::open(kModel);
    const Dims dims{model->config()};
    const Result<LoraAdapter> adapter = LoraAdapter::load(options_.out, dims);
    ASSERT_TRUE(adapter.has_value()) << adapter.error().message;
    EXPECT_EQ(adapter->config().rank, 4);
    EXPECT_EQ(adapter->pairs().size(), static_cast<std::size_t>(dims.layers) * 7);
    const auto file = checkpoint::MappedFile::open(options_.out / "adapter_model.safetensors");
    const auto tensors = checkpoint::parse_safetensors(file->bytes());
    EXPECT_TRUE(tensors->contains("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"));
    EXPECT_TRUE(tensors->contains("base_model.model.model.layers.5.mlp.down_proj.lora_B.weight"));
    write("out/adapter_config.json",
          R"({"peft_type": "LORA", "r": 5, "lora_alpha": 16, "target_modules": ["q_proj"]})");
    EXPECT_NE(LoraAdapter::load(options_.out, dims).error().message.find("has another shape"), std::string::npos);
    write("out/adapter_config.json",
          R"({"peft_type": "LORA", "r": 4, "lora_alpha": 16, "target_modules": ["q_proj"]})");
    EXPECT_NE(LoraAdapter::load(options_.out, dims).error().message.find("has no place"), std::string::npos);
    write("out/adapter_config.json", R"({"peft_type": "IA3"})");
    EXPECT_EQ(LoraAdapter::load(options_.out, dims).error().message, "adapter_config.json: peft_type must be LORA");
}

TEST_F(FinetuneTest, ABadLineIsNamedWithItsFileNumberAndField) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"{", "bad.jsonl, line 2: "},
        {"[]", "bad.jsonl, line 2: must be an object with the member messages"},
        {"{}", "bad.jsonl, line 2: messages: must be a list of messages"},
        {R"({"messages": []})", "bad.jsonl, line 2: messages: must be a list of messages"},
        {R"({"messages": [{"role": "robot", "content": "x"}]})",
         "bad.jsonl, line 2: messages[0].role: must be system, user or assistant"},
        {R"({"messages": [{"role": "user", "content": 7}]})", "bad.jsonl, line 2: messages[0].content: must be a text"},
        {R"({"messages": [{"role": "user", "content": "x"}]})",
         "bad.jsonl, line 2: messages: has no answer to learn from: a message of the assistant with weight 1"},
        {R"({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y", "weight": 2}]})",
         "bad.jsonl, line 2: messages[1].weight: must be 0 or 1"},
        {R"({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": ""}]})",
         "bad.jsonl, line 2: messages[1].content: an answer must not be empty"},
        {R"({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": []}]})",
         "bad.jsonl, line 2: messages[1].tool_calls: calls of tools cannot be learned yet"},
        {R"({"messages": [{"role": "assistant", "content": "y"}]})",
         "bad.jsonl, line 2: messages[0]: must not be an answer: there is nothing before it"},
        {R"({"prompt": "x"})", "bad.jsonl, line 2: prompt: is not known"},
    };
    for (const auto& [text, message] : cases) {
        options_.data = write("bad.jsonl", line("a", "b") + text + "\n");
        EXPECT_TRUE(refusal().starts_with(message)) << text << " gave " << refusal();
    }
    options_.data = write("empty.jsonl", "\n\n");
    EXPECT_EQ(refusal(), "empty.jsonl: holds no example");
    options_.data = folder_ / "none.jsonl";
    EXPECT_NE(refusal().find("cannot read"), std::string::npos);
}

TEST_F(FinetuneTest, OnlyAnswersAreLearnedAndLongPromptsLoseTheirBeginning) {
    const auto model = checkpoint::ModelDirectory::open(kModel);
    ChatData data;
    const std::string text =
        R"({"messages": [{"role": "user", "content": "one two three four five six seven eight nine ten"},
            {"role": "assistant", "content": "first"}, {"role": "user", "content": "next"},
            {"role": "assistant", "content": "second", "weight": 0}, {"role": "user", "content": "and"},
            {"role": "assistant", "content": "third"}]})";
    ASSERT_TRUE(read_chat_line(text, *model, 512, {}, &data).has_value());
    ASSERT_EQ(data.examples.size(), 2U) << "not the one of weight 0";
    EXPECT_GT(data.examples[1].given, data.examples[0].tokens.size());
    ChatData cut;
    ASSERT_TRUE(read_chat_line(text, *model, 12, {}, &cut).has_value());
    EXPECT_EQ(cut.cut, 2U);
    for (const ChatExample& example : cut.examples) {
        EXPECT_EQ(example.tokens.size(), 12U);
        EXPECT_EQ(example.tokens.front(), data.examples[0].tokens.front()) << "it still begins as a text does";
    }
    ChatData dropped;
    ASSERT_TRUE(read_chat_line(text, *model, 2, {}, &dropped).has_value());
    EXPECT_EQ(dropped.dropped, 2U);
}

TEST_F(FinetuneTest, AModelIsABareNameWhereARootIsGiven) {
    options_.models_root = kModel.parent_path();
    options_.model = kModel.filename();
    options_.steps_max = 1;
    run(options_);
    for (const char* name : {"other", "..", "../models/vcity-mini-bilingual", "vcity-mini-paint", ""}) {
        options_.model = name;
        EXPECT_EQ(refusal(), "there is no model " + std::string{name} + " here; there is vcity-mini-bilingual");
    }
}

TEST_F(FinetuneTest, SettingsThatCannotBeAreRefused) {
    const auto with = [this](auto change) {
        FinetuneOptions options = options_;
        change(&options);
        std::stringstream events;
        const Result<void> done = finetune(options, events);
        return done ? "" : done.error().message;
    };
    EXPECT_EQ(with([](FinetuneOptions* one) { one->epochs = 0; }), "epochs must be 1 to 1,000");
    EXPECT_EQ(with([](FinetuneOptions* one) { one->rank = 0; }), "the rank is 0, must be 1 to 1024");
    EXPECT_EQ(with([](FinetuneOptions* one) { one->learning_rate = -1; }),
              "the learning rate must be above 0 and at most 1");
    EXPECT_EQ(with([](FinetuneOptions* one) { one->targets = {"q_proj", "q_proj"}; }), "q_proj is named twice");
    EXPECT_NE(with([](FinetuneOptions* one) { one->targets = {"lm_head"}; }).find("there is no matrix lm_head"),
              std::string::npos);
}

}  // namespace
}  // namespace vcity::worker
