// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/finetune/finetune_request.hpp"

#include <gtest/gtest.h>

#include "services/gateway/finetune/finetune_progress.hpp"
#include "services/gateway/work/work_request.hpp"

namespace vcity::gateway {
namespace {

ApiResult<FinetuneRequest> parse(const std::string& text) {
    const Result<codec::Json> json = codec::parse_json(text);
    EXPECT_TRUE(json) << text;
    return parse_finetune_request(json.value_or(codec::Json{}));
}

std::string param_of(const std::string& text) {
    const ApiResult<FinetuneRequest> request = parse(text);
    return request ? "none" : request.error().param;
}

ApiResult<InputFile> any_file(const std::string& id, const std::string& /*path*/) {
    InputFile file;
    file.sha256.bytes.fill(7);
    file.bytes = id.size();
    return file;
}

ApiResult<WorkRequest> order_of(const std::string& text) {
    ApiResult<FinetuneRequest> request = parse(text);
    EXPECT_TRUE(request);
    if (request->budget.micro == 0) request->budget = Usd{5'000'000};
    return parse_work_request(finetune_order(*request), any_file);
}

constexpr const char* kLeast = R"({"model":"mini","training_file":"file-1"})";

TEST(FinetuneRequest, TheLeastRequestBecomesAnOrderThatJobsTake) {
    const ApiResult<WorkRequest> order = order_of(kLeast);
    ASSERT_TRUE(order) << order.error().message;
    ASSERT_EQ(order->spec.groups.size(), 1U);
    const StepGroup& group = order->spec.groups[0];
    EXPECT_EQ(group.setup.program, "finetune");
    EXPECT_TRUE(group.setup.keeps_files);
    EXPECT_EQ(group.setup.checkpoint_seconds, 60U);
    EXPECT_EQ(group.inputs.size(), 1U);
    EXPECT_EQ(group.inputs[0].name, "train.jsonl");
    const std::vector<std::string> expected{"--model",         "mini",     "--data",       "/job/train.jsonl",
                                            "--out",           "/job/out", "--checkpoint", "/job/checkpoint",
                                            "--epochs",        "3",        "--batch",      "8",
                                            "--learning-rate", "0.002",    "--rank",       "8",
                                            "--alpha",         "16",       "--seed",       "1"};
    EXPECT_EQ(group.command, expected);
}

TEST(FinetuneRequest, EverythingThatIsAskedReachesTheCommand) {
    const ApiResult<WorkRequest> order = order_of(
        R"({"model":"vcity/m.1","training_file":"file-1","validation_file":"file-2","suffix":"mine","seed":7,"rank":4,
            "alpha":8,"budget":"1.5","seconds_max":60,"deadline_minutes":9,"resources":{"cpus":0.5},
            "metadata":{"a":"b"},
            "method":{"type":"supervised","supervised":{"hyperparameters":
              {"n_epochs":2,"batch_size":"auto","learning_rate_multiplier":0.5}}}})");
    ASSERT_TRUE(order) << order.error().message;
    const StepGroup& group = order->spec.groups[0];
    EXPECT_EQ(order->budget, Usd{1'500'000});
    EXPECT_EQ(order->deadline_minutes, 9U);
    EXPECT_EQ(group.seconds_max, 60U);
    EXPECT_EQ(group.ask.cpu_milli, 500U);
    EXPECT_EQ(group.inputs.size(), 2U);
    std::string words;
    for (const std::string& word : group.command) words += word + " ";
    for (const char* part : {"--model m.1 ", "--epochs 2 ", "--batch 8 ", "--learning-rate 0.001 ", "--rank 4 ",
                             "--alpha 8 ", "--seed 7 ", "--validation /job/valid.jsonl "}) {
        EXPECT_NE(words.find(part), std::string::npos) << part << " in " << words;
    }
}

TEST(FinetuneRequest, RefusalsNameTheField) {
    const auto with = [](const std::string& fields) {
        return R"({"model":"mini","training_file":"file-1",)" + fields + "}";
    };
    EXPECT_EQ(param_of(R"({"training_file":"file-1"})"), "model");
    EXPECT_EQ(param_of(R"({"model":"mini"})"), "training_file");
    EXPECT_EQ(param_of(R"({"model":"../etc","training_file":"file-1"})"), "model");
    EXPECT_EQ(param_of(R"({"model":"a/b/c","training_file":"file-1"})"), "model");
    EXPECT_EQ(param_of(R"({"model":"/b","training_file":"file-1"})"), "model");
    EXPECT_EQ(param_of(R"({"model":"a/","training_file":"file-1"})"), "model");
    EXPECT_EQ(param_of(R"({"model":"-x","training_file":"file-1"})"), "model");
    EXPECT_EQ(param_of(with(R"("suffix":"a b")")), "suffix");
    EXPECT_EQ(param_of(with(R"("seed":-1)")), "seed");
    EXPECT_EQ(param_of(with(R"("hyperparameters":{"n_epochs":0})")), "hyperparameters.n_epochs");
    EXPECT_EQ(param_of(with(R"("hyperparameters":{"learning_rate_multiplier":0})")),
              "hyperparameters.learning_rate_multiplier");
    EXPECT_EQ(param_of(with(R"("method":{"type":"dpo"})")), "method.type");
    EXPECT_EQ(param_of(with(R"("method":{"type":"supervised","supervised":{"hyperparameters":{"batch_size":"big"}}})")),
              "method.supervised.hyperparameters.batch_size");
    EXPECT_EQ(param_of(with(R"("integrations":[{"type":"wandb"}])")), "integrations");
    EXPECT_EQ(param_of(with(R"("metadata":{"a":1})")), "metadata");
    EXPECT_EQ(param_of(with(R"("budget":0)")), "budget");
    EXPECT_EQ(param_of(with(R"("resources":[])")), "resources");
    EXPECT_EQ(param_of(with(R"("moon":1)")), "moon");
    EXPECT_EQ(param_of(with(R"("integrations":null,"validation_file":null,"metadata":null)")), "none");
}

TEST(FinetuneProgress, EventsAreReadAndTheLastOtherLineIsTheComplaint) {
    const FinetuneProgress progress = parse_finetune_progress(
        "{\"event\":\"start\",\"examples\":90,\"held_out\":10,\"steps\":30,\"tokens_learned\":1234}\n"
        "warning: slow\n"
        "{\"event\":\"metrics\",\"step\":1,\"train_loss\":2.5}\n"
        "{\"event\":\"metrics\",\"step\":2,\"train_loss\":2,\"valid_loss\":2.25}\n"
        "{\"event\":\"checkpoint\",\"step\":2}\n"
        "vcity-worker: train.jsonl: line 3: messages is missing\n"
        "{\"event\":\"metrics\",\"step\":3");
    ASSERT_EQ(progress.events.size(), 4U);
    EXPECT_EQ(progress.events[0].examples, 90U);
    EXPECT_EQ(progress.events[0].tokens, 1234U);
    EXPECT_EQ(progress.complaint, "vcity-worker: train.jsonl: line 3: messages is missing");
    const FinetuneEvent* metrics = progress.metrics_at(2);
    ASSERT_NE(metrics, nullptr);
    EXPECT_EQ(metrics->valid_loss, 2.25);
    EXPECT_EQ(progress.metrics_at(0), nullptr);
}

TEST(FinetuneProgress, StrangeOutputGivesNoEvents) {
    for (const char* output : {"", "\n\n", "{}\n", "{\"event\":1}\n", "{\"event\":\"moon\"}\n", "[1]\n", "\xff\xfe\n",
                               "{\"event\":\"metrics\",\"step\":1"}) {
        EXPECT_TRUE(parse_finetune_progress(output).events.empty()) << output;
    }
    const FinetuneProgress wrong =
        parse_finetune_progress("{\"event\":\"metrics\",\"step\":-4,\"train_loss\":\"x\"}\n");
    ASSERT_EQ(wrong.events.size(), 1U);
    EXPECT_EQ(wrong.events[0].step, 0U);
    EXPECT_FALSE(wrong.events[0].train_loss);
}

}  // namespace
}  // namespace vcity::gateway
