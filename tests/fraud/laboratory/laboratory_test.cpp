// SPDX-License-Identifier: Apache-2.0
// Every cheat of the laboratory once, and some honest answers; `tools/dev bench fraud` repeats them.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "cheats.hpp"

namespace vcity::fraud {
namespace {

TEST(Laboratory, AcceptsHonestAnswers) {
    const Cheat honest = honest_answer();
    for (std::uint64_t number = 1; number <= 12; ++number) {
        const Attempt attempt = honest.attempt(number);
        EXPECT_FALSE(attempt.is_caught) << number << ": " << attempt.reason;
    }
}

TEST(Laboratory, CatchesEveryCheat) {
    const std::vector<Cheat> cheats = computation_cheats();
    EXPECT_GE(cheats.size(), 20U);
    std::set<std::string> names;
    for (const Cheat& cheat : cheats) {
        EXPECT_TRUE(names.insert(cheat.name).second) << cheat.name;
        const Attempt attempt = cheat.attempt(3);
        EXPECT_TRUE(attempt.is_caught) << cheat.name;
        EXPECT_FALSE(attempt.reason.empty()) << cheat.name;
    }
}

TEST(Laboratory, SketchesGiveAwayWhoReplaysHonestlyWhatItServedOtherwise) {
    EXPECT_FALSE(honest_sketches().attempt(1).is_caught);
    const Attempt attempt = sketch_cheats().front().attempt(1);
    EXPECT_TRUE(attempt.is_caught);
    EXPECT_TRUE(attempt.reason.starts_with("after ")) << attempt.reason;
}

}  // namespace
}  // namespace vcity::fraud
