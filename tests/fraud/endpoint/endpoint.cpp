// SPDX-License-Identifier: Apache-2.0
#include "endpoint/endpoint.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace vcity::blackbox {
namespace {

constexpr std::size_t kOthers = 5;

}  // namespace

struct Endpoint::Sequence {
    worker::SequenceId id = 0;
    std::vector<std::uint32_t> next;
    ScoredText text;
    bool is_open = true;
};

Result<std::unique_ptr<Endpoint>> Endpoint::load(const std::filesystem::path& folder,
                                                 verify::ComputeType compute,
                                                 int threads) {
    TRY(checkpoint::ModelDirectory model, checkpoint::ModelDirectory::open(folder));
    worker::RunnerOptions options;
    options.compute = compute;
    options.threads = threads;
    TRY(auto runner, worker::ModelRunner::load(model, options));
    return std::unique_ptr<Endpoint>{new Endpoint{std::move(model), std::move(runner)}};
}

Result<Endpoint::Sequence> Endpoint::open(const std::string& prompt, std::size_t tokens_max) {
    ModelRequest request;
    request.messages.push_back({.role = "user", .content = prompt});
    Sequence sequence;
    TRY(sequence.next, encode_prompt(request, model_.tokenizer(), model_.prompt_rules()));
    TRY(sequence.id, runner_->open_sequence(sequence.next.size() + tokens_max));
    return sequence;
}

bool Endpoint::advance(Sequence* sequence, const std::vector<float>& logits, std::size_t tokens_max) const {
    std::vector<std::uint32_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::partial_sort(order, order.begin() + kOthers + 1,
                              [&logits](std::uint32_t a, std::uint32_t b) { return logits[a] > logits[b]; });
    const double most = logits[order.front()];
    double sum = 0;
    for (const float logit : logits) sum += std::exp(logit - most);
    const auto logprob = [&](std::uint32_t id) { return logits[id] - most - std::log(sum); };
    if (model_.is_end_token(order.front())) return false;
    ScoredToken token{std::string{model_.tokenizer().token_bytes(order.front())}, logprob(order.front()), {}};
    for (std::size_t i = 1; i <= kOthers; ++i) {
        token.others.emplace_back(model_.tokenizer().token_bytes(order[i]), logprob(order[i]));
    }
    sequence->text.push_back(std::move(token));
    sequence->next = {order.front()};
    return sequence->text.size() < tokens_max;
}

Result<std::vector<ScoredText>> Endpoint::answer(const std::vector<std::string>& prompts, std::size_t tokens_max) {
    std::vector<Sequence> sequences;
    for (const std::string& prompt : prompts) {
        TRY(Sequence sequence, open(prompt, tokens_max));
        sequences.push_back(std::move(sequence));
    }
    for (;;) {
        std::vector<worker::SequenceInput> inputs;
        std::vector<Sequence*> running;
        for (Sequence& sequence : sequences) {
            if (!sequence.is_open) continue;
            worker::SequenceInput input;
            input.sequence = sequence.id;
            input.tokens = sequence.next;
            inputs.push_back(std::move(input));
            running.push_back(&sequence);
        }
        if (inputs.empty()) break;
        TRY(const worker::RunResult step, runner_->run(inputs));
        for (std::size_t i = 0; i < running.size(); ++i) {
            running[i]->is_open = advance(running[i], step.logits[i], tokens_max);
        }
    }
    std::vector<ScoredText> texts;
    for (Sequence& sequence : sequences) {
        runner_->close_sequence(sequence.id);
        texts.push_back(std::move(sequence.text));
    }
    return texts;
}

}  // namespace vcity::blackbox
