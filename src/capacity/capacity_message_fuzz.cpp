// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "capacity/chain.hpp"
#include "capacity/check.hpp"
#include "capacity/codec.hpp"
#include "capacity/prover.hpp"
#include "capacity/testing/plain_device.hpp"

namespace vcity::capacity {
namespace {

// A committed chain of a fixed small size, against which every opening is judged.
struct Fixture {
    CapacityChainChallenge challenge{{}, 0, {16, 32, 16, 2, 1}, {}};
    testing::PlainDevice device;
    Prover prover{&device};
    CapacityChainCommitment commitment = *prover.run_chain(challenge);
    CapacityDraw draw{{}, 0, {{0, 0}, {1, 1}}};
};

// The node's side takes what a verifier may send; large challenges are only parsed.
void feed(Prover* prover, const CapacityMessage& message) {
    if (const auto* draw = std::get_if<CapacityDraw>(&message)) (void)prover->open(*draw);
    const auto* fill = std::get_if<CapacityFill>(&message);
    if (fill != nullptr && fill->shape.bytes() < 4096) (void)prover->fill(*fill);
    if (const auto* sweep = std::get_if<CapacitySweep>(&message)) (void)prover->sweep(*sweep);
    const auto* challenge = std::get_if<CapacityChainChallenge>(&message);
    if (challenge != nullptr && challenge->shape.rows <= 16 && challenge->shape.columns <= 32 &&
        challenge->shape.segments <= 2 && challenge->shape.steps <= 2) {
        (void)prover->run_chain(*challenge);
    }
}

void fuzz(ByteView bytes) {
    static const Fixture fixture;
    static testing::PlainDevice device;
    static Prover prover{&device};
    const auto message = parse(bytes);
    if (!message) return;
    CHECK(encode(*message) == Bytes(bytes.begin(), bytes.end()));
    feed(&prover, *message);
    if (const auto* opening = std::get_if<CapacityOpening>(&*message)) {
        (void)check_opening(fixture.challenge, fixture.commitment, fixture.draw, *opening, {}, 1);
    }
}

}  // namespace
}  // namespace vcity::capacity

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vcity::capacity::fuzz({data, size});
    return 0;
}
