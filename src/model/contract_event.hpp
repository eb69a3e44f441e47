// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace vcity {

// An event of a contract of the deployment that has no type of its own in model/chain.hpp, with its parameters in the
// order of its declaration, as text: numbers in decimal, addresses and bytes in hex, structs and arrays as JSON arrays
// of such texts.
struct ContractEvent {
    std::uint64_t block_number = 0;
    Hash block_hash;
    Hash transaction;
    std::uint32_t log_index = 0;
    std::string contract;  // "VeVCAI"
    std::string name;      // "Locked"
    std::vector<std::pair<std::string, std::string>> values;
};

}  // namespace vcity
