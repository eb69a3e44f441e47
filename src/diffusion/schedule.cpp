// SPDX-License-Identifier: Apache-2.0
#include "diffusion/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.hpp"

namespace vcity::diffusion {
namespace {

// a_t for every training step.
std::vector<double> signal_shares(const ScheduleConfig& config) {
    std::vector<double> shares;
    const double first = config.is_scaled ? std::sqrt(config.beta_start) : config.beta_start;
    const double last = config.is_scaled ? std::sqrt(config.beta_end) : config.beta_end;
    double share = 1;
    for (std::uint32_t time = 0; time < config.train_steps; ++time) {
        const double part = config.train_steps == 1 ? 0 : static_cast<double>(time) / (config.train_steps - 1);
        const double root = first + (last - first) * part;
        share *= 1 - (config.is_scaled ? root * root : root);
        shares.push_back(share);
    }
    return shares;
}

DiffusionStep step_between(double from, double to, Prediction prediction) {
    const double signal = std::sqrt(from);
    const double noise = std::sqrt(1 - from);
    const double next_signal = std::sqrt(to);
    const double next_noise = std::sqrt(1 - to);
    switch (prediction) {
        // x_0 = (x - noise e) / signal
        case Prediction::kNoise:
            return {.time = 0, .keep = next_signal / signal, .add = next_noise - next_signal * noise / signal};
        // x_0 = signal x - noise v, e = signal v + noise x
        case Prediction::kVelocity:
            return {.time = 0,
                    .keep = next_signal * signal + next_noise * noise,
                    .add = next_noise * signal - next_signal * noise};
        // e = (x - signal x_0) / noise
        case Prediction::kSample:
            return {.time = 0, .keep = next_noise / noise, .add = next_signal - next_noise * signal / noise};
    }
    unreachable();
}

std::uint64_t next(std::uint64_t* state) {
    std::uint64_t mixed = *state += 0x9e3779b97f4a7c15U;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
}

// In (0, 1].
double uniform(std::uint64_t* state) {
    return static_cast<double>((next(state) >> 11U) + 1) * 0x1.0p-53;
}

}  // namespace

Result<std::vector<DiffusionStep>> make_steps(const ScheduleConfig& config, std::uint32_t steps) {
    if (steps == 0 || steps > config.train_steps) return make_error(Errc::kInvalid, "a wrong number of steps");
    const std::vector<double> shares = signal_shares(config);
    const std::uint32_t ratio = config.train_steps / steps;
    std::vector<DiffusionStep> out;
    for (std::uint32_t at = steps; at-- > 0;) {
        const std::uint32_t time = std::min(at * ratio + config.offset, config.train_steps - 1);
        const double last = config.ends_clean ? 1 : shares.front();
        DiffusionStep step = step_between(shares[time], time >= ratio ? shares[time - ratio] : last, config.prediction);
        step.time = time;
        out.push_back(step);
    }
    return out;
}

std::vector<float> normal_numbers(std::uint64_t seed, std::size_t count) {
    std::vector<float> out;
    out.reserve(count + 1);
    while (out.size() < count) {
        const double radius = std::sqrt(-2 * std::log(uniform(&seed)));
        const double angle = 2 * std::numbers::pi * uniform(&seed);
        out.push_back(static_cast<float>(radius * std::cos(angle)));
        out.push_back(static_cast<float>(radius * std::sin(angle)));
    }
    out.resize(count);
    return out;
}

}  // namespace vcity::diffusion
