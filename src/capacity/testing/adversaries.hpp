// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "capacity/session.hpp"

namespace vcity::capacity::testing {

// One way to cheat, played against the real verifier: all arithmetic is done, at a size scaled down, and the time that
// each message takes follows from a model of the machine that the cheat would run on (machine.hpp).
struct Cheat {
    std::string_view name;
    std::string_view what;
    // Plays one session and gives the worst outcome over the cards: kAccepted means that the cheat went through.
    CardOutcome (*play)(std::uint64_t trial);
};

std::span<const Cheat> cheats();

// An honest node of one to two cards of a class drawn from the table, with the model's noise.
CardOutcome play_honest(std::uint64_t trial);

// A scheme whose store follows from a public seed, judged by the same checks: whether a prover that keeps nothing and
// makes each row when it is read passes it.
bool naive_scheme_accepts_regeneration(std::uint64_t trial);

}  // namespace vcity::capacity::testing
