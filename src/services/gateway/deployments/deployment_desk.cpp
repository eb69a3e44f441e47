// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/deployments/deployment_desk.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "codec/hex.hpp"
#include "services/gateway/deployments/fleet_live.hpp"
#include "services/gateway/deployments/fleet_request.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kRecords = "gateway/deployment/";
constexpr std::string_view kEvents = "gateway/deployment-event/";
constexpr std::string_view kMonths = "gateway/deployment-sla/";
constexpr std::size_t kScanPage = 256;
constexpr std::size_t kFleetsMax = 1'000;
constexpr std::size_t kFleetsOfClientMax = 50;
constexpr std::uint64_t kEventsKept = 500;  // of a deployment
constexpr Duration kTurn = std::chrono::milliseconds{500};
constexpr Duration kStorePause = std::chrono::seconds{1};
constexpr Duration kMonthsEvery = std::chrono::seconds{30};
constexpr Duration kJoinPatience = std::chrono::seconds{30};

std::string event_key(const std::string& id, std::uint64_t number) {
    return fmt::format("{}{}/{:012}", kEvents, id, number);
}

std::string month_key(const std::string& id, std::uint32_t month) {
    return fmt::format("{}{}/{:06}", kMonths, id, month);
}

Bytes bytes_of(const std::string& text) {
    return {text.begin(), text.end()};
}

// Replicas as far as their changes are worth a write.
std::vector<Replica> essence(const std::vector<Replica>& replicas) {
    std::vector<Replica> kept = replicas;
    for (Replica& replica : kept) {
        replica.active = 0;
        replica.misses = 0;
    }
    return kept;
}

}  // namespace

DeploymentDesk::DeploymentDesk(Parts parts)
    : parts_{parts},
      runtime_{parts.shared->runtime},
      machine_{parts.tuning},
      calls_{parts.shared, parts.tunnels},
      tasks_{runtime_},
      wake_{runtime_} {}

Task<Result<void>> DeploymentDesk::load() {
    const std::string prefix{kRecords};
    std::string after;
    while (true) {
        CO_TRY(const std::vector<ports::StoreEntry> page, co_await parts_.store->scan(prefix, after, kScanPage));
        for (const ports::StoreEntry& entry : page) {
            CO_TRY(Fleet fleet, parse_fleet(as_text(entry.value)));
            const std::string id = fleet.id;
            fleets_[id] = std::make_shared<Live>(runtime_, std::move(fleet));
        }
        if (page.size() < kScanPage) break;
        after = page.back().key;
    }
    for (const auto& [id, live] : fleets_) {
        const std::string months = fmt::format("{}{}/", kMonths, id);
        std::string none;
        constexpr std::size_t kMonthsMax = 1'200;
        CO_TRY(const std::vector<ports::StoreEntry> page, co_await parts_.store->scan(months, none, kMonthsMax));
        for (const ports::StoreEntry& entry : page) {
            CO_TRY(const SlaMonth month, parse_sla_month(as_text(entry.value)));
            live->months[month.month] = month;
            live->charged_before.micro += month.charged.micro;
        }
    }
    co_return Result<void>{};
}

Task<void> DeploymentDesk::run() {
    is_running_ = true;
    for (const auto& [id, live] : fleets_) tasks_.spawn(drive(live));
    while (!is_stopping_) {
        const TimePoint later = runtime_->now() + kJoinPatience;
        co_await wake_.wait_until(later);
    }
    while (tasks_.running() > 0) {
        const TimePoint patience = runtime_->now() + kJoinPatience;
        (void)co_await tasks_.join(patience);
    }
}

void DeploymentDesk::stop() {
    is_stopping_ = true;
    wake_.notify();
    for (const auto& [id, live] : fleets_) {
        live->changed.notify();
        live->ready.notify();
    }
}

// --- one deployment

