// SPDX-License-Identifier: Apache-2.0
#include "services/challenge/challenge.hpp"

#include <optional>

#include "async/task_group.hpp"

namespace vcity::services {
namespace {

using capacity::Session;

// What the tasks of one session share; it lives in the frame of challenge().
struct Play {
    Runtime* runtime;
    ports::CapacityProver* prover;
    Session* session;
};

struct Part {
    capacity::FillPart part;
    std::optional<capacity::StoreRows> rows;
};

Task<void> commit(const Play* play, CapacityChainChallenge challenge) {
    const std::uint32_t card = challenge.card;
    const auto commitment = co_await play->prover->run_chain(std::move(challenge));
    if (commitment) play->session->on_commitment(*commitment, play->runtime->now());
    if (!commitment) play->session->on_failure(card);
}

Task<void> open(const Play* play, CapacityDraw draw) {
    const std::uint32_t card = draw.card;
    const auto opening = co_await play->prover->open(std::move(draw));
    if (opening) play->session->on_opening(*opening, play->runtime->now());
    if (!opening) play->session->on_failure(card);
}

Task<void> sweep(const Play* play, CapacitySweep sweep) {
    const std::uint32_t card = sweep.card;
    const auto answer = co_await play->prover->sweep(std::move(sweep));
    if (answer) play->session->on_answer(*answer, play->runtime->now());
    if (!answer) play->session->on_failure(card);
}

Task<void> make(const Play* play, Part* part) {
    std::function<void()> work = [&] { part->rows = play->session->make_fill(part->part); };
    co_await play->runtime->compute(std::move(work));
}

Task<void> join(TaskGroup* group) {
    const auto joined = co_await group->join(TimePoint::max());
    (void)joined;
}

// One batch of parts: made side by side, sent in order. False when there was none.
Task<bool> fill(const Play* play, TaskGroup* group, ChallengeOptions options) {
    std::vector<Part> parts;
    while (parts.size() < options.makers) {
        const auto part = play->session->next_part(options.chunk_bytes);
        if (!part) break;
        parts.push_back({*part, {}});
    }
    for (Part& part : parts) group->spawn(make(play, &part));
    co_await join(group);
    for (Part& part : parts) {
        CapacityFill message = play->session->keep_fill(part.part, std::move(*part.rows));
        const auto filled = co_await play->prover->fill(std::move(message));
        if (!filled) play->session->on_failure(part.part.card);
    }
    co_return !parts.empty();
}

}  // namespace

Task<std::vector<capacity::CardScore>> challenge(Runtime* runtime,
                                                 ports::CapacityProver* prover,
                                                 capacity::Session* session,
                                                 ChallengeOptions options) {
    const Play play{runtime, prover, session};
    TaskGroup group{runtime};
    for (CapacityChainChallenge& message : session->begin(runtime->now()))
        group.spawn(commit(&play, std::move(message)));
    co_await join(&group);
    for (CapacityDraw& draw : session->draws(runtime->now())) group.spawn(open(&play, std::move(draw)));
    co_await join(&group);
    bool filling = true;
    while (filling) {
        filling = co_await fill(&play, &group, options);
    }
    while (!session->done()) {
        const std::vector<CapacitySweep> round = session->start_round(runtime->now());
        if (round.empty()) break;
        for (const CapacitySweep& message : round) group.spawn(sweep(&play, message));
        co_await join(&group);
    }
    co_await prover->release();
    co_return session->scores();
}

}  // namespace vcity::services
