// SPDX-License-Identifier: Apache-2.0
#include "wire/reader.hpp"

#include <limits>

#include <fmt/format.h>

namespace vcity::wire {

std::string Reader::text(const std::string& value, const char* name, std::size_t bytes_max) {
    if (value.size() > bytes_max) {
        fail(name, "is too long");
        return {};
    }
    return value;
}

Bytes Reader::data(const std::string& value, const char* name, std::size_t bytes_max) {
    if (value.size() > bytes_max) {
        fail(name, "is too long");
        return {};
    }
    const ByteView view = as_bytes(value);
    return {view.begin(), view.end()};
}

double Reader::in_range(double value, double low, double high, const char* name) {
    // Written so that NaN is outside.
    if (!(value >= low && value <= high)) {
        fail(name, "is out of range");
        return low;
    }
    return value;
}

std::uint16_t Reader::narrow(std::uint32_t value, const char* name) {
    if (value > std::numeric_limits<std::uint16_t>::max()) {
        fail(name, "is out of range");
        return 0;
    }
    return static_cast<std::uint16_t>(value);
}

void Reader::fail(const char* name, const char* what) {
    if (!error_) error_ = make_error(Errc::kCorrupt, fmt::format("{} {}", name, what));
}

bool Reader::fits(int size, std::size_t max, const char* name) {
    if (static_cast<std::size_t>(size) <= max) return true;
    fail(name, "has too many elements");
    return false;
}

void Reader::fail_size(const char* name, std::size_t size, std::size_t expected) {
    if (!error_) {
        error_ = make_error(Errc::kCorrupt, fmt::format("{} has {} bytes, expected {}", name, size, expected));
    }
}

}  // namespace vcity::wire
