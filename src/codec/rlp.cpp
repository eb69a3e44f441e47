// SPDX-License-Identifier: Apache-2.0
#include "codec/rlp.hpp"

#include <algorithm>

#include "codec/integer.hpp"

namespace vcity::codec {
namespace {

constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kItemsMax = 65'536;
// Payloads up to this size have their length in the first byte.
constexpr std::size_t kShortMax = 55;
constexpr std::uint8_t kStringBase = 0x80;
constexpr std::uint8_t kListBase = 0xc0;

ByteView without_leading_zeros(ByteView bytes) {
    const auto first = std::ranges::find_if(bytes, [](std::uint8_t byte) { return byte != 0; });
    return bytes.subspan(static_cast<std::size_t>(first - bytes.begin()));
}

void append_header(Bytes* out, std::uint8_t base, std::size_t size) {
    if (size <= kShortMax) {
        out->push_back(static_cast<std::uint8_t>(base + size));
        return;
    }
    const U256 word = to_u256(size);
    const ByteView length = without_leading_zeros(word.view());
    out->push_back(static_cast<std::uint8_t>(base + kShortMax + length.size()));
    append(out, length);
}

void append_item(Bytes* out, const RlpItem& item) {
    if (item.is_list) {
        Bytes payload;
        for (const RlpItem& each : item.items) append_item(&payload, each);
        append_header(out, kListBase, payload.size());
        append(out, payload);
    } else if (item.bytes.size() == 1 && item.bytes[0] < kStringBase) {
        out->push_back(item.bytes[0]);
    } else {
        append_header(out, kStringBase, item.bytes.size());
        append(out, item.bytes);
    }
}

// Reads items from the front of what is left.
class Decoder {
  public:
    explicit Decoder(ByteView bytes) : rest_{bytes} {}

    bool is_at_end() const { return rest_.empty(); }

    Result<RlpItem> item(std::size_t depth) {
        if (rest_.empty()) return make_error(Errc::kInvalid, "RLP ends too early");
        if (++items_ > kItemsMax) return make_error(Errc::kInvalid, "RLP has too many items");
        const std::uint8_t first = rest_.front();
        if (first < kStringBase) return rlp_bytes(*take(1));
        rest_ = rest_.subspan(1);
        if (first < kListBase) return string(static_cast<std::size_t>(first - kStringBase));
        return list(static_cast<std::size_t>(first - kListBase), depth);
    }

  private:
    Result<ByteView> take(std::size_t size) {
        if (size > rest_.size()) return make_error(Errc::kInvalid, "RLP ends too early");
        const ByteView taken = rest_.first(size);
        rest_ = rest_.subspan(size);
        return taken;
    }

    // The payload whose size the header gives: directly up to 55, else as the number of bytes of a big-endian length.
    Result<ByteView> payload(std::size_t code) {
        if (code <= kShortMax) return take(code);
        TRY(const ByteView digits, take(code - kShortMax));
        std::uint64_t size = 0;
        for (const std::uint8_t digit : digits) size = size << 8U | digit;
        if (digits.front() == 0 || size <= kShortMax) return make_error(Errc::kInvalid, "RLP length is not canonical");
        return take(size);
    }

    Result<RlpItem> string(std::size_t code) {
        TRY(const ByteView bytes, payload(code));
        if (bytes.size() == 1 && bytes.front() < kStringBase) {
            return make_error(Errc::kInvalid, "RLP byte is not canonical");
        }
        return rlp_bytes(bytes);
    }

    Result<RlpItem> list(std::size_t code, std::size_t depth) {
        if (depth >= kDepthMax) return make_error(Errc::kInvalid, "RLP is nested too deep");
        TRY(const ByteView bytes, payload(code));
        const ByteView after = rest_;
        rest_ = bytes;
        RlpItem result{.is_list = true, .bytes = {}, .items = {}};
        while (!rest_.empty()) {
            TRY(RlpItem each, item(depth + 1));
            result.items.push_back(std::move(each));
        }
        rest_ = after;
        return result;
    }

    ByteView rest_;
    std::size_t items_ = 0;
};

}  // namespace

RlpItem rlp_bytes(ByteView bytes) {
    return {.is_list = false, .bytes = Bytes(bytes.begin(), bytes.end()), .items = {}};
}

RlpItem rlp_integer(std::uint64_t value) {
    return rlp_u256(to_u256(value));
}

RlpItem rlp_u256(const U256& value) {
    return rlp_bytes(without_leading_zeros(value.view()));
}

RlpItem rlp_list(std::vector<RlpItem> items) {
    return {.is_list = true, .bytes = {}, .items = std::move(items)};
}

Bytes rlp_encode(const RlpItem& item) {
    Bytes encoded;
    append_item(&encoded, item);
    return encoded;
}

Result<RlpItem> rlp_decode(ByteView bytes) {
    Decoder decoder{bytes};
    TRY(RlpItem item, decoder.item(0));
    if (!decoder.is_at_end()) return make_error(Errc::kInvalid, "RLP has bytes after its item");
    return item;
}

}  // namespace vcity::codec
