// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::verify::detail {

static_assert(std::endian::native == std::endian::little, "the canonical bytes are copied without swapping");

template <class T>
void put(Bytes* out, T value) {
    static_assert(std::is_arithmetic_v<T>);
    const std::size_t at = out->size();
    out->resize(at + sizeof(T));
    std::memcpy(out->data() + at, &value, sizeof(T));
}

template <class T>
void put_all(Bytes* out, std::span<const T> values) {
    if (values.empty()) return;
    const std::size_t at = out->size();
    out->resize(at + values.size_bytes());
    std::memcpy(out->data() + at, values.data(), values.size_bytes());
}

// Reads untrusted bytes front to back. After the first read past the end every read gives zero and ok() is false, so a
// parser checks once. Counts must be checked against remaining() before anything is allocated for them.
class Reader {
  public:
    explicit Reader(ByteView bytes) : rest_{bytes} {}

    template <class T>
    T get() {
        static_assert(std::is_arithmetic_v<T>);
        T value{};
        const ByteView part = take(sizeof(T));
        if (ok_) std::memcpy(&value, part.data(), sizeof(T));
        return value;
    }
    template <class Fixed>
    Fixed get_fixed() {
        return Fixed::make(take(Fixed::kSize));
    }
    template <class T>
    std::vector<T> get_all(std::size_t count) {
        if (count > rest_.size() / sizeof(T)) ok_ = false;
        if (!ok_) return {};
        std::vector<T> values(count);
        const ByteView part = take(count * sizeof(T));
        if (count > 0) std::memcpy(values.data(), part.data(), part.size());
        return values;
    }

    bool ok() const { return ok_; }
    std::size_t remaining() const { return rest_.size(); }

  private:
    ByteView take(std::size_t size) {
        if (size > rest_.size()) ok_ = false;
        if (!ok_) return {};
        const ByteView part = rest_.first(size);
        rest_ = rest_.subspan(size);
        return part;
    }

    ByteView rest_;
    bool ok_ = true;
};

}  // namespace vcity::verify::detail
