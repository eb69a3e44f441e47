// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/endpoint.hpp"

#include <algorithm>
#include <cmath>

#include "codec/json.hpp"

namespace vcity::sim {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

std::uint64_t mix(std::uint64_t state, std::uint64_t value) {
    state = (state ^ value) * 0x9e3779b97f4a7c15U;
    return (state ^ (state >> 29U)) * 0xbf58476d1ce4e5b9U;
}

double uniform(std::uint64_t state) {
    return static_cast<double>((state ^ (state >> 31U)) >> 11U) * 0x1p-53;
}

std::string letter(std::size_t index) {
    return std::string(1, static_cast<char>('a' + index));
}

Json token_json(std::size_t index, double logprob) {
    Json json{JsonObject{}};
    json.set("token", letter(index));
    json.set("logprob", logprob);
    json.set("bytes", JsonArray{Json{static_cast<unsigned>('a' + index)}});
    return json;
}

}  // namespace

std::vector<double> ToyModel::log_probabilities(const std::string& prompt, const std::string& written) const {
    std::uint64_t state = mix(0, weights);
    for (const char character : prompt + '|' + written) state = mix(state, static_cast<std::uint64_t>(character));
    std::vector<double> logits;
    double sum = 0;
    for (std::size_t i = 0; i < kLetters; ++i) {
        const double logit = 6 * uniform(mix(state, i)) + noise * (uniform(mix(mix(state, engine), i)) - 0.5);
        logits.push_back(logit);
        sum += std::exp(logit);
    }
    for (double& logit : logits) logit -= std::log(sum);
    return logits;
}

std::string FakeEndpoint::answer(const std::string& prompt, std::uint64_t tokens) const {
    std::string written;
    JsonArray content;
    for (std::uint64_t i = 0; i < tokens; ++i) {
        const std::vector<double> own = options_.model.log_probabilities(prompt, written);
        const std::vector<double> claimed =
            options_.forges_claims ? options_.forged.log_probabilities(prompt, written) : own;
        const auto chosen = static_cast<std::size_t>(std::ranges::max_element(own) - own.begin());
        Json token = token_json(chosen, claimed[chosen]);
        const std::size_t other = (chosen + 1) % ToyModel::kLetters;
        token.set("top_logprobs", JsonArray{token_json(chosen, claimed[chosen]), token_json(other, claimed[other])});
        content.push_back(std::move(token));
        written += letter(chosen);
    }
    Json logprobs{JsonObject{}};
    logprobs.set("content", std::move(content));
    Json choice{JsonObject{}};
    choice.set("logprobs", std::move(logprobs));
    Json body{JsonObject{}};
    body.set("choices", JsonArray{std::move(choice)});
    return codec::dump_json(body);
}

Task<Result<ports::HttpResponse>> FakeEndpoint::send(ports::HttpRequest request, TimePoint deadline) {
    requests_.push_back(request);
    co_await world_->sleep_until(std::min(deadline, world_->now() + options_.delay));
    if (world_->now() >= deadline) co_return make_error(Errc::kTimeout, "no answer in time");
    if (world_->chance(options_.unavailable_per_mille, 1'000)) {
        co_return make_error(Errc::kUnavailable, "connection refused");
    }
    ports::HttpResponse response;
    response.status = options_.status;
    response.body = options_.body;
    if (!response.body.empty()) co_return response;
    CO_TRY(const Json json, codec::parse_json(request.body));
    const Json& message = json.find("messages")->get_array()->front();
    std::uint64_t tokens = 0;
    json.find("max_tokens")->get_u64(&tokens);
    response.body = answer(*message.find("content")->get_string(), tokens);
    co_return response;
}

Task<Result<std::unique_ptr<ports::HttpStream>>> FakeEndpoint::open(ports::HttpRequest /*request*/,
                                                                    TimePoint /*deadline*/) {
    co_return make_error(Errc::kUnavailable, "this endpoint does not stream");
}

Task<Result<std::vector<ports::ReferenceReading>>> FakeReference::read(ports::ReferenceQuestion question,
                                                                       TimePoint /*deadline*/) {
    if (is_broken) co_return make_error(fails_with, "the reference is broken");
    const std::string prompt = question.messages.empty() ? question.prompt : question.messages.front().content;
    std::vector<ports::ReferenceReading> readings;
    std::string written;
    const auto index_of = [](const std::string& bytes) -> std::optional<std::size_t> {
        if (bytes.size() != 1 || bytes[0] < 'a' || bytes[0] >= 'a' + static_cast<int>(ToyModel::kLetters)) return {};
        return static_cast<std::size_t>(bytes[0] - 'a');
    };
    for (const ports::ReferenceToken& token : question.tokens) {
        const std::optional<std::size_t> index = index_of(token.bytes);
        if (!index) break;
        const std::vector<double> logs = model_.log_probabilities(prompt, written);
        ports::ReferenceReading reading;
        reading.logprob = logs[*index];
        reading.margin = *std::ranges::max_element(logs) - reading.logprob;
        for (const std::string& alternative : token.alternatives) {
            const std::optional<std::size_t> other = index_of(alternative);
            reading.alternatives.push_back(other ? std::optional{logs[*other]} : std::nullopt);
        }
        readings.push_back(std::move(reading));
        written += token.bytes;
    }
    co_return readings;
}

}  // namespace vcity::sim
