// SPDX-License-Identifier: Apache-2.0
#include "logprobs.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include <gtest/gtest.h>

#include "checkpoint/testing/tiny_model.hpp"
#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "reference_decoder.hpp"

namespace vcity::worker {
namespace {

using checkpoint::testing::TemporaryFolder;
using codec::Json;

struct Loaded {
    checkpoint::ModelDirectory model;
    std::unique_ptr<LogprobReference> reference;
};
Loaded load() {
    const TemporaryFolder folder{"logprobs"};
    checkpoint::testing::write_tiny_model(folder.path(), {});
    auto model = checkpoint::ModelDirectory::open(folder.path());
    auto reference = LogprobReference::load(folder.path(), 1);
    EXPECT_TRUE(reference) << reference.error().message;
    return {.model = *std::move(model), .reference = *std::move(reference)};
}

std::string hex_of(const checkpoint::Tokenizer& tokenizer, std::uint32_t id) {
    const std::string_view bytes = tokenizer.token_bytes(id);
    return codec::to_hex(Bytes{bytes.begin(), bytes.end()});
}
std::string question(const std::string& tokens, const std::string& prompt = "ab") {
    return R"({"prompt":")" + prompt + R"(","tokens":[)" + tokens + "]}";
}
std::string token_named(const std::string& hex, const std::string& alternatives = "") {
    return R"({"bytes":")" + hex + R"(","alternatives":[)" + alternatives + "]}";
}
std::vector<double> log_softmax(const std::vector<double>& logits) {
    const double most = *std::ranges::max_element(logits);
    double sum = 0;
    for (const double logit : logits) sum += std::exp(logit - most);
    std::vector<double> logs;
    for (const double logit : logits) logs.push_back(logit - most - std::log(sum));
    return logs;
}
double number(const Json& json, std::string_view name) {
    double value = std::nan("");
    const Json* found = json.find(name);
    if (found != nullptr) found->get_double(&value);
    return value;
}

TEST(LogprobReference, AgreesWithThePlainImplementationAtEveryToken) {
    const Loaded loaded = load();
    const auto& tokenizer = loaded.model.tokenizer();
    ModelRequest request;
    request.prompt = "ab";
    std::vector<std::uint32_t> ids = encode_prompt(request, tokenizer, loaded.model.prompt_rules()).value();
    const std::size_t prompt = ids.size();
    const std::string other = hex_of(tokenizer, 70);
    std::string tokens;
    for (const std::uint32_t id : {65U, 90U, 110U, 66U}) {
        ids.push_back(id);
        tokens += (tokens.empty() ? "" : ",") + token_named(hex_of(tokenizer, id), '"' + other + R"(","0xffffffff")");
    }
    const auto expected = testing::ReferenceDecoder{loaded.model}.logits(ids);

    const auto answer = codec::parse_json(loaded.reference->answer(question(tokens)).value()).value();

    const auto& read = *answer.find("tokens")->get_array();
    ASSERT_EQ(read.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
        const auto logs = log_softmax(expected[prompt + i - 1]);
        const double logprob = logs[ids[prompt + i]];
        EXPECT_NEAR(number(read[i], "logprob"), logprob, 1e-3);
        EXPECT_NEAR(number(read[i], "margin"), *std::ranges::max_element(logs) - logprob, 1e-3);
        const auto& alternatives = *read[i].find("alternatives")->get_array();
        double alternative = 0;
        ASSERT_TRUE(alternatives.at(0).get_double(&alternative));
        EXPECT_NEAR(alternative, logs[70], 1e-3);
        EXPECT_TRUE(alternatives.at(1).is_null());
    }
}

TEST(LogprobReference, EndsBeforeATokenThatTheModelDoesNotHave) {
    const Loaded loaded = load();
    const std::string known = token_named(hex_of(loaded.model.tokenizer(), 70));
    const std::string tokens = known + "," + token_named("0xfffefdfc") + "," + known;
    const auto answer = codec::parse_json(loaded.reference->answer(question(tokens)).value()).value();
    EXPECT_EQ(answer.find("tokens")->get_array()->size(), 1U);
    EXPECT_EQ(loaded.reference->answer(question("")).value(), R"({"tokens":[]})");
}

// The tiny model has "hello" and " hello"; the first token of an answer may be either.
TEST(LogprobReference, TakesTheLikelierOfTwoTokensThatTheFirstOneMayBe) {
    const Loaded loaded = load();
    const auto& tokenizer = loaded.model.tokenizer();
    ModelRequest request;
    request.prompt = "ab";
    const auto prompt = encode_prompt(request, tokenizer, loaded.model.prompt_rules()).value();
    const auto logs = log_softmax(testing::ReferenceDecoder{loaded.model}.logits(prompt).back());
    double likelier = -1e9;
    for (std::uint32_t id = 0; id < tokenizer.vocabulary(); ++id) {
        const std::string_view bytes = tokenizer.token_bytes(id);
        if (bytes == "hello" || bytes == " hello") likelier = std::max(likelier, logs[id]);
    }
    const std::string hello = codec::to_hex(as_bytes(std::string_view{"hello"}));

    const std::string tokens = token_named(hello, '"' + hello + '"');
    const auto answer = codec::parse_json(loaded.reference->answer(question(tokens)).value()).value();

    const Json& read = answer.find("tokens")->get_array()->front();
    EXPECT_NEAR(number(read, "logprob"), likelier, 1e-3);
    EXPECT_TRUE(read.find("alternatives")->get_array()->front().is_null());
}

TEST(LogprobReference, RefusesQuestionsOfAnotherForm) {
    const Loaded loaded = load();
    for (const char* bad : {"", "[]", "{}", R"({"prompt":1,"tokens":[]})", R"({"prompt":"a"})",
                            R"({"messages":[],"tokens":[]})", R"({"messages":[{"role":"user"}],"tokens":[]})",
                            R"({"prompt":"a","tokens":[{}]})", R"({"prompt":"a","tokens":[{"bytes":"x"}]})",
                            R"({"prompt":"a","tokens":[{"bytes":"0x61","alternatives":1}]})",
                            R"({"prompt":"a","tokens":[{"bytes":"0x61","alternatives":[1]}]})"}) {
        EXPECT_FALSE(loaded.reference->answer(bad)) << bad;
    }
    EXPECT_FALSE(loaded.reference->answer(question("", std::string(100'000, 'a'))));
}

TEST(ServeLogprobs, AnswersLineByLine) {
    const Loaded loaded = load();
    std::istringstream input{question("") + "\nnonsense\n" + question("") + "\n"};
    std::ostringstream output;
    ASSERT_TRUE(serve_logprobs(*loaded.reference, input, output));
    std::istringstream lines{output.str()};
    std::string line;
    std::getline(lines, line);
    EXPECT_EQ(line, R"({"ready":true})");
    std::getline(lines, line);
    EXPECT_EQ(line, R"({"tokens":[]})");
    std::getline(lines, line);
    EXPECT_TRUE(line.starts_with(R"({"error":)")) << line;
    std::getline(lines, line);
    EXPECT_EQ(line, R"({"tokens":[]})");
}

}  // namespace
}  // namespace vcity::worker
