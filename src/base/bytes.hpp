// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vcity {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

// N bytes with a meaning of their own: two types with different tags cannot be swapped at a call.
template <class Tag, std::size_t N>
struct FixedBytes {
    static constexpr std::size_t kSize = N;

    std::array<std::uint8_t, N> bytes{};

    auto operator<=>(const FixedBytes&) const = default;
    ByteView view() const { return bytes; }
    bool is_zero() const { return *this == FixedBytes{}; }

    // Empty or wrong-sized input gives the zero value only through make(); use it where the size is known to fit.
    static FixedBytes make(ByteView view) {
        FixedBytes value;
        if (view.size() == N) std::memcpy(value.bytes.data(), view.data(), N);
        return value;
    }
    // The same bytes under another name, e.g. a hash that serves as an id.
    template <class Other>
    Other as() const {
        static_assert(Other::kSize == N);
        return Other{bytes};
    }
};

using Hash = FixedBytes<struct HashTag, 32>;            // keccak-256 or another 32-byte digest
using Address = FixedBytes<struct AddressTag, 20>;      // EVM account or contract
using Signature = FixedBytes<struct SignatureTag, 65>;  // r || s || v, v in {27, 28}, s in the lower half
using JobId = FixedBytes<struct JobIdTag, 32>;
using CapId = FixedBytes<struct CapIdTag, 32>;  // EIP-712 hashStruct of a SpendingCap
using U256 = FixedBytes<struct U256Tag, 32>;    // big-endian unsigned integer

inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView view) {
    return {reinterpret_cast<const char*>(view.data()), view.size()};
}
inline void append(Bytes* target, ByteView view) {
    target->insert(target->end(), view.begin(), view.end());
}

}  // namespace vcity

template <class Tag, std::size_t N>
struct std::hash<vcity::FixedBytes<Tag, N>> {
    std::size_t operator()(const vcity::FixedBytes<Tag, N>& value) const noexcept {
        return std::hash<std::string_view>{}(vcity::as_text(value.bytes));
    }
};
