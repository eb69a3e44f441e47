// SPDX-License-Identifier: Apache-2.0
#include "contracts/tables.hpp"

#include <algorithm>

namespace vcity::contracts {
namespace {

constexpr std::size_t kSelectorBytes = 4;

// Solidity's own errors, which no ABI lists.
constexpr Parameter kReason[] = {{"string", "reason", false}};
constexpr Parameter kCode[] = {{"uint256", "code", false}};
constexpr ErrorEntry kBuiltIn[] = {{"Error", 0x08c379a0, kReason}, {"Panic", 0x4e487b71, kCode}};

std::uint32_t selector_of(ByteView data) {
    std::uint32_t selector = 0;
    for (const std::uint8_t byte : data.first(kSelectorBytes)) selector = (selector << 8U) | byte;
    return selector;
}

std::optional<Decoded> decode_as(std::string_view contract,
                                 std::string_view name,
                                 std::span<const Parameter> parameters,
                                 Result<std::vector<AbiValue>> values) {
    if (!values) return std::nullopt;
    Decoded decoded{.contract = contract, .name = name, .values = {}};
    for (std::size_t index = 0; index < parameters.size(); ++index) {
        decoded.values.push_back(
            {.name = parameters[index].name, .type = parameters[index].type, .value = std::move((*values)[index])});
    }
    return decoded;
}

Result<std::vector<AbiValue>> arguments_of(std::span<const Parameter> parameters, ByteView data) {
    return decode_answer(types_of(parameters), data.subspan(kSelectorBytes));
}

}  // namespace

std::string types_of(std::span<const Parameter> parameters) {
    std::string types = "(";
    for (const Parameter& parameter : parameters) {
        if (types.size() > 1) types += ",";
        types += parameter.type;
    }
    return types + ")";
}

std::optional<Decoded> decode_error(ByteView revert_data) {
    if (revert_data.size() < kSelectorBytes) return std::nullopt;
    const std::uint32_t selector = selector_of(revert_data);
    const auto built_in = std::ranges::find(kBuiltIn, selector, &ErrorEntry::selector);
    if (built_in != std::end(kBuiltIn)) {
        return decode_as({}, built_in->name, built_in->inputs, arguments_of(built_in->inputs, revert_data));
    }
    const auto entry = std::ranges::lower_bound(error_table(), selector, {}, &ErrorEntry::selector);
    if (entry == error_table().end() || entry->selector != selector) return std::nullopt;
    return decode_as({}, entry->name, entry->inputs, arguments_of(entry->inputs, revert_data));
}

std::optional<Decoded> decode_call(std::string_view contract, ByteView call_data) {
    if (call_data.size() < kSelectorBytes) return std::nullopt;
    const std::uint32_t selector = selector_of(call_data);
    for (const FunctionEntry& entry : function_table()) {
        if (entry.contract != contract || entry.selector != selector) continue;
        return decode_as(contract, entry.name, entry.inputs, arguments_of(entry.inputs, call_data));
    }
    return std::nullopt;
}

std::optional<Decoded> decode_event(std::string_view contract, const std::vector<Hash>& topics, ByteView data) {
    if (topics.empty()) return std::nullopt;
    for (const EventEntry& entry : event_table()) {
        if (entry.contract != contract || entry.topic != topics[0]) continue;
        std::string indexed;
        for (const Parameter& parameter : entry.inputs) indexed += parameter.indexed ? '1' : '0';
        return decode_as(contract, entry.name, entry.inputs,
                         decode_log(entry.topic, types_of(entry.inputs), indexed, topics, data));
    }
    return std::nullopt;
}

const FunctionEntry* find_function(std::string_view contract, std::string_view function) {
    const bool is_signature = function.find('(') != std::string_view::npos;
    const FunctionEntry* found = nullptr;
    for (const FunctionEntry& entry : function_table()) {
        if (entry.contract != contract || (is_signature ? entry.signature : entry.name) != function) continue;
        if (found != nullptr) return nullptr;
        found = &entry;
    }
    return found;
}

}  // namespace vcity::contracts
