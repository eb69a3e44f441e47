// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/calls/model_router.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::uint32_t kSketch = 1;
constexpr std::uint32_t kServed = 2;
constexpr std::uint32_t kMonitor = 4;

// Of a node that nobody has measured.
constexpr routing::Nanos kPrefillPerToken = 250'000;
constexpr std::uint32_t kCacheBlocksMax = 4'096;
// Above it a first token tells the speed, below it the way.
constexpr std::uint32_t kTellingTokens = 64;
// The way is the least time seen, and follows slowly when it gets longer.
constexpr routing::Nanos kAwayRise = 64;
constexpr std::uint64_t kMillionTokens = 1'000'000;
// How much more a client that sorts by price minds it.
constexpr std::uint64_t kPriceFirst = 1'000;

routing::Nanos nanos(Duration duration) {
    return static_cast<routing::Nanos>(std::max<Duration::rep>(duration.count(), 0));
}

std::uint32_t features_of(const ModelOffer& offer, bool has_monitor) {
    return (offer.tiers.sketch ? kSketch : 0) | (offer.tiers.served ? kServed : 0) | (has_monitor ? kMonitor : 0);
}

}  // namespace

ModelRouter::ModelRouter(Context* context, Directory* directory)
    : context_{context},
      directory_{directory},
      prefix_entries_left_{context->options.choice.prefix_entries},
      salt_{context->runtime()->random_u64()} {
    directory_->set_watcher([this](const Address& node) { refresh(node); });
}

ModelRouter::Pool* ModelRouter::find_pool(std::string_view model) const {
    const auto found = pools_.find(model);
    return found == pools_.end() ? nullptr : found->second.get();
}

// Null when the pool that it was chosen from has gone.
ModelRouter::Pool* ModelRouter::pool_of(const Picked& picked) const {
    Pool* pool = find_pool(picked.offer.model);
    return pool != nullptr && pool->serial == picked.pool ? pool : nullptr;
}

// --- the directory

void ModelRouter::refresh(const Address& node) {
    const KnownNode* known = directory_->find(node);
    if (known == nullptr) return;
    Places& places = places_[node];
    // One that has just connected has not said yet what it offers: probably the same as before.
    const bool has_offers = !known->announcement.offers.empty();
    if (has_offers && !is_same(places, known->announcement)) replace(node, known->announcement, &places);
    const bool is_barred = directory_->is_barred(*known);
    if (known->probation.is_suspended(context_->runtime()->unix_now())) {
        suspended_.emplace(known->probation.suspended_until, node);
    }
    const bool is_available = has_offers && known->session != kNoSession && !is_barred;
    for (const Place& place : places) update(*known, is_available, place);
    if (!is_available) return;
    // Serving a line takes slots, which comes back here for the same announcements.
    for (const Place& place : places) {
        Pool* pool = find_pool(place.offer.model);
        if (!pool->waiting.empty()) serve(pool);
    }
}

bool ModelRouter::is_same(const Places& places, const NodeAnnouncement& announcement) const {
    const bool has_monitor = !announcement.monitor_key.is_zero();
    return std::ranges::equal(places, announcement.offers, [&](const Place& place, const ModelOffer& offer) {
        return place.offer == offer && place.has_monitor == has_monitor;
    });
}

void ModelRouter::replace(const Address& node, const NodeAnnouncement& announcement, Places* places) {
    std::map<std::string, routing::Nanos> learned;
    std::set<std::string> models;
    for (const Place& place : *places) {
        models.insert(place.offer.model);
        const Pool* pool = find_pool(place.offer.model);
        if (place.replica) learned[place.offer.model] = pool->router.prefill_per_token(*place.replica);
    }
    drop(node, *places);
    places->clear();
    const bool has_monitor = !announcement.monitor_key.is_zero();
    for (const ModelOffer& offer : announcement.offers) {
        const auto known = learned.find(offer.model);
        const routing::Nanos speed = known == learned.end() ? kPrefillPerToken : known->second;
        places->push_back(enter(node, offer, has_monitor, speed));
    }
    for (const std::string& model : models) close_if_empty(model);
}

void ModelRouter::drop(const Address& node, const Places& places) {
    for (const Place& place : places) {
        Pool* pool = find_pool(place.offer.model);
        pool->nodes.erase(node);
        if (!place.replica) continue;
        Member& member = pool->members[*place.replica];
        if (member.is_counted) pool->slots -= member.offer.slots;
        set_newcomer(pool, *place.replica, false);
        pool->router.remove(*place.replica);
        member = {};
    }
}

