// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capacity/session.hpp"
#include "ports/chain.hpp"
#include "services/verifier/capacity_link.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace vcity::verifier {

// What the cards of a registered node have to prove: the public figures of the card it names, as many times as it says.
// Empty when there are no public figures of it.
std::vector<capacity::CardClaim> claims_of(const Hardware& hardware);

struct CapacityOptions {
    struct Sizes {
        CapacityChainShape chain;
        CapacityStoreShape store;
    };

    Duration every{};  // from the end of one session to the next; zero: never
    Duration find_patience = std::chrono::seconds{10};
    capacity::SessionPolicy policy = over_a_link();
    std::function<std::vector<capacity::CardClaim>(const Hardware&)> claims = claims_of;
    std::optional<Sizes> sizes;  // checked ones, instead of those that follow from the claims; for small machines

    // The way is that of two links and a scheduler, and fixed: a node cannot make it longer by answering late.
    static capacity::SessionPolicy over_a_link();
};

// From time to time picks a connected node at random and has it prove its cards. Says what came of it: as a log event
// and in vcity_verifier_capacity_sessions_total. Outcomes: those of the worst card, or "not_held" when the session
// could not be held (not offered, busy, no public figures, link lost), which says nothing about the cards.
class CapacityRounds {
  public:
    struct Parts {
        Runtime* runtime = nullptr;
        ports::ChainReader* chain_reader = nullptr;
        MetricRegistry* metrics = &null_metrics();
        Log log{nullptr, "verifier"};
        std::function<bool(Message)> post;  // false: the link is down
    };
    CapacityRounds(Parts parts, CapacityOptions options);

    // Ends after stop().
    Task<void> run();
    void stop();
    void on_offers(OffersReply offers);
    void on_reply(CapacityReply reply);
    void on_link_lost();

  private:
    Task<void> hold();
    Task<Result<std::vector<capacity::CardScore>>> examine(Address node);
    Task<std::optional<Address>> pick();
    std::unique_ptr<capacity::Session> make_session(const Hash& id, std::vector<capacity::CardClaim> claims);
    Hash random_hash();
    void report(const Address& node, const Result<std::vector<capacity::CardScore>>& scores);

    Parts parts_;
    CapacityOptions options_;
    Notifier changed_;
    std::unique_ptr<CapacityLink> link_;
    std::optional<OffersReply> offers_;
    bool stopping_ = false;
};

}  // namespace vcity::verifier
