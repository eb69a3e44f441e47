// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/work/spec_reader.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace vcity::gateway::spec {
namespace {

constexpr std::size_t kShownMax = 48;

std::string shown(const codec::Json& value) {
    if (value.is_object()) return "an object";
    if (value.is_array()) return "a list";
    std::string text = codec::dump_json(value);
    if (text.size() <= kShownMax) return text;
    return text.substr(0, codec::utf8_complete_prefix(std::string_view{text}.substr(0, kShownMax))) + "...";
}

}  // namespace

ApiError refusal(ErrorCode code, const std::string& path, std::string message) {
    ApiError error;
    error.code = code;
    error.message = std::move(message);
    error.param = path;
    return error;
}

ApiError refusal(ErrorCode code, const std::string& path, const codec::Json& value, std::string_view allowed) {
    const std::string name = path.empty() ? "the body" : "'" + path + "'";
    return refusal(code, path, fmt::format("{} is {}; it must be {}", name, shown(value), allowed));
}

ApiError unknown_member(const std::string& path, std::string_view name, const std::string& known) {
    const std::string where = path.empty() ? "the body" : "'" + path + "'";
    const std::string_view cut = name.substr(0, kShownMax);
    const std::string shown_name{cut.substr(0, codec::utf8_complete_prefix(cut))};
    return refusal(ErrorCode::kUnknownParameter, child(path, shown_name),
                   fmt::format("{} has no field '{}'; it may have {}", where, shown_name, known));
}

std::string child(const std::string& path, std::string_view name) {
    return path.empty() ? std::string{name} : path + "." + std::string{name};
}

std::string child(const std::string& path, std::size_t index) {
    return fmt::format("{}[{}]", path, index);
}

Refusal read_whole(
    const codec::Json& value, const std::string& path, std::uint64_t least, std::uint64_t most, std::uint32_t* out) {
    const std::string allowed = fmt::format("a whole number from {} to {}", least, most);
    if (!value.is_number()) return refusal(ErrorCode::kInvalidType, path, value, allowed);
    std::uint64_t number = 0;
    if (!value.get_u64(&number) || number < least || number > most) {
        return refusal(ErrorCode::kInvalidValue, path, value, allowed);
    }
    *out = static_cast<std::uint32_t>(number);
    return std::nullopt;
}

Refusal read_flag(const codec::Json& value, const std::string& path, bool* out) {
    if (value.get_bool() == nullptr) return refusal(ErrorCode::kInvalidType, path, value, "true or false");
    *out = *value.get_bool();
    return std::nullopt;
}

Refusal read_text(const codec::Json& value, const std::string& path, std::size_t bytes_max, std::string* out) {
    const std::string allowed = fmt::format("a text of at most {} bytes", bytes_max);
    if (value.get_string() == nullptr) return refusal(ErrorCode::kInvalidType, path, value, allowed);
    if (value.get_string()->size() > bytes_max) return refusal(ErrorCode::kInvalidValue, path, value, allowed);
    *out = *value.get_string();
    return std::nullopt;
}

Refusal read_texts(const codec::Json& value,
                   const std::string& path,
                   std::size_t count_max,
                   std::size_t bytes_max,
                   std::vector<std::string>* out) {
    const std::string allowed = fmt::format("a list of at most {} texts", count_max);
    const codec::JsonArray* list = value.get_array();
    if (list == nullptr) return refusal(ErrorCode::kInvalidType, path, value, allowed);
    if (list->size() > count_max) {
        return refusal(ErrorCode::kInvalidValue, path,
                       fmt::format("'{}' has {} entries; at most {} are taken", path, list->size(), count_max));
    }
    out->assign(list->size(), {});
    for (std::size_t at = 0; at < list->size(); ++at) {
        if (Refusal refused = read_text((*list)[at], child(path, at), bytes_max, &(*out)[at])) return refused;
    }
    return std::nullopt;
}

Refusal read_scaled(const codec::Json& value, const std::string& path, const Scale& scale, std::uint32_t* out) {
    const std::string allowed = fmt::format("a number from 0 to {} ({})", scale.most, scale.unit);
    if (!value.is_number()) return refusal(ErrorCode::kInvalidType, path, value, allowed);
    double number = 0;
    const bool is_good = value.get_double(&number) && std::isfinite(number) && number >= 0 && number <= scale.most;
    if (!is_good) return refusal(ErrorCode::kInvalidValue, path, value, allowed);
    // A decimal such as 0.3 must not become one thousandth more by its last binary digit.
    constexpr double kSlack = 1e-6;
    *out = static_cast<std::uint32_t>(std::ceil(number * scale.factor - kSlack));
    return std::nullopt;
}

Refusal read_money(const codec::Json& value, const std::string& path, Usd* out) {
    constexpr double kMost = 1e9;
    constexpr double kMicro = 1e6;
    constexpr std::string_view kAllowed = "dollars above 0 and up to 1,000,000,000, such as 2.5 or \"2.50\"";
    Usd amount;
    if (const std::string* text = value.get_string()) {
        const Result<Usd> parsed = parse_usd(*text);
        if (!parsed) return refusal(ErrorCode::kInvalidValue, path, value, kAllowed);
        amount = *parsed;
    } else if (double number = 0; value.get_double(&number)) {
        const bool is_good = std::isfinite(number) && number > 0 && number <= kMost;
        if (!is_good) return refusal(ErrorCode::kInvalidValue, path, value, kAllowed);
        amount.micro = static_cast<std::uint64_t>(std::llround(number * kMicro));
    } else {
        return refusal(ErrorCode::kInvalidType, path, value, kAllowed);
    }
    const bool is_possible = amount.micro > 0 && amount.micro <= static_cast<std::uint64_t>(kMost * kMicro);
    if (!is_possible) return refusal(ErrorCode::kInvalidValue, path, value, kAllowed);
    *out = amount;
    return std::nullopt;
}

Refusal read_choice(const codec::Json& value,
                    const std::string& path,
                    std::span<const std::string_view> names,
                    std::size_t* out) {
    const std::string allowed = fmt::format("one of {}", fmt::join(names, ", "));
    if (value.get_string() == nullptr) return refusal(ErrorCode::kInvalidType, path, value, allowed);
    const auto found = std::ranges::find(names, *value.get_string());
    if (found == names.end()) return refusal(ErrorCode::kInvalidValue, path, value, allowed);
    *out = static_cast<std::size_t>(found - names.begin());
    return std::nullopt;
}

}  // namespace vcity::gateway::spec
