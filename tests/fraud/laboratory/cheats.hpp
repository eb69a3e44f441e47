// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "liar.hpp"

namespace vcity::fraud {

struct Attempt {
    bool is_caught = false;
    std::string reason;
};

// One way to cheat; attempt(n) tries it on request n, with everything new each time, and has the answer audited once.
struct Cheat {
    std::string name;
    std::string meaning;  // for people
    std::function<Attempt(std::uint64_t)> attempt;
};

// All cheats on the computation of an answer, bf16, before the real auditor. Borrows nothing.
std::vector<Cheat> computation_cheats();
// Cheats of tier A that replay honestly when challenged: only their sketches give them away. attempt(n) serves requests
// of one node until the sequential test rejects it, at most 20, against a sample of 240 honest requests.
std::vector<Cheat> sketch_cheats();
// The same for an honest node.
Cheat honest_sketches();
// Honest answers, the same way; is_caught is a false rejection.
Cheat honest_answer();

}  // namespace vcity::fraud
