// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"

// Evidence about an endpoint that commits to nothing: the log probabilities that it claims for the tokens it emitted,
// against those that the reference model gives to the same tokens when it is fed them. Statistics only: whoever calls
// this asked the endpoint and ran the reference. Such evidence may start a closer look; it convicts nobody, because
// honest engines differ, too. Derivation: docs/black-box.md.
namespace vcity::verify {

// Log probabilities are natural and clamped to [kLogprobFloor, 0]: below it servers report anything (-9999, -inf).
inline constexpr double kLogprobFloor = -20;
inline constexpr std::size_t kAlternativesMax = 32;

struct LogprobPair {
    double claimed = 0;
    double reference = 0;
};
// One emitted token.
struct BlackboxToken {
    LogprobPair emitted;
    // max over v of (reference(v)/T + g(v)) minus the same for the emitted token, in nats times T: 0 when the reference
    // would have chosen it, too. g is the Gumbel noise of the request's seed; 0 for temperature zero.
    double margin = 0;
    std::vector<LogprobPair> alternatives;  // tokens that the endpoint named beside it, at most kAlternativesMax
};
// One request: means over its tokens, each token's difference being the mean over it and its alternatives.
struct BlackboxScore {
    double difference = 0;  // |claimed - reference|, 0 to 20
    double margin = 0;      // 0 to 20
    std::uint32_t tokens = 0;

    bool operator==(const BlackboxScore&) const = default;
};
// kInvalid for no token, too many alternatives, or a number that is NaN, a log probability above 0.001 or a margin
// below zero.
Result<BlackboxScore> score_request(std::span<const BlackboxToken> tokens);

// E-processes: under the hypothesis their expectation never exceeds one at any stopping time, so by Ville's inequality
// they reach 1/alpha with a probability of at most alpha however long one looks. Kept as logarithms.

// Hypothesis: the scores, calibration first, are exchangeable: the endpoint behaves as the honest one did. Each score
// gets its smoothed rank p among all before it, which is then uniform and independent (Vovk, Gammerman and Shafer,
// Algorithmic Learning in a Random World, 2005, section 8); the process bets that p is small with kappa p^(kappa - 1),
// averaged over ten kappa.
class ConformalProcess {
  public:
    explicit ConformalProcess(std::vector<double> calibration);

    // uniform: fresh, in [0, 1); breaks ties.
    void update(double score, double uniform);
    double log_value() const;

  private:
    static constexpr std::size_t kBets = 10;
    std::vector<double> sorted_;
    std::array<double, kBets> logs_{};
};

// Hypothesis: given the past, min(score, cap) has a mean of at most `mean` (kAtMost) or at least it (kAtLeast). Bets on
// the mean of bounded variables (Waudby-Smith and Ramdas, J. R. Stat. Soc. B 86, 2024), averaged over ten stakes.
class MeanProcess {
  public:
    enum class Hypothesis : std::uint8_t { kAtMost, kAtLeast };
    // 0 < mean < cap.
    MeanProcess(Hypothesis hypothesis, double mean, double cap);

    void update(double score);
    double log_value() const;

  private:
    static constexpr std::size_t kBets = 10;
    Hypothesis hypothesis_;
    double mean_;
    double cap_;
    std::array<double, kBets> logs_{};
};

// What is declared about an honest endpoint when there is no sample of one: its mean scores do not exceed these. The
// defaults leave room for logits that are rounded to bf16 (docs/black-box.md); an endpoint with finer ones deserves
// less.
struct BlackboxTolerance {
    double difference = 0.1;
    double margin = 0.02;
};
struct BlackboxOptions {
    double alpha = 1e-4;  // bound on a false suspicion, over all requests of one endpoint
    double beta = 0.01;   // bound on calling an endpoint consistent whose scores are beyond `effect`
    double effect = 2;    // times the tolerance, or the mean of the calibration sample
    BlackboxTolerance tolerance;
    // Scores of an honest endpoint on prompts of the same kind, at least kCalibrationMin; empty: the tolerance counts.
    std::vector<BlackboxScore> calibration;
};
inline constexpr std::size_t kCalibrationMin = 20;
inline constexpr std::size_t kCalibrationMax = 100'000;

enum class BlackboxDecision : std::uint8_t { kConsistent, kUndecided, kSuspicious };

// The sequential test of one endpoint. Suspicious once, suspicious for good.
class BlackboxTest {
  public:
    // kInvalid for options out of range.
    static Result<BlackboxTest> make(const BlackboxOptions& options);

    // uniforms: fresh, independent, in [0, 1).
    BlackboxDecision update(const BlackboxScore& score, const std::array<double, 2>& uniforms);

    BlackboxDecision decision() const { return decision_; }
    // ln of the evidence against the endpoint, the mean of the two e-processes; suspicious from ln(1/alpha) on.
    double log_evidence() const;
    // ln of the evidence that both mean scores are below `effect`, the smaller of two; consistent from ln(1/beta) on.
    double log_support() const;
    std::uint64_t requests() const { return requests_; }
    std::uint64_t tokens() const { return tokens_; }
    BlackboxScore mean() const;  // of all requests so far

  private:
    struct Part {
        std::vector<ConformalProcess> conformal;  // one with a calibration sample, else none
        MeanProcess above;
        MeanProcess below;
    };
    BlackboxTest(const BlackboxOptions& options, Part difference, Part margin);
    static Part make_part(const BlackboxOptions& options, double BlackboxScore::* score, double tolerance);

    double log_alarm_ = 0;
    double log_support_needed_ = 0;
    Part difference_;
    Part margin_;
    double difference_sum_ = 0;
    double margin_sum_ = 0;
    std::uint64_t requests_ = 0;
    std::uint64_t tokens_ = 0;
    BlackboxDecision decision_ = BlackboxDecision::kUndecided;
};

}  // namespace vcity::verify
