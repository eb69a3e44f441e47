// SPDX-License-Identifier: Apache-2.0
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "codec/json.hpp"
#include "contracts/tables.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::contracts {
namespace {

using codec::AbiType;
using codec::Json;
using codec::JsonArray;
using Kind = AbiValue::Kind;

constexpr std::size_t kTextBytesMax = 256U << 10U;
constexpr std::size_t kWordSize = 32;
constexpr codec::JsonLimits kJsonLimits{.bytes_max = kTextBytesMax, .depth_max = 10, .values_max = 20'000};

Error expected(std::string_view type, std::string_view text) {
    return make_error(Errc::kInvalid, "expected " + std::string{type} + ", got \"" + std::string{text.substr(0, 80)} +
                                          (text.size() > 80 ? "...\"" : "\""));
}

bool is_negative(const U256& word) {
    return (word.bytes[0] & 0x80U) != 0;
}

Result<U256> parse_number(std::string_view type, std::string_view text) {
    if (text.starts_with("0x")) {
        Result<U256> word = codec::parse_quantity_u256(text);
        return word ? word : Result<U256>{expected(type, text)};
    }
    const bool is_minus = text.starts_with('-');
    if (is_minus && !type.starts_with("int")) return expected(type, text);
    const Result<Uint256> number = parse_uint256(text.substr(is_minus ? 1 : 0));
    if (!number) return expected(type, text);
    if (!is_minus) return to_bytes(*number);
    const U256 word = to_bytes(Uint256{} - *number);
    if (!is_negative(word)) return expected(type, text);
    return word;
}

Result<AbiValue> parse_word(const AbiType& type, std::string_view text) {
    if (type.name == "bool") {
        if (text != "true" && text != "false") return expected("true or false", text);
        return codec::abi_bool(text == "true");
    }
    if (type.name == "address") {
        const Result<Address> address = crypto::parse_address(text);
        if (!address) return expected("an address", text);
        return codec::abi_address(*address);
    }
    if (type.name.starts_with("bytes")) {
        const auto size = static_cast<std::size_t>(std::stoul(type.name.substr(5)));
        const Result<Bytes> bytes = codec::parse_hex_exact(text, size);
        if (!bytes) return expected(type.name + " in hex", text);
        return codec::abi_fixed_bytes(*bytes);
    }
    TRY(const U256 word, parse_number(type.name, text));
    AbiValue value = codec::abi_word(word);
    // The decoder knows the range of every type.
    if (!codec::abi_decode({type}, codec::abi_encode({value}))) return expected(type.name, text);
    return value;
}

Result<AbiValue> parse_json_value(const AbiType& type, const Json& json);

Result<AbiValue> parse_text(const AbiType& type, std::string_view text) {
    if (type.kind == Kind::kWord) return parse_word(type, text);
    if (type.kind == Kind::kBytes) {
        if (type.name == "string") return codec::abi_string(text);
        const Result<Bytes> bytes = codec::parse_hex(text, kTextBytesMax);
        if (!bytes) return expected("bytes in hex", text);
        return codec::abi_bytes(*bytes);
    }
    const Result<Json> json = codec::parse_json(text, kJsonLimits);
    if (!json) return expected(type.name + " as a JSON array", text);
    return parse_json_value(type, *json);
}

Result<AbiValue> parse_json_value(const AbiType& type, const Json& json) {
    if (type.kind == Kind::kWord || type.kind == Kind::kBytes) {
        if (const std::string* text = json.get_string()) return parse_text(type, *text);
        if (json.is_integer() || json.is_bool()) return parse_text(type, codec::dump_json(json));
        return expected(type.name, codec::dump_json(json));
    }
    const JsonArray* items = json.get_array();
    const bool is_tuple = type.kind == Kind::kTuple;
    if (items == nullptr || (is_tuple && items->size() != type.members.size())) {
        return expected(type.name + " as a JSON array", codec::dump_json(json));
    }
    std::vector<AbiValue> values;
    for (std::size_t index = 0; index < items->size(); ++index) {
        TRY(AbiValue value, parse_json_value(type.members[is_tuple ? index : 0], (*items)[index]));
        values.push_back(std::move(value));
    }
    return is_tuple ? codec::abi_tuple(std::move(values)) : codec::abi_array(std::move(values));
}

std::string format_word(std::string_view type, const AbiValue& value) {
    if (type == "bool") return value.word.bytes[kWordSize - 1] == 0 ? "false" : "true";
    if (type == "address") return crypto::to_checksum_address(codec::abi_to_address(value).value_or(Address{}));
    if (type.starts_with("bytes")) {
        return codec::to_hex(value.word.view().first(std::stoul(std::string{type.substr(5)})));
    }
    if (type.starts_with("int") && is_negative(value.word)) {
        return "-" + to_decimal(Uint256{} - from_bytes(value.word));
    }
    return to_decimal(from_bytes(value.word));
}

Json to_json(const AbiType& type, const AbiValue& value) {
    if (type.kind == Kind::kWord) return format_word(type.name, value);
    if (type.name == "string") return std::string{as_text(value.bytes)};
    if (type.kind == Kind::kBytes) return codec::to_hex(value.bytes);
    JsonArray items;
    for (std::size_t index = 0; index < value.items.size(); ++index) {
        items.push_back(to_json(type.members[type.kind == Kind::kTuple ? index : 0], value.items[index]));
    }
    return items;
}

}  // namespace

Result<AbiValue> parse_value(std::string_view type, std::string_view text) {
    TRY(const AbiType parsed, codec::parse_abi_type(type));
    if (text.size() > kTextBytesMax) return expected(type, text);
    return parse_text(parsed, text);
}

Result<Bytes> encode_call_from_text(const FunctionEntry& function, const std::vector<std::string>& arguments) {
    if (arguments.size() != function.inputs.size()) {
        return make_error(Errc::kInvalid, std::string{function.signature} + " takes " +
                                              std::to_string(function.inputs.size()) + " arguments, not " +
                                              std::to_string(arguments.size()));
    }
    std::vector<AbiValue> values;
    for (std::size_t index = 0; index < arguments.size(); ++index) {
        Result<AbiValue> value = parse_value(function.inputs[index].type, arguments[index]);
        if (!value) {
            return make_error(value.error().code,
                              std::string{function.inputs[index].name} + ": " + value.error().message);
        }
        values.push_back(*std::move(value));
    }
    return encode_selected(function.selector, values);
}

std::string format_value(std::string_view type, const AbiValue& value) {
    const Result<AbiType> parsed = codec::parse_abi_type(type);
    if (!parsed) return {};
    const Json json = to_json(*parsed, value);
    const std::string* text = json.get_string();
    return text != nullptr ? *text : codec::dump_json(json);
}

}  // namespace vcity::contracts
