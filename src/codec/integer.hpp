// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::codec {

// Big-endian 256-bit words, as the EVM has them.
U256 to_u256(std::uint64_t value);
U256 to_u256_wide(U128 value);
// kInvalid when the value does not fit.
Result<std::uint64_t> to_u64(const U256& value);
Result<U128> to_u128(const U256& value);

// JSON-RPC quantities: "0x0", "0x1f"; no leading zeros accepted beyond "0x0".
std::string to_quantity(std::uint64_t value);
Result<std::uint64_t> parse_quantity(std::string_view text);
Result<U256> parse_quantity_u256(std::string_view text);

Result<std::uint64_t> parse_decimal(std::string_view text);
std::string to_decimal(U128 value);

}  // namespace vcity::codec
