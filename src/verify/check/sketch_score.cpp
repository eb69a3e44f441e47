// SPDX-License-Identifier: Apache-2.0
#include "verify/check/sketch_score.hpp"

#include <cmath>

namespace vcity::verify {
namespace {

constexpr double kTinySquare = 0x1p-126;  // for sketches that are equal

}  // namespace

double sketch_distance(const Sketch& served, const Sketch& replay) {
    double sum = 0;
    for (const std::size_t half : {std::size_t{0}, kSketchHalf}) {
        double distance = 0;
        double norm = 0;
        for (std::size_t p = half; p < half + kSketchHalf; ++p) {
            const double difference = double{served[p]} - double{replay[p]};
            distance += difference * difference;
            norm += double{replay[p]} * double{replay[p]};
        }
        sum += std::log2((distance + kTinySquare) / (norm + kTinySquare));
    }
    return sum / 2;
}

std::optional<float> sketch_score(const ModelShape& shape, const CheckedAudit& audit) {
    if (audit.sketches.empty()) return std::nullopt;
    const std::vector<std::uint32_t> signs = sketch_signs(audit.header.client_nonce, shape.hidden);
    double sum = 0;
    for (const auto& [position, sketch] : audit.sketches) {
        sum += sketch_distance(sketch.served, make_sketch(signs, sketch.middle, sketch.last));
    }
    return static_cast<float>(sum / static_cast<double>(audit.sketches.size()));
}

}  // namespace vcity::verify
