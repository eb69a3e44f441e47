// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>

#include "trace.hpp"

namespace vcity::bench {

// The peers of the paper, re-implemented from its procedure (Weng et al., ATC'23, and the authors' simulator) to the
// last bit of the scores, because their truncation and order of summation decide ties. Must be compiled without
// contraction of multiplications and additions.
struct Scored {
    std::int64_t score = 0;
    int gpu = 0;  // for a share of one GPU
};

class Peer {
  public:
    virtual ~Peer() = default;
    virtual Scored score(const Left& node, const Task& task) const = 0;
    // Scores are spread over 0..100 among the feasible nodes before they are compared.
    virtual bool normalises() const { return false; }
};

// Greatest decrease of expected fragmentation, truncated to 0..100.
class Fgd final : public Peer {
  public:
    // The typical tasks are the most frequent shapes of these, until they make up 95 %.
    explicit Fgd(std::span<const Task> tasks);
    Scored score(const Left& node, const Task& task) const override;

  private:
    struct Typical {
        std::int64_t cpu_milli = 0;
        std::int64_t gpu_milli = 0;
        int gpus = 0;
        std::uint64_t models = 0;
        double frequency = 0;
    };
    double fragmentation(const Left& node) const;

    std::vector<Typical> typical_;
};

// Least free CPU and GPU left, each normalised by the largest node; the tightest GPU.
class BestFit final : public Peer {
  public:
    Scored score(const Left& node, const Task& task) const override;
    bool normalises() const override { return true; }
};

}  // namespace vcity::bench
