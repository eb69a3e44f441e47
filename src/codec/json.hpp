// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace vcity::codec {

class Json;
using JsonArray = std::vector<Json>;
// Members keep their order; a name appears once (a repeated name in parsed text is an error).
using JsonObject = std::vector<std::pair<std::string, Json>>;

// A JSON value (RFC 8259). Integers that fit 64 bits are exact; other numbers are double.
class Json {
  public:
    Json() = default;
    Json(std::nullptr_t) {}
    // Only a bool itself: a pointer must not become true.
    template <std::same_as<bool> Bool>
    Json(Bool value) : value_{value} {}
    // Numbers that are not negative are held unsigned, so that equal integers are equal values.
    Json(std::int64_t value);
    Json(std::uint64_t value) : value_{value} {}
    Json(int value) : Json(static_cast<std::int64_t>(value)) {}
    Json(unsigned value) : value_{static_cast<std::uint64_t>(value)} {}
    Json(double value) : value_{value} {}
    Json(const char* value) : value_{std::string{value}} {}
    Json(std::string_view value) : value_{std::string{value}} {}
    Json(std::string value) : value_{std::move(value)} {}
    Json(JsonArray value) : value_{std::move(value)} {}
    Json(JsonObject value) : value_{std::move(value)} {}

    bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    bool is_bool() const { return std::holds_alternative<bool>(value_); }
    bool is_integer() const;
    bool is_number() const;
    bool is_string() const { return std::holds_alternative<std::string>(value_); }
    bool is_array() const { return std::holds_alternative<JsonArray>(value_); }
    bool is_object() const { return std::holds_alternative<JsonObject>(value_); }

    // nullptr when the value is of another kind; integers that do not fit, and fractions, give false.
    const bool* get_bool() const { return std::get_if<bool>(&value_); }
    const std::string* get_string() const { return std::get_if<std::string>(&value_); }
    const JsonArray* get_array() const { return std::get_if<JsonArray>(&value_); }
    const JsonObject* get_object() const { return std::get_if<JsonObject>(&value_); }
    bool get_u64(std::uint64_t* out) const;
    bool get_i64(std::int64_t* out) const;
    bool get_double(double* out) const;

    // The member of that name, or nullptr when absent or when this is no object.
    const Json* find(std::string_view name) const;
    // Adds or replaces a member; a null value becomes an object first.
    Json& set(std::string name, Json value);

    bool operator==(const Json&) const = default;

  private:
    friend struct JsonAccess;
    std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, JsonArray, JsonObject> value_;
};

struct JsonLimits {
    std::size_t bytes_max = 8U << 20U;
    std::size_t depth_max = 64;
    std::size_t values_max = 1'000'000;
};

// Strict: one value, valid UTF-8 only, no duplicate names, within the limits. The message says where (byte offset).
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});
// Compact, valid UTF-8; strings that are not UTF-8 get U+FFFD in place of bad bytes.
std::string dump_json(const Json& value);
std::string dump_json_pretty(const Json& value);
// RFC 8785 (JCS) for the subset without fractions: sorted names, no spaces; equal values give equal bytes.
std::string dump_json_canonical(const Json& value);

// Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_utf8(std::string_view text);
// Lengths of the longest prefix that does not end inside a character.
std::size_t utf8_complete_prefix(std::string_view text);

}  // namespace vcity::codec
