// SPDX-License-Identifier: Apache-2.0
#include "adapters/transfer_http/address_guard.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include <arpa/inet.h>

#include "codec/url.hpp"

namespace vcity::adapters {
namespace {

using Address6 = std::array<std::uint8_t, 16>;

struct Block4 {
    std::uint32_t first;
    unsigned bits;
};

constexpr std::uint32_t ip4(unsigned a, unsigned b, unsigned c) {
    return a << 24U | b << 16U | c << 8U;
}

constexpr std::array kNotPublic4 = {
    Block4{ip4(0, 0, 0), 8},      Block4{ip4(10, 0, 0), 8},     Block4{ip4(100, 64, 0), 10},
    Block4{ip4(127, 0, 0), 8},    Block4{ip4(169, 254, 0), 16}, Block4{ip4(172, 16, 0), 12},
    Block4{ip4(192, 0, 0), 24},   Block4{ip4(192, 0, 2), 24},   Block4{ip4(192, 88, 99), 24},
    Block4{ip4(192, 168, 0), 16}, Block4{ip4(198, 18, 0), 15},  Block4{ip4(198, 51, 100), 24},
    Block4{ip4(203, 0, 113), 24}, Block4{ip4(224, 0, 0), 3},
};

struct Block6 {
    std::uint64_t first;  // the upper half of the address
    unsigned bits;        // at most 64
};

// Of 2000::/3, the only part that is global unicast.
constexpr std::array kNotPublic6 = {
    Block6{0x2001'0000'0000'0000, 23},  // protocol assignments, Teredo among them
    Block6{0x2001'0db8'0000'0000, 32},  // documentation
    Block6{0x2002'0000'0000'0000, 16},  // 6to4
    Block6{0x3fff'0000'0000'0000, 20},  // documentation
};

bool is_public4(std::uint32_t address) {
    return std::ranges::none_of(kNotPublic4, [address](const Block4& block) {
        const unsigned shift = 32 - block.bits;
        return address >> shift == block.first >> shift;
    });
}

bool is_public6(const Address6& address) {
    std::uint64_t upper = 0;
    for (std::size_t byte = 0; byte < 8; ++byte) upper = upper << 8U | address[byte];
    if (upper >> 61U != 1) return false;
    return std::ranges::none_of(kNotPublic6, [upper](const Block6& block) {
        const unsigned shift = 64 - block.bits;
        return upper >> shift == block.first >> shift;
    });
}

}  // namespace

bool is_public_address(std::string_view text) {
    const std::string address{text};
    in_addr v4{};
    if (::inet_pton(AF_INET, address.c_str(), &v4) == 1) return is_public4(ntohl(v4.s_addr));
    Address6 v6{};
    return ::inet_pton(AF_INET6, address.c_str(), v6.data()) == 1 && is_public6(v6);
}

Result<AddressGuard> AddressGuard::make(const std::vector<std::string>& origins) {
    AddressGuard guard;
    for (const std::string& origin : origins) {
        TRY(const codec::Url url, codec::parse_url(origin));
        if (url.scheme != "http" && url.scheme != "https") {
            return make_error(Errc::kInvalid, "an origin of files must be http or https: " + origin);
        }
        guard.servers_.push_back(url.scheme + "://" + url.authority());
    }
    return guard;
}

bool AddressGuard::allows(const std::string& server, const std::string& address) const {
    if (std::ranges::find(servers_, server) != servers_.end()) return true;
    return server.starts_with("https://") && is_public_address(address);
}

}  // namespace vcity::adapters
