// SPDX-License-Identifier: Apache-2.0
#include "tuning/shelf.hpp"

#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include "checkpoint/model_directory.hpp"
#include "checkpoint/testing/tiny_model.hpp"
#include "tuning/finetune.hpp"
#include "tuning/lora.hpp"

namespace vcity::worker {
namespace {

namespace fs = std::filesystem;

JobId job(std::uint8_t number) {
    JobId id;
    id.bytes[0] = number;
    return id;
}

// A tiny model and two adapters that change what it says.
class ShelfTest : public testing::Test {
  protected:
    ShelfTest() {
        checkpoint::testing::write_tiny_model(model_.path());
        write_adapter("one", 1);
        write_adapter("two", 2);
    }

    fs::path adapter(const std::string& name) const { return adapters_.path() / name; }

    void write_adapter(const std::string& name, std::uint64_t seed) const {
        const auto model = checkpoint::ModelDirectory::open(model_.path());
        const Dims dims{model->config()};
        const LoraConfig config{.rank = 2, .alpha = 16, .targets = {"q_proj", "v_proj", "down_proj"}};
        LoraAdapter made = LoraAdapter::fresh(config, dims, seed);
        for (LoraPair& pair : made.pairs()) {
            pair.b = torch::linspace(-1, 1, pair.b.numel()).view(pair.b.sizes()) * static_cast<double>(seed);
        }
        fs::create_directories(adapter(name));
        ASSERT_TRUE(made.save(adapter(name), "tiny"));
    }

    Result<Shelf> load(const std::vector<AdapterSource>& adapters) const {
        return Shelf::load(model_.path(), {.model_name = "tiny"}, adapters);
    }
    Result<Shelf> load_both() const { return load({{"one", adapter("one")}, {"two", adapter("two")}}); }

    static WorkerGenerate request(const std::string& model, std::uint8_t number) {
        WorkerGenerate message;
        message.job_id = job(number);
        message.request.model = model;
        message.request.prompt = "abc";
        message.request.output_tokens_max = 6;
        message.request.sampling.temperature = 0;
        return message;
    }
    // What became of each of them, all together.
    struct Outcome {
        std::string text;
        Hash root;
        Errc error = Errc::kInternal;
        bool is_done = false;
    };
    static std::map<JobId, Outcome> run(Shelf* shelf, const std::vector<WorkerGenerate>& requests) {
        WorkerMessages out;
        for (const WorkerGenerate& one : requests) shelf->generate(one, &out);
        while (shelf->busy()) shelf->step(&out);
        std::map<JobId, Outcome> outcomes;
        for (const WorkerMessage& message : out) {
            if (const auto* token = std::get_if<WorkerToken>(&message)) outcomes[token->job_id].text += token->text;
            if (const auto* error = std::get_if<WorkerError>(&message)) outcomes[error->job_id].error = error->code;
            if (const auto* done = std::get_if<WorkerDone>(&message)) {
                outcomes[done->job_id].is_done = true;
                outcomes[done->job_id].root = done->verification_root;
            }
        }
        return outcomes;
    }
    std::string refusal_of(const std::string& name) const {
        const Result<Shelf> shelf = load({{"x", adapter(name)}});
        return shelf ? "none" : shelf.error().message;
    }

    checkpoint::testing::TemporaryFolder model_{"shelf"};
    checkpoint::testing::TemporaryFolder adapters_{"shelf-adapters"};
};

TEST_F(ShelfTest, ServesAModelAndItsAdaptersTogether) {
    Result<Shelf> shelf = load_both();
    ASSERT_TRUE(shelf) << shelf.error().message;
    auto together = run(&*shelf, {request("tiny", 1), request("one", 2), request("two", 3), request("tiny", 4)});
    ASSERT_EQ(together.size(), 4U);
    for (const auto& [id, outcome] : together) EXPECT_TRUE(outcome.is_done);
    EXPECT_NE(together[job(2)].root, together[job(3)].root);

    Result<Shelf> plain = load({});
    ASSERT_TRUE(plain);
    auto alone = run(&*plain, {request("tiny", 1), request("tiny", 4)});
    EXPECT_EQ(alone[job(1)].text, together[job(1)].text) << "adapters do not change the model beside them";
    EXPECT_EQ(alone[job(1)].root, together[job(1)].root);
    EXPECT_EQ(shelf->ready().weights_root, plain->ready().weights_root);
}

TEST_F(ShelfTest, AnAdapterSaysWhatTheMergedModelSays) {
    checkpoint::testing::TemporaryFolder merged{"shelf-merged"};
    const Result<void> written = merge_adapter(model_.path(), adapter("one"), merged.path());
    ASSERT_TRUE(written) << written.error().message;
    Result<Shelf> shelf = load_both();
    Result<Shelf> whole = Shelf::load(merged.path(), {.model_name = "merged"}, {});
    ASSERT_TRUE(shelf && whole);
    auto beside = run(&*shelf, {request("one", 1), request("tiny", 2)});
    auto inside = run(&*whole, {request("merged", 1)});
    EXPECT_EQ(beside[job(1)].text, inside[job(1)].text);
    EXPECT_NE(beside[job(1)].text, beside[job(2)].text) << "the adapter must change something";
}

TEST_F(ShelfTest, JobsAreFoundWhereverTheyRun) {
    Result<Shelf> shelf = load_both();
    ASSERT_TRUE(shelf);
    WorkerMessages out;
    shelf->generate(request("two", 1), &out);
    shelf->generate(request("tiny", 1), &out);
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(std::get<WorkerError>(out[0]).code, Errc::kConflict);
    out.clear();
    shelf->cancel(job(1), &out);
    EXPECT_FALSE(shelf->busy());
    ASSERT_FALSE(out.empty());
    EXPECT_EQ(std::get<WorkerDone>(out.back()).reason, FinishReason::kCancelled);
    shelf->drop(job(1), &out);
    shelf->cancel(job(9), &out);
}

TEST_F(ShelfTest, ANameThatNobodyHasIsRefused) {
    Result<Shelf> shelf = load_both();
    ASSERT_TRUE(shelf);
    EXPECT_EQ(run(&*shelf, {request("three", 1)})[job(1)].error, Errc::kNotFound);
    EXPECT_FALSE(load({{"one", adapter("one")}, {"one", adapter("two")}}));
    EXPECT_FALSE(load({{"tiny", adapter("one")}}));
    EXPECT_FALSE(load({{"", adapter("one")}}));
}

TEST_F(ShelfTest, ABadAdapterIsNamedWithItsFileAndWhatIsWrong) {
    EXPECT_NE(refusal_of("nowhere").find("adapter_config.json"), std::string::npos) << refusal_of("nowhere");
    const fs::path weights = adapter("one") / "adapter_model.safetensors";
    fs::resize_file(weights, fs::file_size(weights) - 8);
    EXPECT_NE(refusal_of("one").find("adapter_model.safetensors"), std::string::npos) << refusal_of("one");
    std::ofstream{adapter("two") / "adapter_config.json"} << R"({"peft_type":"IA3"})";
    EXPECT_NE(refusal_of("two").find("peft_type"), std::string::npos) << refusal_of("two");
}

}  // namespace
}  // namespace vcity::worker