Task<void> DeploymentDesk::drive(std::shared_ptr<Live> live) {
    while (!is_stopping_) {
        scale(live.get());
        measure(live.get());
        const bool was_failed = live->fleet.state() == FleetState::kFailed;
        machine_.reconcile(&live->fleet, runtime_->unix_now());
        if (!was_failed && live->fleet.state() == FleetState::kFailed) live->ready.notify();
        const Result<void> saved = co_await save(live);
        if (!saved) {
            parts_.shared->log.warn("deployment_stuck", {{"id", live->fleet.id}, {"reason", saved.error().message}});
            const TimePoint later = runtime_->now() + kStorePause;
            co_await runtime_->sleep_until(later);
            continue;
        }
        if (live->fleet.is_removed && live->fleet.replicas.empty()) {
            co_await drop(live);
            co_return;
        }
        act(live);
        const TimePoint next = runtime_->now() + kTurn;
        co_await live->changed.wait_until(next);
    }
}

Task<Result<void>> DeploymentDesk::save(std::shared_ptr<Live> live) {
    while (live->is_saving) {
        const TimePoint patience = runtime_->now() + kStorePause;
        co_await live->saved.wait_until(patience);
    }
    Fleet& fleet = live->fleet;
    std::vector<Replica> kept = essence(fleet.replicas);
    const bool has_months = runtime_->now() >= live->months_saved_at + kMonthsEvery && !live->months.empty();
    const bool has_news = live->is_dirty || !fleet.news.empty() || kept != live->kept;
    if (!has_news && !has_months) co_return Result<void>{};
    live->is_saving = true;
    ports::StoreChange change;
    std::vector<FleetEvent> news = std::move(fleet.news);
    fleet.news.clear();
    const std::uint64_t first_event = fleet.next_event;
    for (const FleetEvent& event : news) {
        change.puts.push_back({.key = event_key(fleet.id, fleet.next_event), .value = bytes_of(dump(event))});
        if (fleet.next_event > kEventsKept) {
            change.deletes.push_back(event_key(fleet.id, fleet.next_event - kEventsKept));
        }
        ++fleet.next_event;
    }
    change.puts.push_back({.key = std::string{kRecords} + fleet.id, .value = bytes_of(dump(fleet))});
    for (const auto& [number, month] : live->months) {
        const bool is_recent = number + 1 >= live->months.rbegin()->first;
        if (is_recent) change.puts.push_back({.key = month_key(fleet.id, number), .value = bytes_of(dump(month))});
    }
    live->is_dirty = false;
    const Result<void> saved = co_await parts_.store->commit(std::move(change));
    live->is_saving = false;
    live->saved.notify();
    if (!saved) {
        live->is_dirty = true;
        fleet.next_event = first_event;
        fleet.news.insert(fleet.news.begin(), news.begin(), news.end());
        co_return saved;
    }
    live->kept = std::move(kept);
    live->months_saved_at = runtime_->now();
    co_return Result<void>{};
}

// Its record and events go; the months stay as long as the store does.
Task<void> DeploymentDesk::drop(std::shared_ptr<Live> live) {
    const std::string id = live->fleet.id;
    ports::StoreChange change;
    change.deletes.push_back(std::string{kRecords} + id);
    const std::uint64_t last = live->fleet.next_event;
    for (std::uint64_t number = last > kEventsKept ? last - kEventsKept : 1; number < last; ++number) {
        change.deletes.push_back(event_key(id, number));
    }
    const Result<void> dropped = co_await parts_.store->commit(std::move(change));
    // Otherwise it is there again after a restart, and goes then.
    if (!dropped) parts_.shared->log.warn("deployment_stuck", {{"id", id}, {"reason", dropped.error().message}});
    fleets_.erase(id);
}

// --- demand and its record

void DeploymentDesk::count_demand(Live* live, int change) {
    live->settle_demand(runtime_->now());
    live->in_flight = static_cast<std::uint32_t>(static_cast<int>(live->in_flight) + change);
    live->last_request = runtime_->now();
}

