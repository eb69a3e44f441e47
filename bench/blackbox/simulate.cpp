// SPDX-License-Identifier: Apache-2.0
#include "simulate.hpp"

#include <algorithm>
#include <numeric>
#include <random>

#include "base/check.hpp"

namespace vcity::blackbox {

Tally simulate(const Scores& target, const Scores& honest, std::size_t sample, double alpha, std::uint64_t runs) {
    std::mt19937_64 random{1};
    std::uniform_real_distribution<double> uniform;
    std::vector<std::size_t> order(target.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::vector<std::uint64_t> tokens;
    Tally tally;
    tally.runs = runs;
    for (std::uint64_t run = 0; run < runs; ++run) {
        std::ranges::shuffle(order, random);
        verify::BlackboxOptions options;
        options.alpha = alpha;
        for (std::size_t i = 0; i < sample; ++i) options.calibration.push_back(honest[order[i]]);
        auto test = verify::BlackboxTest::make(options);
        CHECK(test.has_value());
        bool was_consistent = false;
        for (std::size_t i = sample; i < order.size(); ++i) {
            const auto decision = test->update(target[order[i]], {uniform(random), uniform(random)});
            was_consistent = was_consistent || decision == verify::BlackboxDecision::kConsistent;
            if (decision == verify::BlackboxDecision::kSuspicious) break;
        }
        if (test->decision() == verify::BlackboxDecision::kSuspicious) {
            ++tally.suspicious;
            tokens.push_back(test->tokens());
        }
        tally.consistent += was_consistent ? 1 : 0;
    }
    std::ranges::sort(tokens);
    if (!tokens.empty()) {
        tally.tokens_median = tokens[tokens.size() / 2];
        tally.tokens_p90 = tokens[tokens.size() * 9 / 10];
    }
    return tally;
}

}  // namespace vcity::blackbox
