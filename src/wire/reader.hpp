// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::wire {

inline constexpr std::size_t kTextBytesMax = 1U << 20U;
inline constexpr std::size_t kListMax = 4096;
inline constexpr std::size_t kBatchReceiptsMax = 16'384;  // also of market::make_batch
inline constexpr std::size_t kEarningsMax = 65'536;       // every node a scheduler ever paid
inline constexpr std::size_t kProofMax = 64;
inline constexpr std::size_t kStopMax = 4;
inline constexpr std::size_t kLabelBytesMax = 31;

// Reads fields of a parsed protobuf message into model values. The first field that is wrong is remembered and the
// reading goes on with zero values, so that a conversion is a plain list of fields; finish() tells whether it counted.
class Reader {
  public:
    template <class Fixed>
    Fixed fixed(const std::string& bytes, const char* name) {
        if (bytes.size() != Fixed::kSize) fail_size(name, bytes.size(), Fixed::kSize);
        return Fixed::make(as_bytes(bytes));
    }

    std::string text(const std::string& value, const char* name, std::size_t bytes_max = kTextBytesMax);

    // Opaque bytes.
    Bytes data(const std::string& value, const char* name, std::size_t bytes_max);

    // The wire counts from one, so that a missing value is not mistaken for the first.
    template <class Enum>
    Enum enumeration(int value, Enum last, const char* name) {
        if (value < 1 || value > static_cast<int>(last) + 1) {
            fail(name, "is no known value");
            return Enum{};
        }
        return static_cast<Enum>(value - 1);
    }

    double in_range(double value, double low, double high, const char* name);
    std::uint16_t narrow(std::uint32_t value, const char* name);

    // A sub-message; read(Reader&, const Proto&) is found beside the Reader.
    template <class Proto>
    auto message(bool is_present, const Proto& proto, const char* name) {
        if (!is_present) fail(name, "is missing");
        return read(*this, proto);
    }

    template <class Range>
    auto list(const Range& range, std::size_t max, const char* name) {
        std::vector<decltype(read(*this, *range.begin()))> items;
        if (!fits(range.size(), max, name)) return items;
        items.reserve(static_cast<std::size_t>(range.size()));
        for (const auto& item : range) items.push_back(read(*this, item));
        return items;
    }

    template <class Fixed, class Range>
    std::vector<Fixed> fixed_list(const Range& range, std::size_t max, const char* name) {
        std::vector<Fixed> items;
        if (!fits(range.size(), max, name)) return items;
        items.reserve(static_cast<std::size_t>(range.size()));
        for (const auto& item : range) items.push_back(fixed<Fixed>(item, name));
        return items;
    }

    template <class Range>
    std::vector<std::uint32_t> numbers(const Range& range, std::size_t max, const char* name) {
        if (!fits(range.size(), max, name)) return {};
        return {range.begin(), range.end()};
    }

    template <class Range>
    std::vector<std::string> text_list(const Range& range,
                                       std::size_t max,
                                       const char* name,
                                       std::size_t bytes_max = kTextBytesMax) {
        std::vector<std::string> items;
        if (!fits(range.size(), max, name)) return items;
        for (const auto& item : range) items.push_back(text(item, name, bytes_max));
        return items;
    }

    void fail(const char* name, const char* what);

    // The value, or the first failure.
    template <class Value>
    Result<Value> finish(Value value) && {
        if (error_) return *std::move(error_);
        return value;
    }

  private:
    bool fits(int size, std::size_t max, const char* name);
    void fail_size(const char* name, std::size_t size, std::size_t expected);

    std::optional<Error> error_;
};

}  // namespace vcity::wire