ModelRouter::Place ModelRouter::enter(const Address& node,
                                      const ModelOffer& offer,
                                      bool has_monitor,
                                      routing::Nanos learned) {
    Place place{.offer = offer, .has_monitor = has_monitor, .replica = std::nullopt};
    Pool* pool = open_pool(offer.model);
    pool->nodes.insert(node);
    const auto pinned = context_->options.model_roots.find(offer.model);
    const bool is_pinned = pinned == context_->options.model_roots.end() || pinned->second == offer.model_root;
    if (!is_pinned) return place;
    const std::uint64_t blocks = std::uint64_t{offer.context_tokens_max} * offer.slots / kBlockTokens;
    const Result<routing::ReplicaId> added = pool->router.add({
        .prefill_per_token = learned,
        .slots = offer.slots,
        .cache_blocks = static_cast<std::uint32_t>(std::min<std::uint64_t>(blocks, kCacheBlocksMax)),
        .price = offer.prices.output,
        .input_price = offer.prices.input,
        .features = features_of(offer, has_monitor),
        .context_tokens = offer.context_tokens_max,
        .penalty = penalty_of(node),
    });
    if (!added) return place;
    if (pool->members.size() <= *added) pool->members.resize(std::size_t{*added} + 1);
    Member& member = pool->members[*added];
    member = {};
    member.node = node;
    member.offer = offer;
    place.replica = *added;
    return place;
}

ModelRouter::Pool* ModelRouter::open_pool(const std::string& model) {
    if (Pool* pool = find_pool(model)) return pool;
    routing::RouterOptions options;
    options.owner_counts_slots = true;
    // Anybody may offer any number of models that do not exist: what a cache's mirror costs is bounded in all.
    constexpr std::uint64_t kEntriesMin = 16;
    const std::uint64_t wanted = context_->options.choice.prefix_entries_per_model;
    const std::uint64_t entries = std::max(std::min(wanted, prefix_entries_left_), kEntriesMin);
    prefix_entries_left_ -= std::min(prefix_entries_left_, entries);
    options.cache_entries_max = static_cast<std::uint32_t>(entries);
    return (pools_[model] = std::make_unique<Pool>(next_serial_++, options)).get();
}

void ModelRouter::close_if_empty(const std::string& model) {
    const auto found = pools_.find(model);
    if (found == pools_.end() || !found->second->nodes.empty()) return;
    Pool* pool = found->second.get();
    // They look again, and find that nobody serves it.
    while (!pool->waiting.empty()) {
        Waiter* waiter = pool->waiting.front();
        unlink(pool, pool->waiting.begin());
        waiter->wake->notify();
    }
    prefix_entries_left_ += pool->prefix_entries;
    pools_.erase(found);
}

routing::Nanos ModelRouter::penalty_of(const Address& node) {
    constexpr std::uint64_t kGoodScore = 500'000;
    const ChoiceOptions& options = context_->options.choice;
    const std::uint64_t score = directory_->reputations().score(node, context_->runtime()->unix_now()).score;
    const routing::Nanos most = nanos(options.penalty_max);
    if (score == 0) return most;
    const U128 penalty = U128{nanos(options.failed_attempt)} * (kGoodScore - std::min(score, kGoodScore)) / score;
    const routing::Nanos chance = context_->runtime()->random_u64() % (nanos(options.spread) + 1);
    return static_cast<routing::Nanos>(std::min(penalty, U128{most})) + chance;
}

void ModelRouter::update(const KnownNode& known, bool is_available, const Place& place) {
    if (!place.replica) return;
    const routing::ReplicaId id = *place.replica;
    Pool& pool = *find_pool(place.offer.model);
    Member& member = pool.members[id];
    pool.router.set_available(id, is_available);
    pool.router.set_active(id, static_cast<std::uint32_t>(known.leases.size()));
    pool.router.set_terms(id, member.away, penalty_of(member.node));
    if (member.is_counted != is_available) {
        pool.slots = is_available ? pool.slots + member.offer.slots : pool.slots - member.offer.slots;
        member.is_counted = is_available;
    }
    const bool is_newcomer =
        is_available && directory_->reputations().is_newcomer(member.node, context_->runtime()->unix_now());
    set_newcomer(&pool, id, is_newcomer);
}

void ModelRouter::set_newcomer(Pool* pool, routing::ReplicaId id, bool is_newcomer) {
    std::optional<std::size_t>& at = pool->members[id].newcomer_at;
    if (at.has_value() == is_newcomer) return;
    if (is_newcomer) {
        at = pool->newcomers.size();
        pool->newcomers.push_back(id);
        return;
    }
    // The last one takes its place.
    const routing::ReplicaId last = pool->newcomers.back();
    pool->newcomers[*at] = last;
    pool->members[last].newcomer_at = at;
    pool->newcomers.pop_back();
    pool->members[id].newcomer_at.reset();
}

