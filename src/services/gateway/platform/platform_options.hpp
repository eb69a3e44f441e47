// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "services/gateway/platform/explorer_link.hpp"

namespace vcity::gateway {

// An ERC-20 as wallets show it.
struct TokenText {
    std::string symbol;
    std::string name;
    std::uint8_t decimals = 0;
};

struct PlatformOptions {
    ExplorerLink::Options explorer;
    std::string rpc_url;                       // of the chain, for browsers; empty: wallets bring their own
    std::vector<std::string> scheduler_links;  // ws:// or wss://, where nodes may dial in; empty: not told
    TokenText stable{.symbol = "USD", .name = "Stablecoin", .decimals = 6};
    TokenText vcai{.symbol = "VCAI", .name = "VCAI", .decimals = 18};
    std::string software = "vcity-gateway/0.1.0";
    // Of one address, without a key.
    std::uint64_t requests_per_minute = 1'200;
};

}  // namespace vcity::gateway
