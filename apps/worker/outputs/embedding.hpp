// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/audit.hpp"
#include "verify/shape.hpp"

namespace vcity::worker {

// The embedding of a text: e = m / |m|, m the mean over all positions of h / rms(h), h the final state of a position.
// Sums in fp64 in the order of the positions, so the same states give the same vector.
class StateMean {
  public:
    explicit StateMean(const verify::ModelShape& shape) : shape_{shape}, sum_(shape.hidden, 0.0) {}

    // Cells of other layers than the final one are ignored. h_in in the compute type.
    void add(const Cell& cell, ByteView h_in);
    // base64 of hidden little-endian fp32 numbers. kInternal when no state was added or all are zero.
    Result<std::string> text() const;

  private:
    verify::ModelShape shape_;
    std::vector<double> sum_;
};

}  // namespace vcity::worker
