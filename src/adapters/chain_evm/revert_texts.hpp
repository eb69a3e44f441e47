// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vcity::adapters {

// What is said by hand about the contracts' errors; revert.cpp does the rest.

enum class Unit : unsigned char {
    kUnknown,
    kPlain,  // a number and nothing else
    kUsd,    // stablecoin base units
    kVcai,   // wei of VCAI
};
// Of an error's argument.
Unit unit_of(std::string_view error, std::string_view argument);

// With "{argument}" for arguments; empty: there is none.
std::string_view sentence_of(std::string_view error);

// Of a node, and of the AccessManager.
std::string role_name(std::uint64_t role);
std::string permission_name(std::uint64_t role_id);

}  // namespace vcity::adapters
