// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "codec/json.hpp"

// What an output must look like, as a machine that reads it byte by byte.
namespace vcity::grammar {

using NodeId = std::uint32_t;
// More bytes than any output has.
inline constexpr std::uint32_t kEndless = 1U << 30U;

struct Property {
    std::string key;  // as JSON text, quotes and colon included
    NodeId value = 0;
    bool is_required = false;
};

// One place of a JSON schema.
struct Node {
    enum class Kind : std::uint8_t { kAlternatives, kLiteral, kString, kNumber, kInteger, kObject, kMap, kArray };
    Kind kind = Kind::kAlternatives;
    std::vector<NodeId> alternatives{};
    std::string literal{};               // a whole JSON value
    std::vector<Property> properties{};  // in the order in which they are written
    NodeId item = 0;                     // of an array, and the values of a map
    std::uint32_t least = 0;             // characters of a string, items of an array
    std::uint32_t most = kEndless;
    bool may_be_negative = true;

    // --- computed: fewest bytes
    std::uint32_t bytes_min = kEndless;     // of a whole value
    std::vector<std::uint32_t> rest_min{};  // of an object's required properties from each on, commas included
};

struct Schema {
    std::vector<Node> nodes;
    NodeId root = 0;
};

struct SchemaLimits {
    std::size_t nodes_max = 2'000;
    std::size_t literals_max = 500;    // of one enum
    std::size_t properties_max = 200;  // of one object
    std::size_t depth_max = 32;
};

// A subset of JSON Schema: type (one or several), properties, required, additionalProperties, items, enum, const,
// anyOf, $ref into the same document, minLength, maxLength, minItems, maxItems, "minimum": 0 and bounds of at least
// 15 digits for numbers; notes (title, description and the like) say nothing. An object with properties has just these,
// in their order. {} and true are any JSON value. kInvalid names the keyword that is not supported, and its place; also
// for a schema that no finite value fits.
Result<Schema> read_schema(const codec::Json& json, const SchemaLimits& limits = {});

}  // namespace vcity::grammar
