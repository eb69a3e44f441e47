// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace vcity::codec {

// An absolute address of a service: http, https, ws or wss. No user name, no fragment.
struct Url {
    std::string scheme;  // lower case
    std::string host;    // a name, IPv4, or IPv6 without its brackets
    std::uint16_t port = 0;
    std::string target;  // path and query, starts with '/'

    bool is_secure() const { return scheme == "https" || scheme == "wss"; }
    // For the Host field: with brackets where needed, and with the port unless it is the scheme's own.
    std::string authority() const;

    bool operator==(const Url&) const = default;
};

// At most 2,048 bytes of visible ASCII; kInvalid otherwise.
Result<Url> parse_url(std::string_view text);

}  // namespace vcity::codec
