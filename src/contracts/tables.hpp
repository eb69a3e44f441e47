// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contracts/abi.hpp"

namespace vcity::contracts {

// What the ABIs of all contracts declare, for programs that meet calls, logs and reverts they were not written for.

struct Parameter {
    std::string_view type;  // canonical: "uint128", "(bytes32,uint128)[]"
    std::string_view name;  // as in Solidity; may be empty
    bool indexed = false;
};
struct ErrorEntry {
    std::string_view name;
    std::uint32_t selector = 0;
    std::span<const Parameter> inputs;
};
struct FunctionEntry {
    std::string_view contract;
    std::string_view name;
    std::string_view signature;
    std::uint32_t selector = 0;
    bool is_view = false;
    std::span<const Parameter> inputs;
    std::span<const Parameter> outputs;
};
struct EventEntry {
    std::string_view contract;
    std::string_view name;
    Hash topic;
    std::span<const Parameter> inputs;
};

std::span<const std::string_view> contract_names();
// Distinct signatures of all contracts, by selector.
std::span<const ErrorEntry> error_table();
std::span<const FunctionEntry> function_table();
std::span<const EventEntry> event_table();

// "(uint64,address)"
std::string types_of(std::span<const Parameter> parameters);

struct NamedValue {
    std::string_view name;
    std::string_view type;
    AbiValue value;
};
struct Decoded {
    std::string_view contract;  // empty for errors, which contracts share
    std::string_view name;
    std::vector<NamedValue> values;
};
// nullopt: not in the tables, or the data does not fit. Error(string) and Panic(uint256) are among the errors.
std::optional<Decoded> decode_error(ByteView revert_data);
std::optional<Decoded> decode_call(std::string_view contract, ByteView call_data);
std::optional<Decoded> decode_event(std::string_view contract, const std::vector<Hash>& topics, ByteView data);

// function: a name ("setParameters") or, where that has overloads, a signature. nullptr when there is none.
const FunctionEntry* find_function(std::string_view contract, std::string_view function);

// A value from text, for command lines: numbers in decimal or 0x, addresses and bytes in hex, bool as true or false,
// strings as they are, arrays and structs as JSON arrays of such texts. kInvalid says what was expected.
Result<AbiValue> parse_value(std::string_view type, std::string_view text);
// Call data from one text for each argument.
Result<Bytes> encode_call_from_text(const FunctionEntry& function, const std::vector<std::string>& arguments);
// A value as text that parse_value reads again.
std::string format_value(std::string_view type, const AbiValue& value);

}  // namespace vcity::contracts
