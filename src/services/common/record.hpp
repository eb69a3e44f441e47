// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace vcity::services {

// The form in which roles keep their own records in a Store: fields in a fixed order, integers as 8 little-endian
// bytes, byte strings with a 4-byte length. The first field is the record's version, so that a later program can read
// what an earlier one wrote.
class RecordWriter {
  public:
    explicit RecordWriter(std::uint64_t version) { put(version); }

    RecordWriter& put(std::uint64_t value);
    RecordWriter& put(ByteView bytes);
    RecordWriter& put(std::string_view text) { return put(as_bytes(text)); }
    RecordWriter& put(const std::string& text) { return put(as_bytes(text)); }
    RecordWriter& put(const Bytes& bytes) { return put(ByteView{bytes}); }
    RecordWriter& put(Usd amount) { return put(amount.micro); }
    RecordWriter& put(UnixMillis time) { return put(time.count()); }
    template <class Tag, std::size_t N>
    RecordWriter& put(const FixedBytes<Tag, N>& value) {
        append(&bytes_, value.view());
        return *this;
    }
    Bytes take() { return std::move(bytes_); }

  private:
    Bytes bytes_;
};

// Reads in the same order. Errors stick: after the first one every value is zero or empty, and finish() tells it, so
// that a parser reads straight down and asks once.
class RecordReader {
  public:
    // What comes from a store was written by us, but a disk may lie: lengths are bounded by the input.
    explicit RecordReader(ByteView bytes) : rest_{bytes} {}

    std::uint64_t integer();
    Bytes bytes();
    std::string text();
    Usd usd() { return Usd{integer()}; }
    UnixMillis time() { return UnixMillis{integer()}; }
    template <class Fixed>
    Fixed fixed() {
        return Fixed::make(raw(Fixed::kSize));
    }
    // An enumerator in [0, last]; anything else is an error.
    template <class Enum>
    Enum enumerator(Enum last) {
        const std::uint64_t value = integer();
        if (value > static_cast<std::uint64_t>(last)) failed_ = true;
        return failed_ ? Enum{} : static_cast<Enum>(value);
    }
    // Counts of repeated fields; each needs at least one byte, so a count above the rest is an error.
    std::size_t count();
    // For the parser's own checks, e.g. of a nested record.
    void fail() { failed_ = true; }
    // kCorrupt when anything was short, out of range or left over.
    Result<void> finish(std::string_view what) const;

  private:
    ByteView raw(std::size_t size);

    ByteView rest_;
    bool failed_ = false;
};

}  // namespace vcity::services
