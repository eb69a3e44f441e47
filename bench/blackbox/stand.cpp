// SPDX-License-Identifier: Apache-2.0
// blackbox_stand serve PORT MODEL fp32|bf16: an OpenAI-compatible endpoint with log probabilities.
// blackbox_stand variant MODEL OUT CHANGE: writes a changed model.
// blackbox_stand measure MODEL PROMPTS WORK table|json: honest and cheating endpoints before the black-box test.
#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <map>

#include "adapters/http/server.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "codec/json.hpp"
#include "endpoint/chat_face.hpp"
#include "endpoint/variants.hpp"
#include "logprobs.hpp"
#include "simulate.hpp"

namespace vcity::blackbox {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

constexpr std::size_t kTokensMax = 32;
constexpr std::size_t kBatch = 16;

template <class T>
T or_fail(Result<T> result) {
    if (result) return *std::move(result);
    std::fprintf(stderr, "blackbox_stand: %s\n", result.error().message.c_str());
    std::exit(1);
}
void or_fail(const Result<void>& result) {
    if (result) return;
    std::fprintf(stderr, "blackbox_stand: %s\n", result.error().message.c_str());
    std::exit(1);
}

verify::ComputeType compute_of(std::string_view name) {
    return name == "bf16" ? verify::ComputeType::kBfloat16 : verify::ComputeType::kFloat32;
}

void serve(std::uint16_t port, const std::string& model, std::string_view compute) {
    adapters::AsioRuntime runtime;
    const auto endpoint = or_fail(Endpoint::load(model, compute_of(compute), 1));
    ChatFace handler{endpoint.get()};
    adapters::HttpServerOptions options;
    options.port = port;
    const auto server = or_fail(adapters::HttpServer::make(&runtime, runtime.executor(), &handler, options));
    std::printf("listening\n");
    std::fflush(stdout);
    runtime.run();
}

double number(const Json& json, std::string_view name) {
    double value = 0;
    json.find(name)->get_double(&value);
    return value;
}

std::string question_of(const std::string& prompt, const ScoredText& text) {
    JsonArray tokens;
    for (const ScoredToken& token : text) {
        JsonArray others;
        for (const auto& [bytes, logprob] : token.others) others.push_back(Json{codec::to_hex(as_bytes(bytes))});
        Json one{JsonObject{}};
        one.set("bytes", codec::to_hex(as_bytes(token.bytes)));
        one.set("alternatives", std::move(others));
        tokens.push_back(std::move(one));
    }
    Json message{JsonObject{}};
    message.set("role", "user");
    message.set("content", prompt);
    Json question{JsonObject{}};
    question.set("messages", JsonArray{std::move(message)});
    question.set("tokens", std::move(tokens));
    return codec::dump_json(question);
}

// nullopt: an empty answer, or tokens that the reference does not know.
std::optional<verify::BlackboxScore> score(worker::LogprobReference* reference,
                                           const std::string& prompt,
                                           const ScoredText& text) {
    if (text.empty()) return std::nullopt;
    const Json answer = or_fail(codec::parse_json(or_fail(reference->answer(question_of(prompt, text)))));
    std::vector<verify::BlackboxToken> tokens;
    for (const Json& reading : *answer.find("tokens")->get_array()) {
        const ScoredToken& claimed = text[tokens.size()];
        verify::BlackboxToken token;
        token.emitted = {claimed.logprob, number(reading, "logprob")};
        token.margin = std::max(0.0, number(reading, "margin"));
        const JsonArray& others = *reading.find("alternatives")->get_array();
        for (std::size_t i = 0; i < others.size(); ++i) {
            double known = 0;
            if (others[i].get_double(&known)) token.alternatives.push_back({claimed.others[i].second, known});
        }
        tokens.push_back(std::move(token));
    }
    if (tokens.empty()) return std::nullopt;
    return or_fail(verify::score_request(tokens));
}

using OptionalScores = std::vector<std::optional<verify::BlackboxScore>>;

OptionalScores scores_of(worker::LogprobReference* reference,
                         const std::vector<std::string>& prompts,
                         const std::filesystem::path& folder,
                         std::string_view compute) {
    const auto endpoint = or_fail(Endpoint::load(folder, compute_of(compute), 1));
    OptionalScores scores;
    for (std::size_t at = 0; at < prompts.size(); at += kBatch) {
        const std::size_t count = std::min(kBatch, prompts.size() - at);
        const std::vector<std::string> batch(prompts.begin() + static_cast<std::ptrdiff_t>(at),
                                             prompts.begin() + static_cast<std::ptrdiff_t>(at + count));
        const auto texts = or_fail(endpoint->answer(batch, kTokensMax));
        for (std::size_t i = 0; i < count; ++i) scores.push_back(score(reference, batch[i], texts[i]));
    }
    return scores;
}

struct Named {
    const char* name;
    const char* change;  // of the weights; empty: none
    const char* compute;
};
constexpr std::array<Named, 8> kEndpoints{{{"honest_bf16", "", "bf16"},
                                           {"honest_fp32", "", "fp32"},
                                           {"int8", "int8", "bf16"},
                                           {"fp8", "fp8", "bf16"},
                                           {"noise1", "noise1", "bf16"},
                                           {"int4", "int4", "bf16"},
                                           {"short", "short", "bf16"},
                                           {"int8_fp32", "int8", "fp32"}}};

using Samples = std::map<std::string, Scores>;

// Only prompts that every endpoint answered, so that all have the same ones. A forger emits the tokens of the int4
// weights and claims what the right weights say of them.
Samples collect(const std::string& model, const std::string& prompts_file, const std::filesystem::path& work) {
    std::vector<std::string> prompts;
    std::ifstream file{prompts_file};
    for (std::string line; std::getline(file, line);) prompts.push_back(line);
    const auto reference = or_fail(worker::LogprobReference::load(model, 1));
    std::map<std::string, OptionalScores> all;
    for (const Named& named : kEndpoints) {
        std::filesystem::path folder = model;
        if (*named.change != '\0') {
            folder = work / named.change;
            or_fail(write_variant(model, folder, named.change));
        }
        std::fprintf(stderr, "asking %s\n", named.name);
        all[named.name] = scores_of(reference.get(), prompts, folder, named.compute);
    }
    Samples samples;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        const bool is_whole = std::ranges::all_of(all, [i](const auto& entry) { return entry.second[i].has_value(); });
        if (!is_whole) continue;
        for (const auto& [name, scores] : all) samples[name].push_back(*scores[i]);
        samples["int4_forged"].push_back({0, all["int4"][i]->margin, all["int4"][i]->tokens});
    }
    return samples;
}

