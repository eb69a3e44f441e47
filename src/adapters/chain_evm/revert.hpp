// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace vcity::adapters {

// What a contract said when it reverted, for people: "BatchIndexMismatch(expected 3, given 2)". Revert data that names
// none of our contracts' errors is shown as it is; without any, the server's message stands in.
std::string describe_revert(ByteView data, std::string_view server_message);

// The errors it knows, as "Name(type name,type name)". A test compares them with the contracts' ABIs.
std::vector<std::string_view> known_reverts();

}  // namespace vcity::adapters
