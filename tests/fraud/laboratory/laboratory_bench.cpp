// SPDX-License-Identifier: Apache-2.0
// laboratory_bench TRIALS HONEST [NAME...]: one line for each cheat, "name <tab> caught <tab> trials <tab> meaning
// <tab> reason", the first one for honest answers. With names only those cheats.
#include <cstdio>
#include <cstdlib>
#include <set>

#include "cheats.hpp"

namespace {

void print(const vcity::fraud::Cheat& cheat, std::uint64_t trials) {
    std::uint64_t caught = 0;
    std::string reason;
    for (std::uint64_t number = 1; number <= trials; ++number) {
        const vcity::fraud::Attempt attempt = cheat.attempt(number);
        if (!attempt.is_caught) continue;
        ++caught;
        if (reason.empty()) reason = attempt.reason;
    }
    std::printf("%s\t%llu\t%llu\t%s\t%s\n", cheat.name.c_str(), static_cast<unsigned long long>(caught),
                static_cast<unsigned long long>(trials), cheat.meaning.c_str(), reason.c_str());
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: laboratory_bench TRIALS HONEST [NAME...]\n", stderr);
        return 2;
    }
    const std::set<std::string> names(argv + 3, argv + argc);
    const auto wanted = [&](const vcity::fraud::Cheat& cheat) { return names.empty() || names.contains(cheat.name); };
    const std::uint64_t trials = std::strtoull(argv[1], nullptr, 10);
    print(vcity::fraud::honest_answer(), std::strtoull(argv[2], nullptr, 10));
    for (const vcity::fraud::Cheat& cheat : vcity::fraud::computation_cheats()) {
        if (wanted(cheat)) print(cheat, trials);
    }
    // Each attempt is a node of up to twenty requests.
    const std::uint64_t nodes = trials / 10 + 1;
    if (names.empty()) print(vcity::fraud::honest_sketches(), nodes);
    for (const vcity::fraud::Cheat& cheat : vcity::fraud::sketch_cheats()) {
        if (wanted(cheat)) print(cheat, nodes);
    }
    return 0;
}