void ModelRouter::recall_suspended() {
    const UnixMillis now = context_->runtime()->unix_now();
    while (!suspended_.empty() && suspended_.begin()->first <= now) {
        const Address node = suspended_.begin()->second;
        suspended_.erase(suspended_.begin());
        refresh(node);
    }
}

void ModelRouter::refresh_some(std::size_t most) {
    recall_suspended();
    for (std::size_t count = 0; count < std::min(most, places_.size()); ++count) {
        auto next = places_.upper_bound(refreshed_last_);
        if (next == places_.end()) next = places_.begin();
        refreshed_last_ = next->first;
        refresh(refreshed_last_);
    }
}

// --- a call

Call ModelRouter::make_call(const JobOrder& order, std::vector<Address> excluded) const {
    return {.order = &order,
            .excluded = std::move(excluded),
            .tokens = prompt_tokens(order.request),
            .blocks = prompt_blocks(order.request, salt_)};
}

bool ModelRouter::is_wished(const NodeWish& wish, const Address& node) const {
    const auto has = [&](const std::vector<Address>& list) { return std::ranges::find(list, node) != list.end(); };
    if (has(wish.ignore) || (!wish.only.empty() && !has(wish.only))) return false;
    if (!wish.allow_fallbacks && !wish.order.empty() && !has(wish.order)) return false;
    if (directory_->reputation_bp(node) < wish.reputation_min_bp) return false;
    if (wish.regions.empty() && wish.stake_min_vcai == 0) return true;
    const KnownNode* known = directory_->find(node);
    if (known == nullptr || known->record.stake.wei / kWeiPerVcai < wish.stake_min_vcai) return false;
    return wish.regions.empty() ||
           std::ranges::find(wish.regions, known->announcement.hardware.region) != wish.regions.end();
}

std::vector<Address> ModelRouter::shunned(const Call& call) const {
    std::vector<Address> nodes = call.excluded;
    if (call.order->wish.is_empty()) return nodes;
    const Pool* pool = find_pool(call.order->request.model);
    if (pool == nullptr) return nodes;
    for (const Address& node : pool->nodes) {
        if (!is_wished(call.order->wish, node)) nodes.push_back(node);
    }
    return nodes;
}

std::optional<routing::Choice> ModelRouter::try_order(const Pool& pool,
                                                      const Call& call,
                                                      const routing::Request& request) const {
    for (const Address& node : call.order->wish.order) {
        const auto places = places_.find(node);
        if (places == places_.end()) continue;
        for (const Place& place : places->second) {
            if (!place.replica || place.offer.model != call.order->request.model) continue;
            if (std::ranges::find(request.excluded, *place.replica) != request.excluded.end()) continue;
            if (std::optional<routing::Choice> choice = pool.router.choice_of(*place.replica, request)) return choice;
        }
    }
    return std::nullopt;
}

std::vector<routing::ReplicaId> ModelRouter::excluded_of(const Call& call) const {
    std::vector<routing::ReplicaId> excluded;
    for (const Address& node : shunned(call)) {
        const auto places = places_.find(node);
        if (places == places_.end()) continue;
        for (const Place& place : places->second) {
            const bool is_it = place.replica && place.offer.model == call.order->request.model;
            if (is_it) excluded.push_back(*place.replica);
        }
    }
    return excluded;
}

routing::Request ModelRouter::request_of(const Call& call, std::span<const routing::ReplicaId> excluded) const {
    const ModelRequest& request = call.order->request;
    const bool needs_monitor = request.verification == Verification::kTee;
    const std::uint32_t tier = tier_of(request.verification) == AuditTier::kSketch ? kSketch : kServed;
    const NodeWish::Sort sort = call.order->wish.sort;
    std::uint64_t worth = nanos(context_->options.choice.time_per_micro_dollar);
    if (sort == NodeWish::Sort::kLatency) worth = 0;
    if (sort == NodeWish::Sort::kPrice) worth *= kPriceFirst;
    return {.tokens = call.tokens,
            .block_tokens = kBlockTokens,
            .blocks = call.blocks,
            .price_max = call.order->prices_max.output,
            .input_price_max = call.order->prices_max.input,
            .needs = tier | (needs_monitor ? kMonitor : 0),
            .context_min = request.output_tokens_max,
            .per_price = worth * request.output_tokens_max / kMillionTokens,
            .per_input_price = worth * call.tokens / kMillionTokens,
            .excluded = excluded};
}

