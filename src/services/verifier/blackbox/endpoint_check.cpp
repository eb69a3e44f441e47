// SPDX-License-Identifier: Apache-2.0
#include "services/verifier/blackbox/endpoint_check.hpp"

#include <algorithm>

namespace vcity::verifier {
namespace {

using verify::BlackboxDecision;
using verify::BlackboxScore;
using verify::BlackboxTest;

constexpr unsigned kStatusOk = 200;

ports::ReferenceQuestion question_of(EndpointApi api, std::string prompt, const std::vector<ClaimedToken>& tokens) {
    ports::ReferenceQuestion question;
    switch (api) {
        case EndpointApi::kChat: question.messages.push_back({"user", std::move(prompt)}); break;
        case EndpointApi::kCompletions: question.prompt = std::move(prompt); break;
    }
    for (const ClaimedToken& token : tokens) {
        ports::ReferenceToken asked{token.bytes, {}};
        for (const ClaimedAlternative& alternative : token.alternatives) {
            asked.alternatives.push_back(alternative.bytes);
        }
        question.tokens.push_back(std::move(asked));
    }
    return question;
}

std::vector<verify::BlackboxToken> pair_up(const std::vector<ClaimedToken>& claimed,
                                           const std::vector<ports::ReferenceReading>& readings) {
    std::vector<verify::BlackboxToken> tokens;
    for (std::size_t i = 0; i < std::min(claimed.size(), readings.size()); ++i) {
        verify::BlackboxToken token;
        token.emitted = {claimed[i].logprob, readings[i].logprob};
        token.margin = std::max(0.0, readings[i].margin);
        const std::size_t count = std::min(claimed[i].alternatives.size(), readings[i].alternatives.size());
        for (std::size_t k = 0; k < count; ++k) {
            const std::optional<double>& known = readings[i].alternatives[k];
            if (known) token.alternatives.push_back({claimed[i].alternatives[k].logprob, *known});
        }
        tokens.push_back(std::move(token));
    }
    return tokens;
}

}  // namespace

EndpointCheck::EndpointCheck(EndpointCheckDeps deps, EndpointCheckOptions options)
    : deps_{std::move(deps)}, options_{std::move(options)} {}

double EndpointCheck::draw_uniform() const {
    return static_cast<double>(deps_.runtime->random_u64() >> 11U) * 0x1p-53;
}

void EndpointCheck::shuffle(std::vector<std::string>* prompts) const {
    for (std::size_t left = prompts->size(); left > 1; --left) {
        std::swap((*prompts)[left - 1], (*prompts)[deps_.runtime->random_u64() % left]);
    }
}

Result<void> EndpointCheck::note_failure(const Error& error) {
    ++report_.failed;
    ++failures_in_a_row_;
    report_.last_failure = error.message;
    deps_.log.info("no_comparison", {{"reason", error.message}});
    if (failures_in_a_row_ < options_.failures_in_a_row_max) return {};
    return make_error(error.code == Errc::kNotFound ? Errc::kNotFound : Errc::kUnavailable,
                      "too many requests in a row could not be compared: " + error.message);
}

Task<Result<std::vector<ClaimedToken>>> EndpointCheck::request(const EndpointTarget* target, std::string prompt) {
    EndpointAsk ask;
    ask.api = target->api;
    ask.model = target->model;
    ask.prompt = std::move(prompt);
    ask.tokens_max = options_.tokens_max;
    ask.alternatives = options_.alternatives;
    ports::HttpRequest request;
    request.method = "POST";
    request.target = target->base_url + std::string{path_of(target->api)};
    request.headers.set("Content-Type", "application/json");
    if (!target->api_key.empty()) request.headers.set("Authorization", "Bearer " + target->api_key);
    request.body = request_body(ask);
    const TimePoint deadline = deps_.runtime->now() + options_.request_max;
    CO_TRY(const ports::HttpResponse response, co_await deps_.http->send(std::move(request), deadline));
    if (response.status != kStatusOk) {
        co_return make_error(Errc::kUnavailable, "the endpoint answers with status " + std::to_string(response.status));
    }
    co_return parse_endpoint_reply(target->api, response.body);
}

Task<Result<std::optional<BlackboxScore>>> EndpointCheck::ask(const EndpointTarget* target, std::string prompt) {
    const std::optional<BlackboxScore> nothing;
    Result<std::vector<ClaimedToken>> claimed = co_await request(target, prompt);
    if (!claimed) {
        CO_TRY_OK(note_failure(claimed.error()));
        co_return nothing;
    }
    if (claimed->empty()) co_return nothing;  // an empty answer is an honest one now and then
    const TimePoint deadline = deps_.runtime->now() + options_.reference_max;
    ports::ReferenceQuestion question = question_of(target->api, std::move(prompt), *claimed);
    Result<std::vector<ports::ReferenceReading>> readings =
        co_await deps_.reference->read(std::move(question), deadline);
    if (!readings && readings.error().code != Errc::kInvalid) co_return std::move(readings).error();
    const std::size_t known = readings ? std::min(readings->size(), claimed->size()) : 0;
    report_.tokens_unknown += claimed->size() - known;
    if (known == 0) {
        CO_TRY_OK(note_failure(readings ? make_error(Errc::kInvalid, "tokens that the reference does not have")
                                        : readings.error()));
        co_return nothing;
    }
    failures_in_a_row_ = 0;
    const std::vector<verify::BlackboxToken> pairs = pair_up(*claimed, *readings);
    CO_TRY(const BlackboxScore score, verify::score_request(pairs));
    co_return score;
}

// The mean of the sample is told in the report; the scores are what the test needs.
Task<Result<std::vector<BlackboxScore>>> EndpointCheck::sample() {
    std::vector<BlackboxScore> scores;
    std::size_t wanted = prompts_.size() / 2;
    for (; wanted > 0; --wanted) {
        std::string prompt = std::move(prompts_.back());
        prompts_.pop_back();
        CO_TRY(const std::optional<BlackboxScore> score, co_await ask(&*options_.honest, std::move(prompt)));
        if (!score) continue;
        scores.push_back(*score);
        report_.sample_mean.difference += score->difference;
        report_.sample_mean.margin += score->margin;
        report_.sample_mean.tokens += score->tokens;
        EndpointProgress progress;
        progress.is_sample = true;
        progress.score = *score;
        progress.requests = scores.size();
        progress.tokens = report_.sample_mean.tokens;
        if (on_progress_) on_progress_(progress);
    }
    const double count = static_cast<double>(std::max<std::size_t>(scores.size(), 1));
    report_.sample_mean.difference /= count;
    report_.sample_mean.margin /= count;
    co_return scores;
}

void EndpointCheck::report_progress(const BlackboxTest& test, const BlackboxScore& score) {
    report_.decision = test.decision();
    report_.log_evidence = test.log_evidence();
    report_.log_support = test.log_support();
    report_.mean = test.mean();
    report_.requests = test.requests();
    report_.tokens = test.tokens();
    EndpointProgress progress;
    progress.score = score;
    progress.decision = report_.decision;
    progress.log_evidence = report_.log_evidence;
    progress.log_support = report_.log_support;
    progress.requests = report_.requests;
    progress.tokens = report_.tokens;
    if (on_progress_) on_progress_(progress);
}

Task<Result<EndpointReport>> EndpointCheck::run(std::vector<std::string> prompts,
                                                std::function<void(const EndpointProgress&)> on_progress) {
    report_ = {};
    failures_in_a_row_ = 0;
    prompts_ = std::move(prompts);
    on_progress_ = std::move(on_progress);
    std::ranges::sort(prompts_);
    const auto repeated = std::ranges::unique(prompts_);
    prompts_.erase(repeated.begin(), repeated.end());
    shuffle(&prompts_);
    if (options_.honest) {
        CO_TRY(options_.test.calibration, co_await sample());
    }
    CO_TRY(BlackboxTest test, BlackboxTest::make(options_.test));
    if (prompts_.empty()) co_return make_error(Errc::kInvalid, "no prompts to ask the endpoint");
    while (!prompts_.empty() && test.requests() < options_.requests_max) {
        std::string prompt = std::move(prompts_.back());
        prompts_.pop_back();
        CO_TRY(const std::optional<BlackboxScore> score, co_await ask(&options_.target, std::move(prompt)));
        if (!score) continue;
        test.update(*score, {draw_uniform(), draw_uniform()});
        report_progress(test, *score);
        if (options_.stops_when_decided && test.decision() != BlackboxDecision::kUndecided) break;
    }
    co_return report_;
}

}  // namespace vcity::verifier