void DeploymentDesk::scale(Live* live) {
    constexpr std::uint32_t kStepSecondsMax = 10;
    constexpr std::uint32_t kStepsOfIdle = 6;
    constexpr std::uint32_t kLeadSeconds = 60;
    constexpr std::size_t kDaySeconds = 86'400;
    constexpr double kSlowSeconds = 1;  // a first byte that takes longer, where `by` is "delay"
    constexpr double kSlowMost = 4;
    Fleet& fleet = live->fleet;
    const FleetTerms& terms = fleet.terms;
    const TimePoint now = runtime_->now();
    const std::uint32_t step_seconds = std::clamp(terms.idle_seconds / kStepsOfIdle, 1U, kStepSecondsMax);
    const Duration step = std::chrono::seconds{step_seconds};
    if (live->scaled_for != terms) {
        live->scaled_for = terms;
        live->scaled_since = now;
        scaling::ScalingPolicy policy;
        policy.replicas_min = terms.replicas_min;
        policy.replicas_max = terms.replicas_max;
        policy.per_replica = terms.requests_per_replica;
        policy.safety = 1;
        policy.idle_steps = std::max(1U, terms.idle_seconds / step_seconds);
        scaling::ForecasterOptions options;
        options.lead = std::max(1U, kLeadSeconds / step_seconds);
        options.day = step_seconds == kStepSecondsMax ? kDaySeconds / kStepSecondsMax : 0;
        live->scaler.emplace(policy, options);
    }
    if (fleet.is_paused || fleet.is_removed || now < live->step_at + step) return;
    live->settle_demand(now);
    const double span = std::chrono::duration<double>(now - live->demand_since).count();
    double demand = std::chrono::duration<double>(live->area).count() / span;
    if (terms.is_by_delay && live->answers > 0) {
        const double mean =
            std::chrono::duration<double>(live->first_bytes).count() / static_cast<double>(live->answers);
        demand *= std::clamp(mean / kSlowSeconds, 1.0, kSlowMost);
    }
    live->area = Duration{0};
    live->first_bytes = Duration{0};
    live->answers = 0;
    live->demand_since = now;
    // However late this comes: a day of steps must be a day, or what repeats every day is never found again.
    const std::int64_t passed = (now - live->step_at) / step;
    live->step_at += passed * step;
    for (std::int64_t missed = 1; missed < std::min<std::int64_t>(passed, kDaySeconds / step_seconds); ++missed) {
        live->scaler->step(demand, live->waiting);
    }
    const scaling::ScalingDecision decision = live->scaler->step(demand, live->waiting);
    std::uint32_t wanted = decision.replicas;
    // A gateway that has just started, or new terms, know nothing of the demand before.
    const bool is_new = now < live->scaled_since + std::chrono::seconds{std::min(terms.idle_seconds, kLeadSeconds)};
    const bool is_idle = live->in_flight == 0 && now >= live->last_request + std::chrono::seconds{terms.idle_seconds};
    if (is_new && wanted < fleet.wanted) wanted = fleet.wanted;
    if (wanted == 0 && !is_idle) wanted = std::min(1U, fleet.wanted);
    if (wanted != fleet.wanted) machine_.set_wanted(&fleet, wanted, decision.reason, runtime_->unix_now());
}

void DeploymentDesk::measure(Live* live) {
    const Fleet& fleet = live->fleet;
    const TimePoint now = runtime_->now();
    const auto span = std::chrono::duration_cast<std::chrono::milliseconds>(now - live->measured_at);
    live->measured_at = now;
    const bool was_ever_ready = !live->months.empty() || std::ranges::any_of(fleet.replicas, [](const Replica& one) {
        return one.ready_at.count() != 0;
    });
    if (!was_ever_ready) return;
    SlaMonth& month = live->month_at(runtime_->unix_now());
    const Usd charged = fleet.charged();
    if (charged > live->charged_before) {
        month.charged.micro += charged.micro - live->charged_before.micro;
        live->charged_before = charged;
    }
    if (fleet.desired() == 0) return;
    month.add_time(span, fleet.count(ReplicaState::kReady) > 0);
}

// --- for the API

std::shared_ptr<DeploymentDesk::Live> DeploymentDesk::find_live(const Address& client, std::string_view name) const {
    for (const auto& [id, live] : fleets_) {
        if (live->fleet.client == client && (live->fleet.name == name || id == name)) return live;
    }
    return nullptr;
}

const Fleet* DeploymentDesk::find(const Address& client, std::string_view name) const {
    const std::shared_ptr<Live> live = find_live(client, name);
    return live == nullptr ? nullptr : &live->fleet;
}