verify::BlackboxScore mean_of(const Scores& scores) {
    verify::BlackboxScore mean;
    for (const auto& score : scores) {
        mean.difference += score.difference / static_cast<double>(scores.size());
        mean.margin += score.margin / static_cast<double>(scores.size());
        mean.tokens += score.tokens;
    }
    mean.tokens /= static_cast<std::uint32_t>(scores.size());
    return mean;
}

struct Setting {
    const char* name;
    std::size_t sample;
};

void measure(const Samples& samples, bool is_json) {
    constexpr double kAlpha = 1e-4;
    constexpr std::uint64_t kHonestRuns = 10'000;
    constexpr std::uint64_t kCheatRuns = 1'000;
    const Scores& honest = samples.at("honest_bf16");
    const std::array<Setting, 2> settings{{{"sample", honest.size() / 2}, {"declared", 0}}};
    Json figures{JsonObject{}};
    figures.set("prompts", honest.size());
    for (const auto& [name, scores] : samples) {
        const verify::BlackboxScore mean = mean_of(scores);
        if (!is_json) {
            std::printf("\n%-12s mean difference %.5f, margin %.5f, %u tokens a request\n", name.c_str(),
                        mean.difference, mean.margin, mean.tokens);
        }
        figures.set(name + ".difference", mean.difference);
        figures.set(name + ".margin", mean.margin);
        for (const Setting& setting : settings) {
            const bool is_honest = name.starts_with("honest");
            const Tally tally = simulate(scores, honest, setting.sample, kAlpha, is_honest ? kHonestRuns : kCheatRuns);
            const std::string key = name + "." + setting.name;
            figures.set(key + ".runs", tally.runs);
            figures.set(key + ".suspicious", tally.suspicious);
            figures.set(key + ".consistent", tally.consistent);
            figures.set(key + ".tokens_median", tally.tokens_median);
            figures.set(key + ".tokens_p90", tally.tokens_p90);
            if (is_json) continue;
            std::printf("  %-9s %6lu runs: %6lu suspicious (tokens: median %lu, 90 %% within %lu), %6lu consistent\n",
                        setting.name, tally.runs, tally.suspicious, tally.tokens_median, tally.tokens_p90,
                        tally.consistent);
        }
    }
    // The bound itself, at an alpha that these many runs can tell.
    const Tally wide = simulate(honest, honest, honest.size() / 2, 0.05, 2'000);
    figures.set("false_alarms_of_2000_at_5_percent", wide.suspicious);
    if (is_json) {
        std::printf("%s\n", codec::dump_json(figures).c_str());
    } else {
        std::printf("\nalpha 5 %%: %lu of 2000 honest runs suspicious\n", wide.suspicious);
    }
}

int usage() {
    std::fprintf(stderr,
                 "usage: blackbox_stand serve PORT MODEL fp32|bf16 | variant MODEL OUT CHANGE |\n"
                 "       measure MODEL PROMPTS WORK table|json\n");
    return 2;
}

}  // namespace
}  // namespace vcity::blackbox

int main(int argc, char** argv) {
    using namespace std::string_literals;
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() == 4 && words[0] == "serve") {
        const auto port = vcity::codec::parse_decimal(words[1]);
        if (!port || *port > UINT16_MAX) return vcity::blackbox::usage();
        vcity::blackbox::serve(static_cast<std::uint16_t>(*port), words[2], words[3]);
        return 0;
    }
    if (words.size() == 4 && words[0] == "variant") {
        vcity::blackbox::or_fail(vcity::blackbox::write_variant(words[1], words[2], words[3]));
        return 0;
    }
    if (words.size() == 5 && words[0] == "measure") {
        const auto samples = vcity::blackbox::collect(words[1], words[2], words[3]);
        vcity::blackbox::measure(samples, words[4] == "json");
        return 0;
    }
    return vcity::blackbox::usage();
}
