// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/platform/platform_options.hpp"
#include "wiring/role_host.hpp"

namespace vcity::wiring {

// Name, symbol and decimals of an ERC-20 as its contract says them, at most 64 bytes of UTF-8 each; what the contract
// does not say stays as in `otherwise`. Asked once, before the role runs.
gateway::TokenText token_text(RoleHost* host, const Address& token, gateway::TokenText otherwise);

}  // namespace vcity::wiring
