// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/bytes.hpp"

namespace vcity::attest {

enum class ByteOrder : std::uint8_t { kLittle, kBig };

// Walks untrusted bytes. A read past the end gives zeros or an empty view and leaves ok() false for good, so a parser
// reads a whole structure and asks once. Nothing is copied but fixed arrays; views borrow the bytes given.
class Cursor {
  public:
    Cursor(ByteView bytes, ByteOrder order) : bytes_{bytes}, order_{order} {}

    bool ok() const { return ok_; }
    std::size_t offset() const { return offset_; }
    std::size_t remaining() const { return bytes_.size() - offset_; }
    bool at_end() const { return ok_ && remaining() == 0; }

    ByteView take(std::size_t size) {
        if (!ok_ || size > remaining()) {
            ok_ = false;
            return {};
        }
        const ByteView view = bytes_.subspan(offset_, size);
        offset_ += size;
        return view;
    }
    ByteView rest() { return take(remaining()); }

    template <std::size_t N>
    std::array<std::uint8_t, N> fixed() {
        std::array<std::uint8_t, N> value{};
        const ByteView view = take(N);
        std::copy(view.begin(), view.end(), value.begin());
        return value;
    }
    std::uint8_t u8() { return static_cast<std::uint8_t>(integer(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(integer(2)); }
    std::uint32_t u24() { return static_cast<std::uint32_t>(integer(3)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
    std::uint64_t u64() { return integer(8); }

  private:
    std::uint64_t integer(std::size_t size) {
        const ByteView view = take(size);
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < view.size(); ++i) {
            value = value << 8U | view[order_ == ByteOrder::kBig ? i : view.size() - 1 - i];
        }
        return value;
    }

    ByteView bytes_;
    ByteOrder order_;
    std::size_t offset_ = 0;
    bool ok_ = true;
};

inline bool all_equal(ByteView view, std::uint8_t value) {
    return std::all_of(view.begin(), view.end(), [value](std::uint8_t byte) { return byte == value; });
}
inline bool equal(ByteView a, ByteView b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}
inline Bytes to_bytes(ByteView view) {
    return {view.begin(), view.end()};
}

}  // namespace vcity::attest
