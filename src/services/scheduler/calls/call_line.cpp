// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "market/pricing.hpp"
#include "services/scheduler/calls/model_router.hpp"

// Of ModelRouter: the line for slots, and the sentences for people.
namespace vcity::scheduler {
namespace {

// Up to so many nodes every one that was ruled out is told with its reason; among more the numbers have to do.
constexpr std::size_t kExplainedMax = 32;
constexpr std::size_t kExplainedRefusalMax = 256;

constexpr Duration kRetryMin = std::chrono::milliseconds{100};

// Calls of the same terms wait for the same slots.
struct Terms {
    Verification verification = Verification::kNone;
    std::uint32_t output_tokens_max = 0;
    TokenPrices prices_max;

    explicit Terms(const JobOrder& order)
        : verification{order.request.verification},
          output_tokens_max{order.request.output_tokens_max},
          prices_max{order.prices_max} {}
    bool operator==(const Terms&) const = default;
};

std::string milliseconds(routing::Nanos time) {
    constexpr routing::Nanos kMilli = 1'000'000;
    return std::to_string((time + kMilli / 2) / kMilli) + " ms";
}

std::string seconds(Duration time) {
    constexpr std::int64_t kTenth = 100'000'000;
    const std::int64_t tenths = time.count() / kTenth;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

placement::Demand ModelRouter::demand_of(const Call& call) const {
    // Without the prompt: it may be long, and no filter reads it.
    const ModelRequest& request = call.order->request;
    placement::Demand demand;
    demand.request.model = request.model;
    demand.request.output_tokens_max = request.output_tokens_max;
    demand.request.verification = request.verification;
    demand.prices_max = call.order->prices_max;
    demand.excluded = shunned(call);
    const auto pinned = context_->options.model_roots.find(request.model);
    if (pinned != context_->options.model_roots.end()) demand.model_root = pinned->second;
    return demand;
}

PlacementReason ModelRouter::explain(const Pool& pool, const Call& call, const Picked& picked) const {
    constexpr std::size_t kDigits = 10;
    PlacementReason reason;
    reason.node = picked.node;
    reason.text = "node " + codec::to_hex(picked.node).substr(0, kDigits) + ": ";
    const bool is_short = pool.nodes.size() <= kExplainedMax;
    placement::Losses losses;
    if (is_short) losses = placement::losses(demand_of(call), directory_->candidates(pool.nodes, picked.offer.model));
    if (!is_short) losses.fitting = static_cast<std::uint32_t>(pool.router.replicas());
    reason.candidates = is_short ? losses.fitting + losses.rejected : losses.fitting;
    reason.rejected = losses.rejected;
    const KnownNode* known = directory_->find(picked.node);
    const std::size_t taken = std::min<std::size_t>(known->leases.size(), picked.offer.slots);
    const std::size_t free_slots = picked.offer.slots - taken;
    const std::string slots = std::to_string(free_slots) + (free_slots == 1 ? " free slot" : " free slots");
    if (is_short && losses.fitting == 1) {
        reason.text += "the only one that fits, " + slots + losses.text;
        return reason;
    }
    reason.text += picked.is_trial ? "a newcomer on trial, its result is audited; " : "";
    reason.text += "about " + milliseconds(picked.choice.expected) + " to the first token";
    if (picked.choice.cached_blocks > 0) {
        reason.text += " (" + std::to_string(picked.choice.cached_blocks) + " of " +
                       std::to_string(call.blocks.size()) + " blocks of the prompt known)";
    }
    const std::uint64_t percent = directory_->reputation_bp(picked.node) / 100;
    reason.text += ", record " + std::to_string(percent) + " %, ";
    reason.text += picked.is_trial ? "one of " : "best of time, price and record of ";
    reason.text += std::to_string(losses.fitting) + (is_short ? " that fit, " : " that serve it, ") + slots;
    reason.text += losses.text;
    return reason;
}

placement::NotPlaced ModelRouter::why_none(const Call& call) const {
    const std::string& model = call.order->request.model;
    const Pool* pool = find_pool(model);
    const placement::Demand demand = demand_of(call);
    if (pool != nullptr && pool->nodes.size() > kExplainedRefusalMax) {
        const auto answer = pool->router.choose(request_of(call, excluded_of(call)));
        const auto* refusal = std::get_if<routing::Refusal>(&answer);
        const bool is_busy = refusal == nullptr || refusal->kind == routing::Refusal::Kind::kBusy;
        placement::NotPlaced busy{.kind = placement::NotPlaced::Kind::kBusy, .reason = {}};
        busy.reason.candidates = static_cast<std::uint32_t>(pool->nodes.size());
        busy.reason.text = "no free slot at any of the nodes that serve \"" + model + "\" on these terms";
        if (is_busy) return busy;
    }
    const std::set<Address> nobody;
    const placement::Placement found =
        placement::place(demand, directory_->candidates(pool == nullptr ? nobody : pool->nodes, model));
    if (const auto* refused = std::get_if<placement::NotPlaced>(&found)) return *refused;
    placement::NotPlaced behind{.kind = placement::NotPlaced::Kind::kBusy,
                                .reason = std::get<placement::Placed>(found).reason};
    behind.reason.text = "others have waited longer for a free slot";
    return behind;
}

std::optional<LineFull> ModelRouter::join(Waiter* waiter) {
    const SchedulerOptions& options = context_->options;
    const std::string& model = waiter->call->order->request.model;
    Pool* pool = find_pool(model);
    CHECK(pool != nullptr && !waiter->is_in_line);
    const Duration gap = gap_of(*pool);
    const Duration wait = gap * static_cast<Duration::rep>(pool->waiting.size() + 1);
    std::uint32_t& of_client = waiting_of_[waiter->call->order->client];
    const std::size_t share = std::max<std::size_t>(options.choice.waiting_max / 2, 1);
    if (of_client >= share) {
        context_->metrics.calls_shed_client->increment();
        return LineFull{"this client has " + std::to_string(of_client) + " calls waiting, as many as one may have",
                        std::max(wait / 2, kRetryMin)};
    }
    // A quarter for what the estimate may be wrong by.
    const Duration wait_max = options.placement_wait_max / 4 * 3;
    const bool is_full = waiting_ >= options.choice.waiting_max || wait > wait_max;
    if (is_full) {
        if (of_client == 0) waiting_of_.erase(waiter->call->order->client);
        // Who is sent away is told a time of its own, so that not all come back at once.
        const Duration over = std::max(wait - wait_max, gap);
        pool->returns_at = std::max(pool->returns_at, context_->now() + over) + gap;
        context_->metrics.calls_shed_full->increment();
        return LineFull{"all nodes that serve \"" + model + "\" are busy and " + std::to_string(pool->waiting.size()) +
                            " calls wait, about " + seconds(wait) + " for one more",
                        std::clamp<Duration>(pool->returns_at - context_->now(), kRetryMin, options.choice.retry_max)};
    }
    ++of_client;
    ++waiting_;
    waiter->is_in_line = true;
    waiter->since = context_->now();
    pool->waiting.push_back(waiter);
    context_->metrics.calls_waiting->set(static_cast<double>(waiting_));
    serve(pool);
    return std::nullopt;
}

Duration ModelRouter::retry_after(const Call& call) const {
    const Pool* pool = find_pool(call.order->request.model);
    if (pool == nullptr) return {};
    const Duration wait = gap_of(*pool) * static_cast<Duration::rep>(pool->waiting.size() + 1);
    return std::clamp<Duration>(wait, kRetryMin, context_->options.choice.retry_max);
}

void ModelRouter::leave(Waiter* waiter) {
    if (!waiter->is_in_line) return;
    Pool* pool = find_pool(waiter->call->order->request.model);
    CHECK(pool != nullptr);
    unlink(pool, std::ranges::find(pool->waiting, waiter));
}

void ModelRouter::unlink(Pool* pool, std::list<Waiter*>::iterator at) {
    Waiter* waiter = *at;
    waiter->is_in_line = false;
    pool->waiting.erase(at);
    --waiting_;
    const auto client = waiting_of_.find(waiter->call->order->client);
    if (--client->second == 0) waiting_of_.erase(client);
    const Duration waited = context_->now() - waiter->since;
    context_->metrics.seconds_in_line->observe(std::chrono::duration<double>(waited).count());
    context_->metrics.calls_waiting->set(static_cast<double>(waiting_));
}

// Taking a slot makes the directory tell of the change, which comes back here.
void ModelRouter::serve(Pool* pool) {
    pool->serves_again = true;
    if (pool->is_serving) return;
    pool->is_serving = true;
    while (pool->serves_again && !pool->waiting.empty()) {
        pool->serves_again = false;
        const bool was_one_served = serve_once(pool);
        if (!was_one_served) break;
    }
    pool->is_serving = false;
}

bool ModelRouter::serve_once(Pool* pool) {
    bool was_one_served = false;
    std::vector<Terms> in_vain;
    for (auto next = pool->waiting.begin(); next != pool->waiting.end();) {
        const auto here = next++;
        Waiter* waiter = *here;
        const Terms terms{*waiter->call->order};
        if (std::ranges::find(in_vain, terms) != in_vain.end()) continue;
        waiter->picked = take_from(pool, *waiter->call);
        if (!waiter->picked) {
            // One that may not use every node proves nothing for the others.
            if (waiter->call->excluded.empty() && waiter->call->order->wish.is_empty()) in_vain.push_back(terms);
            continue;
        }
        unlink(pool, here);
        waiter->wake->notify();
        was_one_served = true;
    }
    return was_one_served;
}

}  // namespace vcity::scheduler
