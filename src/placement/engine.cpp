// SPDX-License-Identifier: Apache-2.0
#include "placement/engine.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "market/pricing.hpp"

namespace vcity::placement {
namespace {

// In the order of the questions: a candidate counts for the first one it fails. The last two are those that time alone
// can heal.
enum class Filter : std::uint8_t {
    kModel,
    kRoot,
    kFlagged,
    kExcluded,
    kInputPrice,
    kOutputPrice,
    kContext,
    kTier,
    kMonitor,
    kInactive,
    kBusy,
    kPassed,
};
constexpr std::size_t kFilters = static_cast<std::size_t>(Filter::kPassed) + 1;

struct Tally {
    std::array<std::uint32_t, kFilters> counts{};
    std::array<const Candidate*, kFilters> examples{};

    std::uint32_t of(Filter filter) const { return counts[static_cast<std::size_t>(filter)]; }
};

Filter first_failed(const Demand& demand, const Candidate& candidate) {
    const ModelOffer& offer = candidate.offer;
    if (offer.model != demand.request.model) return Filter::kModel;
    if (demand.model_root && offer.model_root != *demand.model_root) return Filter::kRoot;
    if (candidate.is_flagged) return Filter::kFlagged;
    if (std::ranges::find(demand.excluded, candidate.node) != demand.excluded.end()) return Filter::kExcluded;
    if (offer.prices.input > demand.prices_max.input) return Filter::kInputPrice;
    if (offer.prices.output > demand.prices_max.output) return Filter::kOutputPrice;
    // The prompt's tokens are not known here; the worker refuses one that is too long. What is surely too long is not
    // sent at all.
    if (demand.request.output_tokens_max > offer.context_tokens_max) return Filter::kContext;
    const Verification verification = demand.request.verification;
    if (!offer.tiers.has(tier_of(verification))) return Filter::kTier;
    if (verification == Verification::kTee && candidate.monitor_key.is_zero()) return Filter::kMonitor;
    if (!candidate.is_active) return Filter::kInactive;
    if (candidate.leased >= offer.slots) return Filter::kBusy;
    return Filter::kPassed;
}

// Smaller is better.
auto score(const Demand& demand, const Candidate& candidate) {
    const Result<Usd> cost = market::quote_of(demand.request, candidate.offer.prices);
    constexpr std::uint64_t kParts = 1000;
    const std::uint64_t load = candidate.leased * kParts / std::max<std::uint64_t>(candidate.offer.slots, 1);
    return std::tuple{cost ? cost->micro : UINT64_MAX, load, candidate.failures, ~U128{0} - candidate.stake.wei,
                      candidate.node};
}

std::string short_name(const Address& node) {
    constexpr std::size_t kDigits = 10;
    return codec::to_hex(node).substr(0, kDigits);
}

std::string plural(std::uint64_t count, std::string_view one, std::string_view many) {
    return std::to_string(count) + " " + std::string{count == 1 ? one : many};
}

std::string explain(const Demand& demand, Filter filter, const Candidate& example) {
    switch (filter) {
        case Filter::kModel: return "serves another model";
        case Filter::kRoot: return "holds other weights than the model's name stands for";
        case Filter::kInactive: return "not connected, or without an active stake";
        case Filter::kFlagged: return "a verifier rejected a result of it, or it left audits unanswered";
        case Filter::kExcluded: return "failed this job before, or is not one that the request wants";
        case Filter::kInputPrice:
            return "asks " + std::to_string(example.offer.prices.input) + " per million input tokens, above the " +
                   "ceiling of " + std::to_string(demand.prices_max.input);
        case Filter::kOutputPrice:
            return "asks " + std::to_string(example.offer.prices.output) + " per million output tokens, above the " +
                   "ceiling of " + std::to_string(demand.prices_max.output);
        case Filter::kContext:
            return "holds " + std::to_string(example.offer.context_tokens_max) + " tokens of context, fewer than the " +
                   std::to_string(demand.request.output_tokens_max) + " asked for";
        case Filter::kTier: return "does not commit to its work as the request asks";
        case Filter::kMonitor: return "has no attested monitor";
        case Filter::kBusy: return "no free slot";
        case Filter::kPassed: return "fits";
    }
    unreachable();
}

// "2 ruled out: no free slot; 1 ruled out: ..."
std::string explain_losses(const Demand& demand, const Tally& tally) {
    std::string text;
    for (std::size_t index = static_cast<std::size_t>(Filter::kRoot); index + 1 < kFilters; ++index) {
        if (tally.counts[index] == 0) continue;
        text += "; " + std::to_string(tally.counts[index]) + " ruled out: ";
        text += explain(demand, static_cast<Filter>(index), *tally.examples[index]);
    }
    return text;
}

std::string explain_choice(const Demand& demand, const std::vector<const Candidate*>& fits, const Candidate& best) {
    const std::uint32_t free_slots = best.offer.slots - best.leased;
    const std::string slots = plural(free_slots, "free slot", "free slots");
    if (fits.size() == 1) return "the only one that fits, " + slots;
    const auto cost = std::get<0>(score(demand, best));
    const auto same_cost =
        std::ranges::count_if(fits, [&](const Candidate* other) { return std::get<0>(score(demand, *other)) == cost; });
    const std::string field = " of " + std::to_string(fits.size()) + " that fit, ";
    if (same_cost == 1) return "cheapest" + field + slots;
    const auto same_load = std::ranges::count_if(fits, [&](const Candidate* other) {
        const auto theirs = score(demand, *other);
        return std::get<0>(theirs) == cost && std::get<1>(theirs) == std::get<1>(score(demand, best));
    });
    if (same_load == 1) return "least loaded of the cheapest" + field + slots;
    return "best record of the cheapest" + field + slots;
}

}  // namespace

Losses losses(const Demand& demand, const std::vector<Candidate>& candidates) {
    Tally tally;
    for (const Candidate& candidate : candidates) {
        const auto index = static_cast<std::size_t>(first_failed(demand, candidate));
        if (tally.counts[index]++ == 0) tally.examples[index] = &candidate;
    }
    const std::uint32_t fitting = tally.of(Filter::kPassed);
    return {fitting, static_cast<std::uint32_t>(candidates.size()) - fitting, explain_losses(demand, tally)};
}

Placement place(const Demand& demand, const std::vector<Candidate>& candidates) {
    Tally tally;
    std::vector<const Candidate*> fits;
    for (const Candidate& candidate : candidates) {
        const auto filter = first_failed(demand, candidate);
        const auto index = static_cast<std::size_t>(filter);
        if (tally.counts[index]++ == 0) tally.examples[index] = &candidate;
        if (filter == Filter::kPassed) fits.push_back(&candidate);
    }
    const auto total = static_cast<std::uint32_t>(candidates.size());
    PlacementReason reason;
    reason.candidates = total;
    reason.rejected = total - tally.of(Filter::kPassed);
    if (!fits.empty()) {
        const Candidate* best = *std::ranges::min_element(
            fits, [&](const Candidate* a, const Candidate* b) { return score(demand, *a) < score(demand, *b); });
        reason.node = best->node;
        reason.text = "node " + short_name(best->node) + ": " + explain_choice(demand, fits, *best) +
                      explain_losses(demand, tally);
        return Placed{static_cast<std::size_t>(best - candidates.data()), std::move(reason)};
    }
    const std::uint32_t serving = total - tally.of(Filter::kModel);
    NotPlaced::Kind kind = NotPlaced::Kind::kRuledOut;
    if (tally.of(Filter::kInactive) > 0) kind = NotPlaced::Kind::kAway;
    if (tally.of(Filter::kBusy) > 0) kind = NotPlaced::Kind::kBusy;
    if (serving == 0) kind = NotPlaced::Kind::kNoOffer;
    const std::string model = "\"" + demand.request.model + "\"";
    reason.text = serving == 0 ? "no connected node serves the model " + model
                               : "none of " + plural(serving, "node that serves ", "nodes that serve ") + model +
                                     " can take it" + explain_losses(demand, tally);
    return NotPlaced{kind, std::move(reason)};
}

}  // namespace vcity::placement
