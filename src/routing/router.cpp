// SPDX-License-Identifier: Apache-2.0
#include "routing/router.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "base/amount.hpp"
#include "base/check.hpp"

namespace vcity::routing {
namespace {

constexpr Nanos kNever = ~0ULL;
constexpr std::size_t kCandidatesMax = 64;
constexpr std::uint32_t kSpeedOne = 1024;
constexpr std::uint32_t kSpeedMax = 64 * kSpeedOne;
constexpr std::uint32_t kTreeDepthMax = 32;
constexpr std::uint32_t kUnsortedMin = 16;

// Both stop at kNever.
Nanos add(Nanos a, Nanos b) {
    const Nanos sum = a + b;
    return sum < a ? kNever : sum;
}

Nanos multiply(Nanos a, std::uint64_t b) {
    const U128 product = U128{a} * b;
    return product > kNever ? kNever : static_cast<Nanos>(product);
}

bool is_too_dear(const Replica& replica, const Request& request) {
    return replica.price > request.price_max || replica.input_price > request.input_price_max;
}

Nanos price_cost(const Request& request, std::uint64_t price, std::uint64_t input_price) {
    return add(multiply(request.per_price, price), multiply(request.per_input_price, input_price));
}

bool contains(std::span<const ReplicaId> replicas, ReplicaId replica) {
    return std::ranges::find(replicas, replica) != replicas.end();
}

}  // namespace

Router::Router(std::uint16_t regions, std::vector<Nanos> round_trips, const RouterOptions& options)
    : options_{options},
      round_trips_{std::move(round_trips)},
      nearest_(regions),
      regions_(regions),
      prefixes_{options.cache_entries_max} {
    CHECK(regions > 0 && round_trips_.size() == std::size_t{regions} * regions);
    CHECK(options.cached_candidates <= kCandidatesMax);
    for (std::uint16_t from = 0; from < regions; ++from) {
        nearest_[from].resize(regions);
        std::iota(nearest_[from].begin(), nearest_[from].end(), std::uint16_t{0});
        std::ranges::sort(nearest_[from], {}, [&](std::uint16_t to) { return std::pair{round_trip(from, to), to}; });
    }
    for (Region& region : regions_) sum_up(&region);
}

void Router::sort_leaves(Region* region) {
    std::ranges::sort(region->members, {}, [&](ReplicaId id) { return std::pair{bound_of(slots_[id]).per_token, id}; });
    region->unsorted = 0;
    for (std::uint32_t leaf = 0; leaf < region->members.size(); ++leaf) slots_[region->members[leaf]].place = leaf;
}

void Router::sum_up(Region* region) {
    region->width = std::bit_ceil(std::max(static_cast<std::uint32_t>(region->members.size()), 1U));
    region->nodes.assign(std::size_t{region->width} * 2, Bound{});
    for (std::size_t leaf = 0; leaf < region->members.size(); ++leaf) {
        region->nodes[region->width + leaf] = bound_of(slots_[region->members[leaf]]);
    }
    for (std::size_t node = region->width; node-- > 1;) region->nodes[node] = both(region->nodes, node);
}

Result<ReplicaId> Router::add(const Replica& replica) {
    if (replica.region >= regions_.size()) return make_error(Errc::kInvalid, "the replica is in an unknown region");
    if (replica.slots == 0) return make_error(Errc::kInvalid, "the replica takes no requests");
    if (count_ >= options_.replicas_max) return make_error(Errc::kExhausted, "the router takes no more replicas");
    if (free_.empty()) {
        free_.push_back(static_cast<ReplicaId>(slots_.size()));
        slots_.emplace_back();
    }
    const ReplicaId id = free_.back();
    free_.pop_back();
    ++count_;
    Region& region = regions_[replica.region];
    const std::uint32_t generation = slots_[id].generation + 1;
    slots_[id] = Slot{.replica = replica,
                      .is_used = true,
                      .is_available = true,
                      .generation = generation,
                      .place = static_cast<std::uint32_t>(region.members.size())};
    region.members.push_back(id);
    ++region.unsorted;
    prefixes_.add(id, replica.cache_blocks);
    const bool is_sorted = region.unsorted <= kUnsortedMin + region.members.size() / 8;
    if (!is_sorted) sort_leaves(&region);
    if (!is_sorted || region.members.size() > region.width) sum_up(&region);
    refresh(id);
    return id;
}

void Router::remove(ReplicaId replica) {
    if (replica >= slots_.size() || !slots_[replica].is_used) return;
    set_available(replica, false);
    // The last leaf takes its place.
    Region& region = regions_[slots_[replica].replica.region];
    const ReplicaId last = region.members.back();
    region.nodes[std::size_t{region.width} + slots_[last].place] = {};
    refresh_above(&region, slots_[last].place);
    region.members[slots_[replica].place] = last;
    region.members.pop_back();
    slots_[last].place = slots_[replica].place;
    ++region.unsorted;
    if (last != replica) refresh(last);
    prefixes_.remove(replica);
    slots_[replica].is_used = false;
    free_.push_back(replica);
    --count_;
}

void Router::set_available(ReplicaId replica, bool is_available) {
    if (replica >= slots_.size() || !slots_[replica].is_used) return;
    slots_[replica].is_available = is_available;
    refresh(replica);
}

bool Router::is_free(const Slot& slot) {
    return slot.is_used && slot.is_available && slot.active < slot.replica.slots;
}

// Whether it could serve the request at all; price is another question.
bool Router::is_able(const Slot& slot, const Request& request) {
    return (request.needs & ~slot.replica.features) == 0 && slot.replica.context_tokens >= request.context_min;
}

void Router::set_terms(ReplicaId replica, Nanos away, Nanos penalty) {
    if (replica >= slots_.size() || !slots_[replica].is_used) return;
    slots_[replica].replica.away = away;
    slots_[replica].replica.penalty = penalty;
    refresh(replica);
}

void Router::set_active(ReplicaId replica, std::uint32_t active) {
    if (replica >= slots_.size() || !slots_[replica].is_used) return;
    slots_[replica].active = active;
    refresh(replica);
}

Nanos Router::per_token_of(const Slot& slot) {
    return multiply(slot.replica.prefill_per_token, slot.speed_q10) / kSpeedOne;
}

Router::Bound Router::bound_of(const Slot& slot) const {
    if (!is_free(slot)) return {};
    const Replica& replica = slot.replica;
    return {.ready = vcity::routing::add(slot.backlog, vcity::routing::add(replica.away, replica.penalty)),
            .per_token = per_token_of(slot),
            .price = replica.price,
            .input_price = replica.input_price,
            .features = replica.features,
            .context_tokens = replica.context_tokens};
}

void Router::refresh(ReplicaId replica) {
    const Slot& slot = slots_[replica];
    Region& region = regions_[slot.replica.region];
    region.nodes[std::size_t{region.width} + slot.place] = bound_of(slot);
    refresh_above(&region, slot.place);
}

void Router::refresh_above(Region* region, std::uint32_t leaf) {
    for (std::size_t node = (std::size_t{region->width} + leaf) / 2; node > 0; node /= 2) {
        region->nodes[node] = both(region->nodes, node);
    }
}

Router::Bound Router::both(const std::vector<Bound>& nodes, std::size_t parent) {
    const Bound& left = nodes[parent * 2];
    const Bound& right = nodes[parent * 2 + 1];
    return {.ready = std::min(left.ready, right.ready),
            .per_token = std::min(left.per_token, right.per_token),
            .price = std::min(left.price, right.price),
            .input_price = std::min(left.input_price, right.input_price),
            .features = left.features | right.features,
            .context_tokens = std::max(left.context_tokens, right.context_tokens)};
}

Nanos Router::work_of(const Slot& slot, const Request& request, std::uint32_t cached_blocks) const {
    const std::uint64_t cached = std::uint64_t{cached_blocks} * request.block_tokens;
    // The last token is always computed: its logits are needed.
    const std::uint64_t tokens = request.tokens > cached ? request.tokens - cached : 1;
    return multiply(per_token_of(slot), tokens);
}

Nanos Router::weighted(Nanos work) const {
    return multiply(work, 100 + std::uint64_t{options_.work_weight_percent}) / 100;
}

void Router::consider(const Request& request, ReplicaId replica, std::uint32_t cached, Best* best) const {
    const Slot& slot = slots_[replica];
    if (!is_free(slot) || !is_able(slot, request) || is_too_dear(slot.replica, request)) return;
    if (contains(request.excluded, replica)) return;
    const Nanos ready = vcity::routing::add(slot.backlog, vcity::routing::add(slot.replica.away, slot.replica.penalty));
    Nanos cost = vcity::routing::add(ready, weighted(work_of(slot, request, cached)));
    cost = vcity::routing::add(cost, round_trip(request.region, slot.replica.region));
    cost = vcity::routing::add(cost, price_cost(request, slot.replica.price, slot.replica.input_price));
    if (best->is_found && cost >= best->cost) return;
    *best = {cost, replica, cached, true};
}

// Depth first, the side with the smaller backlog first; a subtree is left out when even its best would not win.
void Router::search(const Request& request, std::uint16_t region, Best* best) const {
    const Region& tree = regions_[region];
    const Nanos away = round_trip(request.region, region);
    const auto least = [&](const Bound& bound) {
        const bool is_ruled_out = bound.ready == kNever || bound.price > request.price_max ||
                                  bound.input_price > request.input_price_max ||
                                  (request.needs & ~bound.features) != 0 || bound.context_tokens < request.context_min;
        if (is_ruled_out) return kNever;
        const Nanos work = weighted(multiply(bound.per_token, std::max(request.tokens, 1U)));
        const Nanos cost = vcity::routing::add(vcity::routing::add(bound.ready, work), away);
        return vcity::routing::add(cost, price_cost(request, bound.price, bound.input_price));
    };
    const auto loses = [&](Nanos cost) { return cost == kNever || (best->is_found && cost >= best->cost); };

    struct Open {
        std::uint32_t node;
        Nanos cost;
    };
    std::array<Open, kTreeDepthMax + 2> open;
    std::size_t size = 0;
    open[size++] = {1, least(tree.nodes[1])};
    while (size > 0) {
        const auto [node, cost] = open[--size];
        if (loses(cost)) continue;
        if (node >= tree.width) {
            consider(request, tree.members[node - tree.width], 0, best);
            continue;
        }
        Open near{node * 2, least(tree.nodes[std::size_t{node} * 2])};
        Open far{node * 2 + 1, least(tree.nodes[std::size_t{node} * 2 + 1])};
        if (far.cost < near.cost) std::swap(near, far);
        if (!loses(far.cost)) open[size++] = far;
        if (!loses(near.cost)) open[size++] = near;
    }
}

std::variant<Choice, Refusal> Router::choose(const Request& request) const {
    if (request.region >= regions_.size()) return Refusal{};
    Best best;
    std::array<PrefixIndex::Holder, kCandidatesMax> holders;
    const auto some = std::span{holders}.first(options_.cached_candidates);
    const std::size_t found = prefixes_.find(request.blocks, some);
    for (const PrefixIndex::Holder& holder : some.first(found)) {
        consider(request, holder.replica, holder.blocks, &best);
    }
    for (const std::uint16_t region : nearest_[request.region]) {
        if (best.is_found && round_trip(request.region, region) >= best.cost) break;
        search(request, region, &best);
    }
    if (!best.is_found) return why_none(request);

    // One that was found without its cache may hold something all the same.
    if (best.cached == 0) best.cached = prefixes_.held(best.replica, request.blocks);
    const Choice choice = make_choice(best.replica, request, best.cached);
    if (choice.expected > request.wait_max) {
        return Refusal{.kind = Refusal::Kind::kBusy, .retry_after = choice.expected - request.wait_max};
    }
    return choice;
}

std::optional<Choice> Router::choice_of(ReplicaId replica, const Request& request) const {
    if (replica >= slots_.size() || request.region >= regions_.size()) return std::nullopt;
    Best best;
    consider(request, replica, prefixes_.held(replica, request.blocks), &best);
    if (!best.is_found) return std::nullopt;
    return make_choice(replica, request, best.cached);
}

Choice Router::make_choice(ReplicaId replica, const Request& request, std::uint32_t cached_blocks) const {
    const Slot& slot = slots_[replica];
    Choice choice{.replica = replica, .generation = slot.generation, .cached_blocks = cached_blocks};
    choice.work = work_of(slot, request, cached_blocks);
    choice.expected =
        vcity::routing::add(vcity::routing::add(slot.backlog, choice.work),
                            vcity::routing::add(round_trip(request.region, slot.replica.region), slot.replica.away));
    choice.hedge_after = multiply(choice.expected, 3);
    return choice;
}

Refusal Router::why_none(const Request& request) const {
    Refusal refusal;
    for (ReplicaId id = 0; id < slots_.size(); ++id) {
        const Slot& slot = slots_[id];
        const bool is_there = slot.is_used && slot.is_available && is_able(slot, request);
        if (!is_there || contains(request.excluded, id)) continue;
        if (is_too_dear(slot.replica, request)) {
            if (refusal.kind == Refusal::Kind::kNone) refusal.kind = Refusal::Kind::kTooDear;
            continue;
        }
        const bool is_first = refusal.kind != Refusal::Kind::kBusy;
        refusal.retry_after = is_first ? slot.backlog : std::min(refusal.retry_after, slot.backlog);
        refusal.kind = Refusal::Kind::kBusy;
    }
    return refusal;
}

Router::Slot* Router::slot_of(const Choice& choice) {
    if (choice.replica >= slots_.size()) return nullptr;
    Slot& slot = slots_[choice.replica];
    return slot.is_used && slot.generation == choice.generation ? &slot : nullptr;
}

void Router::dispatch(const Choice& choice, const Request& request) {
    Slot* const found = slot_of(choice);
    if (found == nullptr) return;
    Slot& slot = *found;
    if (!options_.owner_counts_slots) ++slot.active;
    slot.backlog = vcity::routing::add(slot.backlog, choice.work);
    prefixes_.touch(choice.replica, request.blocks);
    refresh(choice.replica);
}

void Router::on_first_token(const Choice& choice, Nanos took) {
    Slot* const found = slot_of(choice);
    if (found == nullptr) return;
    Slot& slot = *found;
    slot.backlog -= std::min(slot.backlog, choice.work);
    if (choice.work > 0) {
        // speed <- 7/8 speed + 1/8 speed * took / work
        const std::uint64_t ratio = std::min<std::uint64_t>(multiply(took, kSpeedOne) / choice.work, kSpeedMax);
        const std::uint64_t now = slot.speed_q10 * ratio / kSpeedOne;
        const std::uint64_t smoothed = (std::uint64_t{slot.speed_q10} * 7 + now + 4) / 8;
        slot.speed_q10 = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(smoothed, 1, kSpeedMax));
    }
    refresh(choice.replica);
}

void Router::on_end(const Choice& choice) {
    release(choice, true);
}

void Router::on_failure(const Choice& choice) {
    release(choice, false);
}

void Router::release(const Choice& choice, bool had_token) {
    Slot* const found = slot_of(choice);
    if (found == nullptr) return;
    Slot& slot = *found;
    if (!options_.owner_counts_slots) slot.active -= std::min(slot.active, 1U);
    if (!had_token) slot.backlog -= std::min(slot.backlog, choice.work);
    refresh(choice.replica);
}

Nanos Router::prefill_per_token(ReplicaId replica) const {
    return replica < slots_.size() && slots_[replica].is_used ? per_token_of(slots_[replica]) : 0;
}

Nanos Router::backlog(ReplicaId replica) const {
    return replica < slots_.size() && slots_[replica].is_used ? slots_[replica].backlog : 0;
}

}  // namespace vcity::routing
