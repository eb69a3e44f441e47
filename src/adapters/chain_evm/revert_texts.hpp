// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vcity::adapters {

// What is said by hand about the contracts' errors; revert.cpp does the rest.

// error: "NotRegistered(address)". The sentence has "{0}", "{1:unit}" for arguments; units: vcai, usd, time (unix
// seconds), duration (seconds), weight, role (of a node), permission (a role of the AccessManager). Empty: there is
// none.
std::string_view sentence_of(std::string_view error);
std::vector<std::string_view> errors_with_sentences();

// Of a node, and of the AccessManager.
std::string role_name(std::uint64_t role);
std::string permission_name(std::uint64_t role_id);

}  // namespace vcity::adapters
