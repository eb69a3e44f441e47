// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/keys/ip_range.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <arpa/inet.h>

namespace vcity::gateway {
namespace {

using IpBytes = std::array<std::uint8_t, 16>;

constexpr std::size_t kTextMax = 45;
constexpr std::size_t kMappedBytes = 12;

// Also whether it was written as IPv4.
std::optional<std::pair<IpBytes, bool>> parse_address(std::string_view text) {
    if (text.size() > kTextMax || text.find('\0') != std::string_view::npos) return std::nullopt;
    const std::string whole{text};
    IpBytes bytes{};
    std::array<std::uint8_t, 4> short_form{};
    if (inet_pton(AF_INET, whole.c_str(), short_form.data()) == 1) {
        bytes[10] = 0xff;
        bytes[11] = 0xff;
        std::ranges::copy(short_form, bytes.begin() + kMappedBytes);
        return std::pair{bytes, true};
    }
    if (inet_pton(AF_INET6, whole.c_str(), bytes.data()) == 1) return std::pair{bytes, false};
    return std::nullopt;
}

}  // namespace

bool IpRange::contains(std::string_view text) const {
    const auto given = parse_address(text);
    if (!given) return false;
    for (unsigned bit = 0; bit < bits; ++bit) {
        const unsigned mask = 0x80U >> (bit % 8);
        if (((given->first[bit / 8] ^ address[bit / 8]) & mask) != 0) return false;
    }
    return true;
}

std::optional<IpRange> parse_ip_range(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto parsed = parse_address(text.substr(0, slash));
    if (!parsed) return std::nullopt;
    const auto [address, is_short] = *parsed;
    IpRange range{.address = address, .bits = 128};
    if (slash == std::string_view::npos) return range;
    const std::string_view number = text.substr(slash + 1);
    unsigned bits = 0;
    const auto [stop, code] = std::from_chars(number.data(), number.data() + number.size(), bits);
    const unsigned most = is_short ? 32 : 128;
    if (code != std::errc{} || stop != number.data() + number.size() || bits > most) return std::nullopt;
    range.bits = is_short ? bits + kMappedBytes * 8 : bits;
    return range;
}

bool is_allowed_from(std::span<const std::string> ranges, std::string_view address) {
    return ranges.empty() || std::ranges::any_of(ranges, [&](const std::string& text) {
               const std::optional<IpRange> range = parse_ip_range(text);
               return range && range->contains(address);
           });
}

}  // namespace vcity::gateway
