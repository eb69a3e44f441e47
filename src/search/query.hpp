// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"

// The search language that renters of GPUs know from Vast.ai: conditions separated by spaces, all of which must hold,
//
//   num_gpus>=2 gpu_name in [H100_SXM,H200] dph<3.5 verified=true geolocation=any
//
//   condition = field op value         op = "<" "<=" "=" "==" "!=" ">=" ">" "in" "notin"
//   value     = number | "true" | "false" | "any" | text | "[" value {"," value} "]"   (a list after in and notin)
//   text      = letters, digits and _ - . / : without spaces, or anything in double quotes; "_" stands for a space
//
// and an order such as "dph,reliability-": fields by importance, "-" after one for descending.
namespace vcity::search {

enum class FieldType : std::uint8_t { kNumber, kFlag, kText };

struct Field {
    std::string_view name;
    FieldType type = FieldType::kNumber;
    std::string_view meaning;  // with its unit, for people
};

// monostate: not known. No condition but "any" holds for what is not known.
using Value = std::variant<std::monostate, double, bool, std::string>;

enum class Operator : std::uint8_t { kLess, kAtMost, kEqual, kNot, kAtLeast, kGreater, kIn, kNotIn };

struct Condition {
    std::size_t field = 0;
    Operator op = Operator::kEqual;
    std::vector<Value> values;  // one, unless op is kIn or kNotIn; none: any value will do

    bool operator==(const Condition&) const = default;
};

struct Query {
    std::vector<Condition> conditions;
};

struct Order {
    struct Key {
        std::size_t field = 0;
        bool is_descending = false;

        bool operator==(const Key&) const = default;
    };
    std::vector<Key> keys;
};

inline constexpr std::size_t kQueryBytesMax = 4096;
inline constexpr std::size_t kConditionsMax = 64;
inline constexpr std::size_t kListMax = 64;

// kInvalid with the place and the reason: an unknown field (and the nearest known one), a value of the wrong type, text
// compared by size, a query that is too long.
Result<Query> parse_query(std::span<const Field> fields, std::string_view text);
Result<Order> parse_order(std::span<const Field> fields, std::string_view text);

// row: one value for each field. Text compares without case, and "_" equals a space.
bool matches(const Query& query, std::span<const Value> row);
// Whether a comes before b; what is not known comes last. A strict weak order.
bool comes_before(const Order& order, std::span<const Value> a, std::span<const Value> b);

}  // namespace vcity::search
