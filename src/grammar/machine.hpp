// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "grammar/schema.hpp"

namespace vcity::grammar {

// What is still to come of one value that was begun; see machine.cpp for what the numbers mean.
struct Frame {
    enum class Kind : std::uint8_t {
        kValue,        // nothing of it was read
        kSpacedValue,  // the same after one space, or without it
        kLiteral,
        kString,
        kNumber,
        kObjectFirst,  // after '{'
        kObjectNext,   // after a member's value
        kObjectKey,    // after ','
        kSpacedKey,    // the same after one space, or without it
        kKeyText,      // inside a key that is known
        kColon,        // after the key of a map
        kArrayFirst,   // after '['
        kArrayNext,    // after an item
    };
    Kind kind = Kind::kValue;
    std::uint8_t state = 0;
    NodeId node = 0;
    std::uint32_t at = 0;     // property, item, or place in a literal
    std::uint32_t count = 0;  // characters, or place in a key

    auto operator<=>(const Frame&) const = default;
};

// One way to read what came so far; the innermost frame last. Empty: the value is complete.
using Reading = std::vector<Frame>;
// All of them, sorted, each once; none: it does not fit.
using State = std::vector<Reading>;

// Reads JSON text that fits a schema, without white space but for one space after ':' and ','. Object members stand in
// the schema's order. Numbers have at most 15 digits, exponents 2; strings escape no surrogates. A pure function of its
// arguments: worker and verifier compute the same.
class Machine {
  public:
    explicit Machine(Schema schema) : schema_{std::move(schema)} {}

    State start() const;
    // The state after one more byte.
    State next(const State& state, std::uint8_t byte) const;
    // Whether the text may end here.
    static bool may_end(const State& state);
    // The fewest bytes from here to an end; kEndless for no state.
    std::uint32_t distance(const State& state) const;

  private:
    struct Step;

    std::uint32_t rest_of(const Frame& frame) const;
    std::uint32_t key_rest(const Node& node, std::uint32_t at) const;

    Schema schema_;
};

}  // namespace vcity::grammar
