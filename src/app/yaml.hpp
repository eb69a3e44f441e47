// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// YAML 1.1 as libyaml reads it, less what nobody needs in an app file: no anchors, no aliases, no tags, no second
// document, no name twice. What is left is a tree whose nodes know where they stand.
namespace vcity::app {

// Both from 1; a zero line: nowhere in the file.
struct Place {
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    bool operator==(const Place&) const = default;
};

// What is wrong, where, and of which field ("resources.cpus"; empty: of the file as a whole).
struct Problem {
    Place place;
    std::string field;
    std::string message;

    bool operator==(const Problem&) const = default;
};
// "FILE:7:12: resources.cpus: message".
std::string to_text(std::string_view file, const Problem& problem);

struct Node {
    enum class Kind : std::uint8_t { kScalar, kList, kMap };

    Kind kind = Kind::kScalar;
    std::string text;       // of a scalar
    bool is_plain = false;  // a scalar without quotes, which may be a number, true, false or null
    Place place;
    std::string key;  // of a member of a map
    Place key_place;
    std::vector<Node> children;

    // An empty plain scalar, ~ or null.
    bool is_null() const;
    // Of a map; nullptr when there is none.
    const Node* find(std::string_view name) const;
};

struct YamlLimits {
    std::size_t bytes_max = 256U << 10U;
    std::size_t depth_max = 16;
    std::size_t nodes_max = 20'000;
};

// The document's root, or the first thing that is wrong. An empty text is an empty map.
std::variant<Node, Problem> parse_yaml(std::string_view text, const YamlLimits& limits = {});

// The text as a YAML scalar on one line that reads back as this text and nothing else.
std::string yaml_scalar(std::string_view text);

}  // namespace vcity::app
