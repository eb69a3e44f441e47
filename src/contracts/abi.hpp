// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/uint256.hpp"
#include "codec/abi.hpp"

// What the generated bindings are made of. For every contract X of contracts/deployments/artifacts.json the build makes
// contracts/<x>.hpp with namespace vcity::contracts::<x>:
//   encode_f(...)        call data of function f(...)
//   decode_f(answer)     what f returned, strictly: kCorrupt when a value is out of its type's range or bytes are left
//   EEvent, decode_e_event(topics, data), e_topic()
//   encode_constructor(...)
// Names are those of Solidity in our spelling: VeVCAI.lockWithPermit is ve_vcai::encode_lock_with_permit. Unsigned
// numbers of up to 64 bits are std::uintN_t, up to 128 bits U128, larger ones Uint256; signed ones over 64 bits are
// U256. A value that does not fit its type (uint40) is not cut: the contract refuses the call.
namespace vcity::contracts {

using codec::AbiValue;

// bytes1 to bytes31; bytes32 is Hash.
template <std::size_t N>
using ShortBytes = FixedBytes<struct ShortBytesTag, N>;

inline AbiValue pack(const Uint256& value) {
    return codec::abi_word(to_bytes(value));
}
inline AbiValue pack(const U256& value) {
    return codec::abi_word(value);
}
inline AbiValue pack(U128 value) {
    return codec::abi_uint_wide(value);
}
inline AbiValue pack(const Address& value) {
    return codec::abi_address(value);
}
inline AbiValue pack(const Hash& value) {
    return codec::abi_hash(value);
}
inline AbiValue pack(const std::string& value) {
    return codec::abi_string(value);
}
template <std::same_as<bool> Bool>
AbiValue pack(Bool value) {
    return codec::abi_bool(value);
}
template <std::integral Number>
    requires(!std::same_as<Number, bool>)
AbiValue pack(Number value) {
    if constexpr (std::signed_integral<Number>) {
        return codec::abi_int(value);
    } else {
        return codec::abi_uint(value);
    }
}
template <std::size_t N>
AbiValue pack(const ShortBytes<N>& value) {
    return codec::abi_fixed_bytes(value.bytes);
}
template <class Item, class Pack>
AbiValue pack_array(const std::vector<Item>& items, Pack pack_item) {
    std::vector<AbiValue> values;
    values.reserve(items.size());
    for (const Item& item : items) values.push_back(pack_item(item));
    return codec::abi_array(std::move(values));
}

// kCorrupt: the value is not of that type.
Error not_a(const char* type);
Result<std::uint64_t> unpack_unsigned(const AbiValue& value, std::uint64_t max);
Result<std::int64_t> unpack_signed(const AbiValue& value, std::int64_t min, std::int64_t max);
Result<Bytes> unpack_bytes(const AbiValue& value);

template <class T>
Result<T> unpack(const AbiValue& value) = delete;
template <std::integral T>
    requires(!std::same_as<T, bool>)
Result<T> unpack(const AbiValue& value) {
    if constexpr (std::signed_integral<T>) {
        constexpr T kMin = std::numeric_limits<T>::min();
        TRY(const std::int64_t number, unpack_signed(value, kMin, std::numeric_limits<T>::max()));
        return static_cast<T>(number);
    } else {
        TRY(const std::uint64_t number, unpack_unsigned(value, std::numeric_limits<T>::max()));
        return static_cast<T>(number);
    }
}
template <>
Result<bool> unpack<bool>(const AbiValue& value);
template <>
Result<U128> unpack<U128>(const AbiValue& value);
template <>
Result<U256> unpack<U256>(const AbiValue& value);
template <>
Result<Uint256> unpack<Uint256>(const AbiValue& value);
template <>
Result<Address> unpack<Address>(const AbiValue& value);
template <>
Result<Hash> unpack<Hash>(const AbiValue& value);
template <>
Result<std::string> unpack<std::string>(const AbiValue& value);
template <class T>
    requires std::same_as<T, ShortBytes<T::kSize>>
Result<T> unpack(const AbiValue& value) {
    TRY(const Hash word, unpack<Hash>(value));
    return T::make(word.view().first(T::kSize));
}
template <class Item, class Unpack>
Result<std::vector<Item>> unpack_array(const AbiValue& value, Unpack unpack_item) {
    std::vector<Item> items;
    items.reserve(value.items.size());
    for (const AbiValue& each : value.items) {
        TRY(Item item, unpack_item(each));
        items.push_back(std::move(item));
    }
    return items;
}

Bytes encode_selected(std::uint32_t selector, const std::vector<AbiValue>& arguments);
// types: "(uint64,(address,bool)[])". kCorrupt when the data is not exactly such a list.
Result<std::vector<AbiValue>> decode_answer(std::string_view types, ByteView answer);
// The parameters of an event in the order of its declaration. indexed has a '1' for each that is a topic, '0'
// otherwise.
Result<std::vector<AbiValue>> decode_log(const Hash& topic,
                                         std::string_view types,
                                         std::string_view indexed,
                                         const std::vector<Hash>& topics,
                                         ByteView data);

}  // namespace vcity::contracts
