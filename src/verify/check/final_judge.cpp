// SPDX-License-Identifier: Apache-2.0
#include "verify/check/final_judge.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "base/check.hpp"
#include "verify/check/statistics.hpp"

namespace vcity::verify {
namespace {

constexpr std::size_t kNoiseRows = 32;
constexpr std::size_t kRandomRows = 64;
constexpr std::size_t kAllowedRows = 64;

// Leaves what might have come. The emitted token stays: whoever calls has checked that it might.
void keep_allowed(const std::vector<bool>& allowed, SamplerView* view) {
    std::erase_if(view->logits, [&](const KnownLogit& known) {
        return known.token != view->emitted && (known.token >= allowed.size() || !allowed[known.token]);
    });
    const auto count = static_cast<std::uint32_t>(std::ranges::count(allowed, true));
    view->vocab = std::max(count, static_cast<std::uint32_t>(view->logits.size()));
}

// The first of them, when there are so many.
std::vector<std::uint32_t> some_of(const std::vector<bool>& allowed, std::uint32_t vocab) {
    std::vector<std::uint32_t> some;
    for (std::uint32_t token = 0; token < std::min<std::size_t>(vocab, allowed.size()); ++token) {
        if (allowed[token] && some.size() < kAllowedRows) some.push_back(token);
    }
    return some;
}

class FinalJudge {
  public:
    FinalJudge(const HeadModel& model, const LinearOptions& options, const CheckedCell& cell)
        : model_{model},
          options_{options},
          cell_{cell},
          input_{norm_input(options.compute, cell.h_in, model.weights->final_norm, model.shape->rms_eps)},
          factor_{2 * accumulation_factor(options.kernel, cell.h_in.size())},
          deviations_{maximum_bound(model.shape->vocab, kAlphaTest)} {
        for (const float x : input_.x) largest_square_ = std::max(largest_square_, double{x} * double{x});
        for (const LinearInput::Change& change : input_.changes) {
            const double size = double{change.value} - double{input_.x[change.column]};
            changes_ += size * size;
        }
    }

    // Every logit was sent.
    SamplerView all(Evidence* evidence) const {
        const std::array<LinearProduct, 1> head{{{&model_.weights->head, model_.key, cell_.final.logits}}};
        check_linear(options_, input_, head, evidence);
        SamplerView view;
        view.vocab = model_.shape->vocab;
        for (std::uint32_t token = 0; token < view.vocab; ++token) {
            const float logit = cell_.final.logits[token];
            const double weight = double{model_.key->row_squares()[token]};
            view.logits.push_back(known(token, double{logit}, weight * largest_square_, weight));
        }
        return view;
    }

    // The largest were claimed. `emitted` is a token, or the vocabulary's size for none.
    Result<SamplerView> claimed(std::uint32_t emitted,
                                const std::vector<std::uint32_t>& noises,
                                Evidence* evidence) const {
        const ParsedFinal& final = cell_.final;
        SamplerView view;
        view.vocab = model_.shape->vocab;
        std::set<std::uint32_t> seen;
        for (std::size_t i = 0; i < final.tokens.size(); ++i) {
            check_row(options_, input_, model_.weights->head, final.tokens[i], final.logits[i], &evidence->rows);
            view.logits.push_back(recomputed(final.tokens[i]));
            view.logits.back().logit = double{final.logits[i]};
            seen.insert(final.tokens[i]);
        }
        const KnownLogit& least = view.logits.back();
        view.others_at_most = least.logit + least.slack;
        std::vector<std::uint32_t> others = noises;
        if (emitted < view.vocab) others.push_back(emitted);
        for (std::size_t i = 0; i < kRandomRows; ++i) {
            others.push_back(static_cast<std::uint32_t>(options_.random->below(view.vocab)));
        }
        for (const std::uint32_t token : others) {
            if (!seen.insert(token).second) continue;
            const KnownLogit other = recomputed(token);
            if (other.logit - other.slack > view.others_at_most) {
                return make_error(Errc::kCorrupt, "a logit above the claimed largest ones was left out");
            }
            view.logits.push_back(other);
        }
        return view;
    }

  private:
    // squares: sum of the row's squared terms, or a bound; weight: its squared norm.
    KnownLogit known(std::uint32_t token, double logit, double squares, double weight) const {
        const double relative = input_.relative_x * input_.relative_x;
        const double scale = input_.relative_scale * input_.relative_scale;
        const double variance =
            factor_ * (logit * logit + squares) + 2 * relative * squares + 2 * scale * logit * logit;
        const double slack = ulp_of(options_.compute, static_cast<float>(logit)) + deviations_ * std::sqrt(variance) +
                             std::sqrt(changes_ * weight);
        return {.token = token, .logit = logit, .slack = slack};
    }
    KnownLogit recomputed(std::uint32_t token) const {
        const RowProduct exact = model_.weights->head.row_product(token, input_.x);
        double weight = 0;
        if (changes_ > 0) {
            std::vector<float> row(model_.shape->hidden);
            model_.weights->head.read_row(token, row);
            weight = dot(row, row);
        }
        return known(token, exact.value, exact.squares, weight);
    }

    const HeadModel& model_;
    const LinearOptions& options_;
    const CheckedCell& cell_;
    LinearInput input_;
    double factor_;
    double deviations_;
    double largest_square_ = 0;
    double changes_ = 0;  // squared norm of what the input's rounding leaves open
};

}  // namespace

Result<void> judge_final(const HeadModel& model,
                         const LinearOptions& options,
                         const TraceHeader& header,
                         std::uint32_t position,
                         const CheckedCell& cell,
                         Evidence* evidence) {
    const FinalJudge judge{model, options, cell};
    const std::uint64_t next = std::uint64_t{position} + 1;
    const bool emits = next >= header.prompt_tokens.size() && !header.output_tokens.empty();
    const std::uint64_t step = emits ? next - header.prompt_tokens.size() : 0;
    const std::uint32_t vocab = model.shape->vocab;
    const std::uint32_t emitted = emits ? header.output_tokens[step] : vocab;
    std::optional<std::vector<bool>> allowed;
    if (emits && model.filter != nullptr && *model.filter) allowed = (*model.filter)(header.output_tokens, step);
    SamplerView view;
    if (opens_all_logits(*model.shape)) {
        view = judge.all(evidence);
    } else {
        const bool noisy = emits && header.sampling.temperature > 0;
        std::vector<std::uint32_t> noises;
        if (noisy) noises = largest_noises(header.sampling.seed, step, vocab, kNoiseRows);
        if (allowed) std::ranges::copy(some_of(*allowed, vocab), std::back_inserter(noises));
        TRY(view, judge.claimed(emitted, noises, evidence));
    }
    // In tier A the logits are those of a replay, which differ from the served ones by more than these slacks.
    if (!emits || header.tier == AuditTier::kSketch) return {};
    view.emitted = emitted;
    view.step = step;
    if (allowed) keep_allowed(*allowed, &view);
    return check_sampler(header.sampling, view);
}

}  // namespace vcity::verify
