// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"

// Bytes of events and of what is hashed: integers big-endian, texts and lists with their count in four bytes before.
namespace vcity::work::detail {

class ByteWriter {
  public:
    explicit ByteWriter(Bytes* bytes) : bytes_{bytes} {}

    template <std::unsigned_integral T>
    void put(T value) {
        for (std::size_t shift = sizeof(T); shift-- > 0;) {
            bytes_->push_back(static_cast<std::uint8_t>(value >> (8 * shift)));
        }
    }
    void put(bool value) { bytes_->push_back(value ? 1 : 0); }
    void put(ByteView view) {
        put(static_cast<std::uint32_t>(view.size()));
        append(bytes_, view);
    }
    void put(std::string_view text) { put(as_bytes(text)); }
    void put(const std::string& text) { put(as_bytes(text)); }
    void put(const Bytes& bytes) { put(ByteView{bytes}); }
    void put(Usd amount) { put(amount.micro); }
    void put(UnixMillis time) { put(std::uint64_t{time.count()}); }
    template <class Tag, std::size_t N>
    void put(const FixedBytes<Tag, N>& value) {
        append(bytes_, value.view());
    }
    template <class Enum>
        requires std::is_enum_v<Enum>
    void put(Enum value) {
        put(static_cast<std::uint8_t>(value));
    }
    void put(const std::vector<std::string>& texts) {
        put(static_cast<std::uint32_t>(texts.size()));
        for (const std::string& text : texts) put(text);
    }

  private:
    Bytes* bytes_;
};

// Reads untrusted bytes front to back. Errors stick: after the first every value is zero or empty, and a parser asks
// ok() once. Nothing is allocated for a count that the rest cannot hold.
class ByteReader {
  public:
    explicit ByteReader(ByteView bytes) : rest_{bytes} {}

    template <std::unsigned_integral T>
    void get(T* value) {
        std::uint64_t read = 0;
        for (const std::uint8_t byte : raw(sizeof(T))) read = read << 8U | byte;
        *value = static_cast<T>(read);
    }
    void get(bool* value) {
        std::uint8_t byte = 0;
        get(&byte);
        if (byte > 1) fail();
        *value = byte == 1;
    }
    void get(Bytes* bytes) {
        const ByteView view = raw(length());
        bytes->assign(view.begin(), view.end());
    }
    void get(std::string* text) { text->assign(as_text(raw(length()))); }
    void get(Usd* amount) { get(&amount->micro); }
    void get(UnixMillis* time) {
        std::uint64_t count = 0;
        get(&count);
        *time = UnixMillis{count};
    }
    template <class Tag, std::size_t N>
    void get(FixedBytes<Tag, N>* value) {
        *value = FixedBytes<Tag, N>::make(raw(N));
    }
    // An enumerator from 0 to `last`.
    template <class Enum>
    void get(Enum* value, Enum last) {
        std::uint8_t byte = 0;
        get(&byte);
        if (byte > static_cast<std::uint8_t>(last)) fail();
        *value = ok_ ? static_cast<Enum>(byte) : Enum{};
    }
    void get(std::vector<std::string>* texts) {
        const std::size_t size = count(sizeof(std::uint32_t));
        texts->resize(size);
        for (std::string& text : *texts) get(&text);
    }
    // Of things that take at least `bytes_each`.
    std::size_t count(std::size_t bytes_each) {
        const std::size_t size = length();
        if (size > rest_.size() / bytes_each) fail();
        return ok_ ? size : 0;
    }

    void fail() { ok_ = false; }
    bool ok() const { return ok_; }
    bool is_at_end() const { return ok_ && rest_.empty(); }

  private:
    std::size_t length() {
        std::uint32_t size = 0;
        get(&size);
        return size;
    }
    ByteView raw(std::size_t size) {
        if (size > rest_.size()) fail();
        if (!ok_) return {};
        const ByteView part = rest_.first(size);
        rest_ = rest_.subspan(size);
        return part;
    }

    ByteView rest_;
    bool ok_ = true;
};

}  // namespace vcity::work::detail
