// SPDX-License-Identifier: Apache-2.0
// Flips every byte of every positive vector, by 0xff and by 0x01, and prints what became of it:
//   attest_flips SOURCE_DIR [FIRST_CHECK LAST_CHECK]
// Of a file above 64 KiB (the CCEL log, which is mostly filling) every 61st byte. One line a check: rejected, harmless
// with their byte ranges, harmful. Ends with 1 when any flip was harmful.
#include "attest/testing/flips.hpp"

#include <cstdio>
#include <cstdlib>
#include <set>

#include <fmt/format.h>

namespace vcity::attest {
namespace {

// "0-3 17", at most 12 ranges.
std::string ranges(const std::set<std::size_t>& places) {
    std::string text;
    std::size_t shown = 0;
    for (auto place = places.begin(); place != places.end() && shown < 12; ++shown) {
        const std::size_t first = *place;
        std::size_t last = first;
        while (++place != places.end() && *place == last + 1) last = *place;
        text += first == last ? fmt::format(" {}", first) : fmt::format(" {}-{}", first, last);
        if (shown == 11 && place != places.end()) text += " ...";
    }
    return text;
}

constexpr std::size_t kWholeBytesMax = 64U << 10U;
constexpr std::size_t kStrideOfLarge = 61;

bool report(const testing::VectorFolder& folder, const codec::Json& check) {
    std::set<std::size_t> harmless;
    std::set<std::size_t> harmful;
    std::size_t rejected = 0;
    std::size_t kept = 0;
    const std::size_t size = folder.read(*check.find("file")->get_string()).size();
    const std::size_t stride = size > kWholeBytesMax ? kStrideOfLarge : 1;
    for (const std::uint8_t mask : {std::uint8_t{0xff}, std::uint8_t{0x01}}) {
        const testing::FlipCounts counts =
            testing::flip_bytes(folder, check, {.first = 0, .stride = stride, .mask = mask});
        rejected += counts.rejected;
        kept += counts.harmless;
        harmless.insert(counts.harmless_at.begin(), counts.harmless_at.end());
        harmful.insert(counts.harmful_at.begin(), counts.harmful_at.end());
    }
    fmt::print("{} {}: {} rejected, {} harmless ({} bytes:{}), {} harmful{}\n", *check.find("as")->get_string(),
               *check.find("file")->get_string(), rejected, kept, harmless.size(), ranges(harmless), harmful.size(),
               ranges(harmful));
    std::fflush(stdout);
    return harmful.empty();
}

}  // namespace
}  // namespace vcity::attest

int main(int argc, char** argv) {
    if (argc != 2 && argc != 4) return EXIT_FAILURE;
    const vcity::attest::testing::VectorFolder folder{std::string{argv[1]} + "/tests/vectors/attestation"};
    const unsigned long first = argc == 4 ? std::strtoul(argv[2], nullptr, 10) : 0;
    const unsigned long last = argc == 4 ? std::strtoul(argv[3], nullptr, 10) : 10'000;
    bool good = true;
    unsigned long number = 0;
    for (const vcity::codec::Json& check : folder.checks()) {
        if (!vcity::attest::testing::is_positive(check)) continue;
        if (number >= first && number < last) good = vcity::attest::report(folder, check) && good;
        ++number;
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
