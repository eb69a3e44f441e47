// SPDX-License-Identifier: Apache-2.0
#include "studio/picture.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/check.hpp"

namespace vcity::studio {
namespace {

constexpr std::size_t kChannels = 4;

std::size_t offset(const Size& size, std::uint32_t x, std::uint32_t y) {
    return kChannels * (std::size_t{y} * size.width + x);
}

double cubic(double distance) {
    const double at = std::abs(distance);
    if (at < 1) return (1.5 * at - 2.5) * at * at + 1;
    if (at < 2) return ((-0.5 * at + 2.5) * at - 4) * at + 2;
    return 0;
}

struct Taps {
    std::vector<std::uint32_t> from;
    std::vector<double> weights;
};

// What one line of `count` samples becomes at `at` of `wanted`.
Taps taps_of(std::uint32_t at, std::uint32_t wanted, std::uint32_t count) {
    const double step = static_cast<double>(count) / wanted;
    const double stretch = std::max(step, 1.0);
    const double center = (at + 0.5) * step - 0.5;
    Taps taps;
    double sum = 0;
    const auto first = static_cast<std::int64_t>(std::floor(center - 2 * stretch));
    const auto last = static_cast<std::int64_t>(std::ceil(center + 2 * stretch));
    for (std::int64_t near = first; near <= last; ++near) {
        const double weight = cubic((static_cast<double>(near) - center) / stretch);
        if (weight == 0) continue;
        taps.from.push_back(static_cast<std::uint32_t>(std::clamp<std::int64_t>(near, 0, std::int64_t{count} - 1)));
        taps.weights.push_back(weight);
        sum += weight;
    }
    for (double& weight : taps.weights) weight /= sum;
    return taps;
}

}  // namespace

Picture blank(const Size& size) {
    return {.size = size, .pixels = std::vector<std::uint8_t>(kChannels * size.width * size.height)};
}

Pixel pixel_at(const Picture& picture, std::uint32_t x, std::uint32_t y) {
    Pixel pixel;
    std::copy_n(picture.pixels.begin() + static_cast<std::ptrdiff_t>(offset(picture.size, x, y)), kChannels,
                pixel.begin());
    return pixel;
}

std::string to_string(const Pixel& pixel) {
    return fmt::format("#{:02x}{:02x}{:02x}{:02x}", pixel[0], pixel[1], pixel[2], pixel[3]);
}

void paste(const Picture& part, const Rect& rect, Picture* whole) {
    CHECK(rect.right <= whole->size.width && rect.bottom <= whole->size.height);
    CHECK(part.size.width == rect.width() && part.size.height == rect.height());
    for (std::uint32_t y = 0; y < part.size.height; ++y) {
        std::copy_n(part.pixels.begin() + static_cast<std::ptrdiff_t>(offset(part.size, 0, y)),
                    kChannels * part.size.width,
                    whole->pixels.begin() + static_cast<std::ptrdiff_t>(offset(whole->size, rect.left, rect.top + y)));
    }
}

Picture cut(const Picture& whole, const Rect& rect) {
    CHECK(rect.right <= whole.size.width && rect.bottom <= whole.size.height);
    Picture part = blank({.width = rect.width(), .height = rect.height()});
    for (std::uint32_t y = 0; y < part.size.height; ++y) {
        std::copy_n(whole.pixels.begin() + static_cast<std::ptrdiff_t>(offset(whole.size, rect.left, rect.top + y)),
                    kChannels * part.size.width,
                    part.pixels.begin() + static_cast<std::ptrdiff_t>(offset(part.size, 0, y)));
    }
    return part;
}

std::optional<Difference> difference_of(const Picture& left, const Picture& right) {
    CHECK(left.size == right.size);
    std::optional<Difference> found;
    for (std::uint32_t y = 0; y < left.size.height; ++y) {
        for (std::uint32_t x = 0; x < left.size.width; ++x) {
            if (pixel_at(left, x, y) == pixel_at(right, x, y)) continue;
            if (!found) found = Difference{.x = x, .y = y, .pixels = 0};
            ++found->pixels;
        }
    }
    return found;
}

Picture resize(const Picture& picture, const Size& size) {
    // Across first, then down.
    std::vector<double> lines(kChannels * size.width * picture.size.height);
    for (std::uint32_t x = 0; x < size.width; ++x) {
        const Taps taps = taps_of(x, size.width, picture.size.width);
        for (std::uint32_t y = 0; y < picture.size.height; ++y) {
            double* out = lines.data() + kChannels * (std::size_t{y} * size.width + x);
            for (std::size_t tap = 0; tap < taps.from.size(); ++tap) {
                const std::uint8_t* in = picture.pixels.data() + offset(picture.size, taps.from[tap], y);
                for (std::size_t channel = 0; channel < kChannels; ++channel) {
                    out[channel] += taps.weights[tap] * in[channel];
                }
            }
        }
    }
    Picture out = blank(size);
    for (std::uint32_t y = 0; y < size.height; ++y) {
        const Taps taps = taps_of(y, size.height, picture.size.height);
        for (std::size_t at = 0; at < kChannels * size.width; ++at) {
            double sum = 0;
            for (std::size_t tap = 0; tap < taps.from.size(); ++tap) {
                sum += taps.weights[tap] * lines[kChannels * size.width * taps.from[tap] + at];
            }
            out.pixels[offset(size, 0, y) + at] = static_cast<std::uint8_t>(std::lround(std::clamp(sum, 0.0, 255.0)));
        }
    }
    return out;
}

double psnr(const Picture& left, const Picture& right) {
    CHECK(left.size == right.size);
    double squares = 0;
    for (std::size_t at = 0; at < left.pixels.size(); ++at) {
        if (at % kChannels == kChannels - 1) continue;
        const double off = static_cast<double>(left.pixels[at]) - right.pixels[at];
        squares += off * off;
    }
    if (squares == 0) return std::numeric_limits<double>::infinity();
    const double samples = 3.0 * left.size.width * left.size.height;
    return 10 * std::log10(255.0 * 255.0 * samples / squares);
}

}  // namespace vcity::studio
