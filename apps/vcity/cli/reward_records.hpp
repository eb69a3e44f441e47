// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "codec/json.hpp"
#include "market/rewards.hpp"

namespace vcity::cli {

// Files of docs/rewards.md, read strictly: kInvalid names the member that is missing or malformed.
Result<std::vector<market::NodeCapacity>> parse_capacities(const codec::Json& json);
Result<std::vector<market::NodeDelivery>> parse_deliveries(const codec::Json& json);
Result<std::vector<market::Spending>> parse_spending(const codec::Json& json);
Result<std::vector<market::NodeStanding>> parse_standings(const codec::Json& json);

// [{"account": "0x...", "cumulative": "<wei>"}, ...]
Result<std::vector<market::Reward>> parse_rewards(const codec::Json& json);
codec::Json to_json(const std::vector<market::Reward>& rewards);

}  // namespace vcity::cli
