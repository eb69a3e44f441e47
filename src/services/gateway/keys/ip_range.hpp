// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vcity::gateway {

// Addresses that share their first bits: "203.0.113.0/24", "2001:db8::/32", or one address. IPv4 is kept as the
// addresses ::ffff:0:0/96, so that both writings of an address are one.
struct IpRange {
    std::array<std::uint8_t, 16> address{};
    unsigned bits = 128;

    // text: an address without a port. False for what is none.
    bool contains(std::string_view text) const;

    bool operator==(const IpRange&) const = default;
};

// nullopt: no address, or more bits than it has. Untrusted; bits beyond the prefix may be set, and do not matter.
std::optional<IpRange> parse_ip_range(std::string_view text);

// Whether one of the ranges, as texts, has the address; true when there are none.
bool is_allowed_from(std::span<const std::string> ranges, std::string_view address);

}  // namespace vcity::gateway