std::vector<const Fleet*> DeploymentDesk::of(const Address& client) const {
    std::vector<const Fleet*> mine;
    for (const auto& [id, live] : fleets_) {
        if (live->fleet.client == client) mine.push_back(&live->fleet);
    }
    std::ranges::sort(mine, std::greater{}, [](const Fleet* fleet) { return fleet->created_at; });
    return mine;
}

Task<Result<std::string>> DeploymentDesk::add(Fleet fleet, FleetVersion version) {
    if (const Fleet* known = find(fleet.client, fleet.name)) {
        co_return make_error(Errc::kConflict, fmt::format("there is a deployment {} already{}", fleet.name,
                                                          known->is_removed ? "; it is being removed" : ""));
    }
    if (fleets_.size() >= kFleetsMax || of(fleet.client).size() >= kFleetsOfClientMax) {
        co_return make_error(Errc::kExhausted, "there are as many deployments as there may be");
    }
    FixedBytes<struct FleetIdTag, 12> random;
    runtime_->random_bytes(random.bytes);
    fleet.id = "dep_" + codec::to_hex(random).substr(2);
    fleet.created_at = runtime_->unix_now();
    fleet.wanted = std::max(1U, fleet.terms.replicas_min);
    machine_.deploy(&fleet, std::move(version), fleet.created_at);
    const std::string id = fleet.id;
    const auto live = std::make_shared<Live>(runtime_, std::move(fleet));
    fleets_[id] = live;
    const Result<void> saved = co_await save(live);
    if (!saved) {
        fleets_.erase(id);
        co_return saved.error();
    }
    if (is_running_) tasks_.spawn(drive(live));
    co_return id;
}

Task<Result<void>> DeploymentDesk::change(std::string id, codec::Json request, FleetTerms terms, FleetVersion version) {
    const std::shared_ptr<Live> live = fleets_.at(id);
    Fleet& fleet = live->fleet;
    fleet.request = std::move(request);
    live->is_dirty = true;
    machine_.set_terms(&fleet, terms, runtime_->unix_now());
    const FleetVersion* target = fleet.version(fleet.target);
    if (!is_same_work(*target, version)) machine_.deploy(&fleet, std::move(version), runtime_->unix_now());
    live->changed.notify();
    co_return co_await save(live);
}

Task<Result<void>> DeploymentDesk::pause(std::string id, bool is_paused) {
    const std::shared_ptr<Live> live = fleets_.at(id);
    machine_.set_paused(&live->fleet, is_paused, runtime_->unix_now());
    live->is_dirty = true;
    live->changed.notify();
    live->ready.notify();
    co_return co_await save(live);
}

Task<Result<void>> DeploymentDesk::remove(std::string id) {
    const std::shared_ptr<Live> live = fleets_.at(id);
    machine_.remove(&live->fleet, runtime_->unix_now());
    live->is_dirty = true;
    live->changed.notify();
    live->ready.notify();
    co_return co_await save(live);
}

Task<Result<std::vector<StoredEvent>>> DeploymentDesk::events(std::string id, std::uint64_t after, std::size_t limit) {
    const std::string prefix = fmt::format("{}{}/", kEvents, id);
    std::string from = after == 0 ? std::string{} : event_key(id, after);
    CO_TRY(const std::vector<ports::StoreEntry> page, co_await parts_.store->scan(prefix, std::move(from), limit));
    std::vector<StoredEvent> list;
    for (const ports::StoreEntry& entry : page) {
        CO_TRY(FleetEvent event, parse_fleet_event(as_text(entry.value)));
        list.push_back({std::strtoull(entry.key.c_str() + prefix.size(), nullptr, 10), std::move(event)});
    }
    co_return list;
}

std::optional<SlaMonth> DeploymentDesk::month(const std::string& id, std::uint32_t number) const {
    const auto live = fleets_.find(id);
    if (live == fleets_.end() || !live->second->months.contains(number)) return std::nullopt;
    return live->second->months.at(number);
}

std::vector<SlaMonth> DeploymentDesk::months(const std::string& id) const {
    std::vector<SlaMonth> list;
    const auto live = fleets_.find(id);
    if (live == fleets_.end()) return list;
    for (const auto& [number, month] : live->second->months) list.push_back(month);
    return list;
}

}  // namespace vcity::gateway
