// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::verify {

// A sequential test of scores whose honest distribution is known from a sample alone: one score for each audited
// request of one node, larger is worse.
//
// Under the hypothesis that the sample and the node's scores are exchangeable, p_t = (number of earlier scores above
// the new one + U (number equal, itself included)) / (number of scores with itself), U uniform, are independent and
// uniform (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, section 8.2). A bet that
// multiplies a stake of one by f(p_t), integral of f = 1, is then a martingale, and by Ville's inequality the stake
// ever reaches 1 / alpha with probability alpha at most, however long one goes on. f is the mixture of all powers k
// p^(k - 1), k in (0, 1): f(p) = (1 - p + p ln p) / (p ln(p)^2).
class SequentialTest {
  public:
    // More scores than these are not kept; the oldest of the node's leave first.
    static constexpr std::size_t kScoresMax = 4096;

    // A node that was not seen before. The sample comes from honest runs of the same model and kernel class.
    explicit SequentialTest(std::vector<float> enrolment);

    // What bytes() gave. Untrusted: kInvalid for a wrong form.
    static Result<SequentialTest> parse(std::vector<float> enrolment, ByteView bytes);
    Bytes bytes() const;

    // uniform in (0, 1], fresh for each score. A score that is not a number counts as the largest.
    void add(float score, double uniform);

    // Whether honest scores would have led here with a probability of at most alpha, ever.
    bool rejects(double alpha) const;
    double log_wealth() const { return log_wealth_; }
    std::size_t size() const { return scores_.size(); }

  private:
    std::vector<float> enrolment_;
    std::vector<float> scores_;  // of the node, the oldest first
    double log_wealth_ = 0;
    double highest_ = 0;  // of log_wealth_ so far
};

}  // namespace vcity::verify