std::optional<Picked> ModelRouter::take(const Call& call) {
    recall_suspended();
    Pool* pool = find_pool(call.order->request.model);
    if (pool == nullptr || !pool->waiting.empty()) return std::nullopt;
    return take_from(pool, call);
}

std::optional<Picked> ModelRouter::take_from(Pool* pool, const Call& call) {
    const std::vector<routing::ReplicaId> excluded = excluded_of(call);
    const routing::Request request = request_of(call, excluded);
    std::optional<routing::Choice> choice = try_order(*pool, call, request);
    bool is_trial = false;
    if (!choice) {
        choice = try_newcomer(*pool, call, request);
        is_trial = choice.has_value();
    }
    if (!choice) {
        const auto answer = pool->router.choose(request);
        if (const auto* best = std::get_if<routing::Choice>(&answer)) choice = *best;
    }
    if (!choice) return std::nullopt;
    const Member& member = pool->members[choice->replica];
    const KnownNode* known = directory_->find(member.node);
    CHECK(known != nullptr);
    const std::uint64_t cached = std::uint64_t{choice->cached_blocks} * kBlockTokens;
    Picked picked{.node = member.node,
                  .offer = member.offer,
                  .monitor_key = known->announcement.monitor_key,
                  .reason = {},
                  .choice = *choice,
                  .pool = pool->serial,
                  .uncached = call.tokens > cached ? static_cast<std::uint32_t>(call.tokens - cached) : 1,
                  .away = member.away,
                  .is_trial = is_trial};
    picked.reason = explain(*pool, call, picked);
    pool->router.dispatch(*choice, request);
    directory_->occupy(picked.node, call.order->job_id);
    (is_trial ? context_->metrics.calls_trial : context_->metrics.calls_chosen)->increment();
    return picked;
}

std::optional<routing::Choice> ModelRouter::try_newcomer(const Pool& pool,
                                                         const Call& call,
                                                         const routing::Request& request) {
    constexpr std::uint64_t kThousand = 1'000;
    constexpr std::size_t kTriesMax = 8;
    const ChoiceOptions& options = context_->options.choice;
    const bool are_some = !pool.newcomers.empty() && pool.newcomers.size() < pool.router.replicas();
    if (!are_some || call.order->quote > options.trial_quote_max || !call.excluded.empty()) return std::nullopt;
    Runtime* runtime = context_->runtime();
    if (runtime->random_u64() % kThousand >= options.trial_per_mille) return std::nullopt;
    const std::size_t start = runtime->random_u64() % pool.newcomers.size();
    for (std::size_t tries = 0; tries < std::min(kTriesMax, pool.newcomers.size()); ++tries) {
        const routing::ReplicaId next = pool.newcomers[(start + tries) % pool.newcomers.size()];
        if (std::optional<routing::Choice> choice = pool.router.choice_of(next, request)) return choice;
    }
    return std::nullopt;
}

// --- what became of it

void ModelRouter::on_first_token(const Picked& picked, Duration took) {
    Pool* pool = pool_of(picked);
    if (pool == nullptr) return;
    const routing::Nanos measured = nanos(took);
    // What it waited for before it had its turn says nothing about its own work.
    const routing::Nanos here = measured - std::min(measured, picked.away);
    const routing::Nanos expected_here = picked.choice.expected - std::min(picked.choice.expected, picked.away);
    routing::Nanos own = picked.choice.work;
    const bool is_telling = picked.uncached >= kTellingTokens && expected_here > 0;
    if (is_telling) {
        const U128 share = U128{here} * picked.choice.work / expected_here;
        own = static_cast<routing::Nanos>(std::min(share, U128{~0ULL}));
    }
    pool->router.on_first_token(picked.choice, own);
    Member& member = pool->members[picked.choice.replica];
    if (is_telling || member.node != picked.node) return;
    const bool is_nearer = member.away == 0 || measured < member.away;
    member.away = is_nearer ? measured : member.away + (measured - member.away) / kAwayRise;
    pool->router.set_terms(picked.choice.replica, member.away, penalty_of(member.node));
}

void ModelRouter::on_end(const Picked& picked, Duration took) {
    constexpr Duration::rep kMemory = 32;
    Pool* pool = pool_of(picked);
    if (pool == nullptr) return;
    pool->router.on_end(picked.choice);
    pool->service += (took - pool->service) / kMemory;
}

void ModelRouter::on_failure(const Picked& picked) {
    if (Pool* pool = pool_of(picked)) pool->router.on_failure(picked.choice);
}

}  // namespace vcity::scheduler
