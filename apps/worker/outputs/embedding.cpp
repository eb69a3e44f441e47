// SPDX-License-Identifier: Apache-2.0
#include "outputs/embedding.hpp"

#include <bit>
#include <cmath>
#include <cstring>

#include "codec/base64.hpp"

namespace vcity::worker {
namespace {

double element(verify::ComputeType compute, ByteView bytes, std::size_t index) {
    constexpr unsigned kHalf = 16;
    if (compute == verify::ComputeType::kFloat32) {
        float value = 0;
        std::memcpy(&value, bytes.data() + index * sizeof(value), sizeof(value));
        return double{value};
    }
    std::uint16_t upper = 0;
    std::memcpy(&upper, bytes.data() + index * sizeof(upper), sizeof(upper));
    return double{std::bit_cast<float>(static_cast<std::uint32_t>(upper) << kHalf)};
}

double norm_of(const std::vector<double>& values) {
    double squares = 0;
    for (const double value : values) squares += value * value;
    return std::sqrt(squares);
}

}  // namespace

void StateMean::add(const Cell& cell, ByteView h_in) {
    if (cell.layer != shape_.layers) return;
    std::vector<double> state(sum_.size());
    for (std::size_t i = 0; i < state.size(); ++i) state[i] = element(shape_.compute, h_in, i);
    const double norm = norm_of(state);
    if (!(norm > 0)) return;
    for (std::size_t i = 0; i < state.size(); ++i) sum_[i] += state[i] / norm;
}

Result<std::string> StateMean::text() const {
    const double norm = norm_of(sum_);
    if (!(norm > 0)) return make_error(Errc::kInternal, "the text has no final states");
    Bytes bytes(sum_.size() * sizeof(float));
    for (std::size_t i = 0; i < sum_.size(); ++i) {
        const auto value = static_cast<float>(sum_[i] / norm);
        std::memcpy(bytes.data() + i * sizeof(value), &value, sizeof(value));
    }
    return codec::to_base64(bytes);
}

}  // namespace vcity::worker
