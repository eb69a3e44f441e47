// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "async/channel.hpp"
#include "capacity/codec.hpp"
#include "model/messages.hpp"
#include "ports/capacity_prover.hpp"

namespace vcity::verifier {

// The cards of a node at the other end of a scheduler, for one session. Every call ends with its answer, with an error
// of the node or the scheduler (kDenied), at the deadline (kTimeout), or when the link breaks (kUnavailable). A longer
// answer is fetched piece by piece within the same deadline. cards() is empty: what a node claims is on chain.
class CapacityLink final : public ports::CapacityProver {
  public:
    struct Parts {
        Runtime* runtime = nullptr;
        Address node;
        Hash session;
        Duration answer_max{};
        std::function<bool(Message)> post;  // false: the link is down
    };
    explicit CapacityLink(Parts parts) : parts_{std::move(parts)}, changed_{parts_.runtime} {}

    std::vector<CapacityCard> cards() override { return {}; }
    Task<Result<CapacityChainCommitment>> run_chain(CapacityChainChallenge challenge) override;
    Task<Result<CapacityOpening>> open(CapacityDraw draw) override;
    Task<Result<void>> fill(CapacityFill chunk) override;
    Task<Result<CapacityAnswer>> sweep(CapacitySweep challenge) override;
    // Also what a session begins with: an error tells that the node offers nothing or cannot be reached.
    Task<Result<void>> greet();
    Task<void> release() override;

    void on_reply(CapacityReply reply);
    void on_link_lost();
    bool is_lost() const { return lost_; }

  private:
    Task<Result<Bytes>> ask(Bytes body);
    Task<Result<CapacityReply>> ask_piece(CapacityQuestion question, TimePoint deadline);
    template <class Answer>
    Task<Result<Answer>> ask_for(capacity::CapacityMessage question);

    Parts parts_;
    Notifier changed_;
    std::map<std::uint64_t, std::optional<CapacityReply>> pending_;
    std::uint64_t next_ = 1;
    bool lost_ = false;
};

}  // namespace vcity::verifier
