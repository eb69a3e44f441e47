// SPDX-License-Identifier: Apache-2.0
#include "codec/abi.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "codec/integer.hpp"

namespace vcity::codec {
namespace {

using Kind = AbiValue::Kind;

constexpr std::size_t kWordSize = 32;

AbiValue word_value(const U256& word) {
    return {.kind = Kind::kWord, .word = word, .bytes = {}, .items = {}};
}

bool is_dynamic(const AbiValue& value) {
    switch (value.kind) {
        case Kind::kWord: return false;
        case Kind::kBytes:
        case Kind::kArray: return true;
        case Kind::kTuple: return std::ranges::any_of(value.items, is_dynamic);
    }
    unreachable();
}

std::size_t padded(std::size_t size) {
    return (size + kWordSize - 1) / kWordSize * kWordSize;
}

void append_value(Bytes* out, const AbiValue& value);

// head(X1) ... head(Xn) tail(X1) ... tail(Xn) of the specification; an offset counts from the start of the heads.
void append_items(Bytes* out, const std::vector<AbiValue>& items) {
    Bytes tails;
    std::vector<Bytes> heads;
    std::size_t heads_size = 0;
    for (const AbiValue& item : items) {
        Bytes head;
        if (!is_dynamic(item)) append_value(&head, item);
        heads_size += head.empty() ? kWordSize : head.size();
        heads.push_back(std::move(head));
    }
    for (std::size_t index = 0; index < items.size(); ++index) {
        if (is_dynamic(items[index])) {
            append(&heads[index], to_u256(heads_size + tails.size()).view());
            append_value(&tails, items[index]);
        }
        append(out, heads[index]);
    }
    append(out, tails);
}

void append_value(Bytes* out, const AbiValue& value) {
    switch (value.kind) {
        case Kind::kWord: append(out, value.word.view()); return;
        case Kind::kBytes:
            append(out, to_u256(value.bytes.size()).view());
            append(out, value.bytes);
            out->resize(out->size() + padded(value.bytes.size()) - value.bytes.size());
            return;
        case Kind::kArray:
            append(out, to_u256(value.items.size()).view());
            append_items(out, value.items);
            return;
        case Kind::kTuple: append_items(out, value.items); return;
    }
    unreachable();
}

// Whether all bytes of [first, first + count) are zero.
bool is_zero(const U256& word, std::size_t first, std::size_t count) {
    const ByteView bytes = word.view().subspan(first, count);
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

// The number in a canonical name such as "uint128" or "bytes4".
std::size_t size_in(const std::string& name, std::size_t prefix) {
    return static_cast<std::size_t>(parse_decimal(std::string_view{name}.substr(prefix)).value());
}

// Whether all bytes above the lowest `size` repeat the sign of those.
bool is_sign_extended(const U256& word, std::size_t size) {
    const ByteView bytes = word.view();
    const std::uint8_t sign = (bytes[kWordSize - size] & 0x80U) != 0 ? 0xff : 0;
    return std::ranges::all_of(bytes.first(kWordSize - size), [sign](std::uint8_t byte) { return byte == sign; });
}

bool is_in_range(const AbiType& type, const U256& word) {
    if (type.name == "bool") return is_zero(word, 0, 31) && word.bytes[31] <= 1;
    if (type.name == "address") return is_zero(word, 0, kWordSize - Address::kSize);
    if (type.name.starts_with("uint")) return is_zero(word, 0, kWordSize - size_in(type.name, 4) / 8);
    if (type.name.starts_with("int")) return is_sign_extended(word, size_in(type.name, 3) / 8);
    const std::size_t size = size_in(type.name, 5);
    return is_zero(word, size, kWordSize - size);
}

std::vector<const AbiType*> pointers_to(const std::vector<AbiType>& types) {
    std::vector<const AbiType*> pointers;
    pointers.reserve(types.size());
    for (const AbiType& type : types) pointers.push_back(&type);
    return pointers;
}

// Decodes one block of heads and tails. Every byte of a canonical encoding is read once, so the bytes read, which are
// also what is allocated, may not exceed the input: this stops inputs whose offsets share a tail.
class Decoder {
  public:
    explicit Decoder(std::size_t budget) : budget_{budget} {}

    Result<std::vector<AbiValue>> items(const std::vector<const AbiType*>& types, ByteView block) {
        std::vector<AbiValue> values;
        std::size_t head = 0;
        for (const AbiType* type : types) {
            TRY(AbiValue each, type->is_dynamic() ? tail(*type, block, &head) : in_place(*type, block, &head));
            values.push_back(std::move(each));
        }
        return values;
    }

  private:
    static Error malformed(const char* what) { return make_error(Errc::kInvalid, std::string{"ABI "} + what); }

    Result<U256> word(ByteView block, std::size_t* position) {
        if (block.size() < *position + kWordSize || budget_ < kWordSize) return malformed("data ends too early");
        const U256 result = U256::make(block.subspan(*position, kWordSize));
        *position += kWordSize;
        budget_ -= kWordSize;
        return result;
    }

    Result<std::size_t> size(ByteView block, std::size_t* position) {
        TRY(const U256 number, word(block, position));
        const Result<std::uint64_t> value = to_u64(number);
        if (!value || *value > block.size()) return malformed("offset or length is outside the data");
        return static_cast<std::size_t>(*value);
    }

    // A word or a static tuple, among the heads.
    Result<AbiValue> in_place(const AbiType& type, ByteView block, std::size_t* head) {
        if (type.kind == Kind::kWord) {
            TRY(const U256 value, word(block, head));
            if (!is_in_range(type, value)) return malformed("value does not fit its type");
            return word_value(value);
        }
        AbiValue tuple = abi_tuple({});
        for (const AbiType& member : type.members) {
            TRY(AbiValue each, in_place(member, block, head));
            tuple.items.push_back(std::move(each));
        }
        return tuple;
    }

    Result<AbiValue> tail(const AbiType& type, ByteView block, std::size_t* head) {
        TRY(const std::size_t offset, size(block, head));
        const ByteView rest = block.subspan(offset);
        if (type.kind == Kind::kTuple) {
            TRY(std::vector<AbiValue> values, items(pointers_to(type.members), rest));
            return abi_tuple(std::move(values));
        }
        std::size_t position = 0;
        TRY(const std::size_t count, size(rest, &position));
        return type.kind == Kind::kBytes ? bytes(rest.subspan(position), count)
                                         : array(type.members.front(), rest.subspan(position), count);
    }

    Result<AbiValue> bytes(ByteView rest, std::size_t count) {
        if (rest.size() < padded(count) || budget_ < padded(count)) return malformed("data ends too early");
        budget_ -= padded(count);
        return abi_bytes(rest.first(count));
    }

    Result<AbiValue> array(const AbiType& element, ByteView rest, std::size_t count) {
        // Each element takes at least a word.
        if (count > budget_ / kWordSize) return malformed("array is longer than the data");
        TRY(std::vector<AbiValue> values, items(std::vector<const AbiType*>(count, &element), rest));
        return abi_array(std::move(values));
    }

    std::size_t budget_;
};

}  // namespace

AbiValue abi_uint(std::uint64_t value) {
    return word_value(to_u256(value));
}

AbiValue abi_uint_wide(U128 value) {
    return word_value(to_u256_wide(value));
}

AbiValue abi_int(std::int64_t value) {
    U256 word = to_u256(static_cast<std::uint64_t>(value));
    if (value < 0) std::fill(word.bytes.begin(), word.bytes.end() - sizeof(value), std::uint8_t{0xff});
    return word_value(word);
}

AbiValue abi_bool(bool value) {
    return abi_uint(value ? 1 : 0);
}

AbiValue abi_word(const U256& word) {
    return word_value(word);
}

AbiValue abi_hash(const Hash& hash) {
    return word_value(hash.as<U256>());
}

AbiValue abi_address(const Address& address) {
    U256 word;
    std::ranges::copy(address.bytes, word.bytes.end() - Address::kSize);
    return word_value(word);
}

AbiValue abi_fixed_bytes(ByteView bytes) {
    CHECK(!bytes.empty() && bytes.size() <= kWordSize);
    U256 word;
    std::ranges::copy(bytes, word.bytes.begin());
    return word_value(word);
}

AbiValue abi_bytes(ByteView bytes) {
    return {.kind = Kind::kBytes, .word = {}, .bytes = Bytes(bytes.begin(), bytes.end()), .items = {}};
}

AbiValue abi_string(std::string_view text) {
    return abi_bytes(as_bytes(text));
}

AbiValue abi_array(std::vector<AbiValue> items) {
    return {.kind = Kind::kArray, .word = {}, .bytes = {}, .items = std::move(items)};
}

AbiValue abi_tuple(std::vector<AbiValue> items) {
    return {.kind = Kind::kTuple, .word = {}, .bytes = {}, .items = std::move(items)};
}

Bytes abi_encode(const std::vector<AbiValue>& arguments) {
    Bytes encoded;
    append_items(&encoded, arguments);
    return encoded;
}

Result<std::vector<AbiValue>> abi_decode(const std::vector<AbiType>& types, ByteView bytes) {
    TRY(std::vector<AbiValue> values, Decoder{bytes.size()}.items(pointers_to(types), bytes));
    // Offsets out of order, gaps, padding that is not zero and bytes at the end all show here.
    if (!std::ranges::equal(abi_encode(values), bytes)) {
        return make_error(Errc::kInvalid, "ABI data is not in canonical form");
    }
    return values;
}

Result<std::uint64_t> abi_to_u64(const AbiValue& value) {
    if (value.kind != Kind::kWord) return make_error(Errc::kInvalid, "ABI value is no word");
    return to_u64(value.word);
}

Result<U128> abi_to_u128(const AbiValue& value) {
    if (value.kind != Kind::kWord) return make_error(Errc::kInvalid, "ABI value is no word");
    return to_u128(value.word);
}

Result<std::int64_t> abi_to_i64(const AbiValue& value) {
    if (value.kind != Kind::kWord || !is_sign_extended(value.word, sizeof(std::int64_t))) {
        return make_error(Errc::kInvalid, "ABI value is no signed number of 64 bits");
    }
    std::uint64_t bits = 0;
    for (const std::uint8_t byte : value.word.view().last(sizeof(bits))) bits = (bits << 8U) | byte;
    return static_cast<std::int64_t>(bits);
}

Result<bool> abi_to_bool(const AbiValue& value) {
    TRY(const std::uint64_t number, abi_to_u64(value));
    if (number > 1) return make_error(Errc::kInvalid, "ABI value is no bool");
    return number == 1;
}

Result<Hash> abi_to_hash(const AbiValue& value) {
    if (value.kind != Kind::kWord) return make_error(Errc::kInvalid, "ABI value is no word");
    return value.word.as<Hash>();
}

Result<Address> abi_to_address(const AbiValue& value) {
    if (value.kind != Kind::kWord || !is_zero(value.word, 0, kWordSize - Address::kSize)) {
        return make_error(Errc::kInvalid, "ABI value is no address");
    }
    return Address::make(value.word.view().last(Address::kSize));
}

}  // namespace vcity::codec
