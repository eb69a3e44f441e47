// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "capacity/prover.hpp"
#include "capacity/session.hpp"

namespace vcity::capacity::testing {

// The node's side of one card as a session sees it: answers, and how long after the challenge each one arrives.
class Player {
  public:
    template <class T>
    struct Timed {
        Result<T> answer;
        Duration elapsed{};
    };

    virtual ~Player() = default;
    virtual Timed<CapacityChainCommitment> commit(const CapacityChainChallenge& challenge) = 0;
    virtual Timed<CapacityOpening> open(const CapacityDraw& draw) = 0;
    virtual Result<void> fill(const CapacityFill& chunk) = 0;
    virtual Timed<CapacityAnswer> sweep(const CapacitySweep& challenge) = 0;
};

// Plays a whole session on a virtual clock: players[i] stands for card i. Messages arrive in the order of their times.
inline std::vector<CardScore> play(Session* session, const std::vector<Player*>& players) {
    TimePoint now{};
    Duration longest{};
    const auto advance = [&] {
        now += longest;
        session->expire(now);
        longest = {};
    };
    for (const auto& challenge : session->begin(now)) {
        const auto timed = players[challenge.card]->commit(challenge);
        longest = std::max(longest, timed.elapsed);
        if (timed.answer) session->on_commitment(*timed.answer, now + timed.elapsed);
        if (!timed.answer) session->on_failure(challenge.card);
    }
    advance();
    for (const auto& draw : session->draws(now)) {
        const auto timed = players[draw.card]->open(draw);
        longest = std::max(longest, timed.elapsed);
        if (timed.answer) session->on_opening(*timed.answer, now + timed.elapsed);
        if (!timed.answer) session->on_failure(draw.card);
    }
    advance();
    while (const auto chunk = session->next_fill(kFillBytesMax)) {
        if (!players[chunk->card]->fill(*chunk)) session->on_failure(chunk->card);
    }
    while (!session->done()) {
        const auto sweeps = session->start_round(now);
        if (sweeps.empty()) break;
        for (const CapacitySweep& sweep : sweeps) {
            const auto timed = players[sweep.card]->sweep(sweep);
            longest = std::max(longest, timed.elapsed);
            if (timed.answer) session->on_answer(*timed.answer, now + timed.elapsed);
            if (!timed.answer) session->on_failure(sweep.card);
        }
        advance();
    }
    return session->scores();
}

}  // namespace vcity::capacity::testing
