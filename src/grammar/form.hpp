// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "grammar/machine.hpp"

namespace vcity::grammar {

inline constexpr std::size_t kFormBytesMax = 64U << 10U;

// How far an output has come.
struct FormState {
    enum class Mode : std::uint8_t {
        kFree,     // any text
        kTrigger,  // any text so far, but it may become the trigger
        kForm,     // reads JSON
    };
    Mode mode = Mode::kForm;
    std::uint32_t matched = 0;  // bytes of the trigger
    State readings{};

    auto operator<=>(const FormState&) const = default;
};

// What ModelRequest::form asks for. Immutable.
//   {"schema": S}                the whole output is JSON that fits S
//   {"after": T, "schema": S}    any text; but when the output begins with T, JSON that fits S follows and nothing else
class Form {
  public:
    // Untrusted. kInvalid with a sentence for the client.
    static Result<Form> parse(std::string_view json);

    FormState start() const;
    // A state of mode kForm without readings: the text does not fit.
    FormState next(const FormState& state, std::uint8_t byte) const;
    static bool fits(const FormState& state) { return state.mode != FormState::Mode::kForm || !state.readings.empty(); }
    static bool may_end(const FormState& state) {
        return state.mode != FormState::Mode::kForm || Machine::may_end(state.readings);
    }
    // The fewest bytes from here to an end.
    std::uint32_t distance(const FormState& state) const {
        return state.mode == FormState::Mode::kForm ? machine_.distance(state.readings) : 0;
    }

  private:
    Form(std::string trigger, Machine machine) : trigger_{std::move(trigger)}, machine_{std::move(machine)} {}

    std::string trigger_;  // empty: none
    Machine machine_;
};

}  // namespace vcity::grammar
