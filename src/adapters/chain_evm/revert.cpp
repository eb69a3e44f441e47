// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/revert.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "adapters/chain_evm/revert_texts.hpp"
#include "base/amount.hpp"
#include "base/uint256.hpp"
#include "base/vcai.hpp"
#include "codec/hex.hpp"
#include "contracts/tables.hpp"

namespace vcity::adapters {
namespace {

constexpr std::size_t kTextBytesMax = 200;
// 2001-09-09 to 2286-11-20: what a number in a place for moments must be to be shown as one.
constexpr std::uint64_t kMomentMin = 1'000'000'000;
constexpr std::uint64_t kMomentMax = 9'999'999'999;

// Text from a contract may hold anything.
std::string printable(ByteView bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes.first(std::min(bytes.size(), kTextBytesMax))) {
        text.push_back(byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '?');
    }
    return text;
}

bool is_upper(char character) {
    return character >= 'A' && character <= 'Z';
}

bool is_lower(char character) {
    return character >= 'a' && character <= 'z';
}

char lower(char character) {
    return is_upper(character) ? static_cast<char>(character - 'A' + 'a') : character;
}

// "StakeBelowMinimum" -> "stake below minimum", "didDocumentURI" -> "did document URI".
std::string in_words(std::string_view name) {
    std::string words;
    for (std::size_t index = 0; index < name.size(); ++index) {
        const char next = index + 1 < name.size() ? name[index + 1] : '\0';
        const bool after_lower = index > 0 && !is_upper(name[index - 1]);
        const bool is_start = index > 0 && is_upper(name[index]) && (after_lower || is_lower(next));
        if (is_start) words += ' ';
        const bool in_acronym = is_upper(name[index]) && ((index > 0 && is_upper(name[index - 1])) || is_upper(next));
        words += in_acronym && !is_lower(next) ? name[index] : lower(name[index]);
    }
    return words;
}

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> ends) {
    return std::ranges::any_of(ends, [name](std::string_view end) { return name.ends_with(end); });
}

bool names_a_moment(std::string_view name) {
    return name == "now" ||
           ends_with_any(name, {"At", "Until", "until", "Expiry", "expiry", "deadline", "Deadline", "Now", "Time",
                                "Start", "End", "start", "end", "tge", "earliest", "latest", "timestamp", "given"});
}

std::string moment(std::uint64_t seconds) {
    const std::chrono::sys_seconds time{std::chrono::seconds{seconds}};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count());
}

std::string duration(std::uint64_t seconds) {
    constexpr std::pair<std::uint64_t, const char*> kUnits[] = {{86'400, "days"}, {3'600, "hours"}, {60, "minutes"}};
    for (const auto& [length, name] : kUnits) {
        if (seconds >= length && seconds % length == 0) return fmt::format("{} {}", seconds / length, name);
    }
    return fmt::format("{} seconds", seconds);
}

// Empty when the number does not fit the unit.
std::string in_unit(std::string_view unit, const codec::AbiValue& value) {
    const Result<U128> wide = codec::abi_to_u128(value);
    if (!wide) return {};
    if (unit == "vcai") return to_string(Vcai{*wide}) + " VCAI";
    if (unit == "weight") return to_string(Vcai{*wide});
    if (*wide > UINT64_MAX) return {};
    const auto number = static_cast<std::uint64_t>(*wide);
    if (unit == "usd") return to_string(Usd{number}) + " USD";
    if (unit == "time" && number >= kMomentMin && number <= kMomentMax) return moment(number);
    if (unit == "duration") return duration(number);
    if (unit == "role") return role_name(number);
    if (unit == "permission") return permission_name(number);
    return {};
}

// Short text in a bytes32 is shown as text.
std::string show_word(const codec::AbiValue& value) {
    const ByteView bytes = value.word.view();
    const auto end = std::ranges::find(bytes, std::uint8_t{0});
    const bool is_text =
        end != bytes.begin() &&
        std::all_of(bytes.begin(), end, [](std::uint8_t byte) { return byte > 0x20 && byte < 0x7f; }) &&
        std::all_of(end, bytes.end(), [](std::uint8_t byte) { return byte == 0; });
    if (!is_text) return codec::to_hex(bytes);
    return std::string{as_text(bytes.first(static_cast<std::size_t>(end - bytes.begin())))};
}

std::string show(const contracts::NamedValue& argument, std::string_view unit) {
    if (argument.type == "string") return "\"" + printable(argument.value.bytes) + "\"";
    if (argument.type == "bytes32") return show_word(argument.value);
    if (argument.type.starts_with("uint") && !argument.type.ends_with("]")) {
        const std::string_view guessed = unit.empty() && names_a_moment(argument.name) ? "time" : unit;
        const std::string text = in_unit(guessed, argument.value);
        if (!text.empty()) return text;
    }
    return contracts::format_value(argument.type, argument.value);
}

// "{1:vcai}" in the sentence becomes the second argument.
std::string filled(std::string_view sentence, const contracts::Decoded& error) {
    std::string text;
    while (!sentence.empty()) {
        const std::size_t start = std::min(sentence.find('{'), sentence.size());
        text += sentence.substr(0, start);
        sentence.remove_prefix(start);
        if (sentence.empty()) break;
        const std::size_t end = sentence.find('}');
        const auto index = static_cast<std::size_t>(sentence[1] - '0');
        const std::string_view unit = end > 3 ? sentence.substr(3, end - 3) : std::string_view{};
        if (index < error.values.size()) text += show(error.values[index], unit);
        sentence.remove_prefix(end + 1);
    }
    return text;
}

std::string list_of_arguments(const contracts::Decoded& error) {
    std::string text;
    for (const contracts::NamedValue& argument : error.values) {
        text += text.empty() ? ": " : ", ";
        text += argument.name.empty() ? "value" : in_words(argument.name);
        text += " " + show(argument, {});
    }
    return text;
}

std::string signature_of(const contracts::Decoded& error) {
    std::string signature = std::string{error.name} + "(";
    for (const contracts::NamedValue& argument : error.values) {
        if (signature.back() != '(') signature += ",";
        signature += argument.type;
    }
    return signature + ")";
}

std::string describe(const contracts::Decoded& error) {
    if (error.name == "Error") return "reverted: " + printable(error.values[0].value.bytes);
    if (error.name == "Panic") {
        return "reverted: the contract failed inside (panic " +
               contracts::format_value("uint256", error.values[0].value) + "), which is a defect of the contract";
    }
    const std::string_view sentence = sentence_of(signature_of(error));
    const std::string text =
        sentence.empty() ? in_words(error.name) + list_of_arguments(error) : filled(sentence, error);
    return "reverted: " + text + " (" + std::string{error.name} + ")";
}

}  // namespace

std::string describe_revert(ByteView data, std::string_view server_message) {
    if (data.empty()) return "reverted: " + printable(as_bytes(server_message));
    const std::optional<contracts::Decoded> error = contracts::decode_error(data);
    if (error) return describe(*error);
    return "reverted with " + codec::to_hex(data.first(std::min<std::size_t>(data.size(), kTextBytesMax)));
}

}  // namespace vcity::adapters
