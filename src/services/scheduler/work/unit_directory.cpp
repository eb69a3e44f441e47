// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/work/unit_directory.hpp"

#include <algorithm>
#include <cctype>
#include <limits>

#include <fmt/format.h>

#include "base/check.hpp"
#include "placement/unit_explain.hpp"

namespace vcity::scheduler {
namespace {

using placement::UnitId;

constexpr std::size_t kLabelBytesMax = 31;
constexpr std::size_t kOffersMax = 4096;
constexpr std::uint32_t kWhole = 1000;
constexpr placement::PackingGrain kGrain{.gpu_milli = 10, .cpu_milli = 4000};
constexpr std::uint64_t kPlanEvery = 20'000;  // placements
// Round trips where nothing is measured yet.
constexpr std::uint32_t kNearMicros = 10'000;
constexpr std::uint32_t kFarMicros = 120'000;
// What makes one unit of preference weigh the same for a typical difference of each term: 100 ms, a dollar an hour, the
// whole range of reputation, the whole range of the packing penalty.
constexpr std::uint32_t kLatencyScale = 10;
constexpr std::uint32_t kPriceScale = 1;
constexpr std::uint32_t kQualityScale = 100;
constexpr std::uint32_t kPackingScale = 33;
constexpr std::uint8_t kAttestedLevel = 3;
constexpr std::uint8_t kPlainLevel = 1;

bool is_same_name(std::string_view a, std::string_view b) {
    const auto fold = [](char c) {
        if (c == ' ' || c == '_') return '-';
        return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    };
    return std::ranges::equal(a, b, [&](char x, char y) { return fold(x) == fold(y); });
}

std::string unique_name(const UnitOffer& offer) {
    const std::string name = offer.gpus == 0 ? "cpu" : fmt::format("{} {} MiB", offer.gpu_model, offer.vram_mib);
    return offer.features == 0 ? name : fmt::format("{} with {}", name, feature_names(offer.features));
}

std::uint32_t whole_tokens(Vcai stake) {
    const U128 tokens = stake.wei / kWeiPerVcai;
    return static_cast<std::uint32_t>(std::min<U128>(tokens, std::numeric_limits<std::uint32_t>::max()));
}

placement::Catalogue make_catalogue(const std::vector<placement::GpuModel>& models,
                                    const std::vector<std::string>& regions) {
    std::vector<std::uint32_t> latencies;
    for (std::size_t from = 0; from < regions.size(); ++from) {
        for (std::size_t to = 0; to < regions.size(); ++to) latencies.push_back(from == to ? kNearMicros : kFarMicros);
    }
    Result<placement::Catalogue> made = placement::Catalogue::make(models, regions, std::move(latencies));
    CHECK(made.has_value());
    return *std::move(made);
}

std::uint8_t bit_of(NodeKind kind) {
    return placement::kind_bit(kind == NodeKind::kStable ? placement::UnitKind::kStable
                                                         : placement::UnitKind::kFlexible);
}

}  // namespace

// Without GPUs, and a region that was not told, are always there.
UnitDirectory::UnitDirectory()
    : names_{.models = {{"cpu", 0}}, .classes = {{}}, .regions = {"unknown"}}, planner_{{}, kGrain} {
    rebuild();
}

UnitDirectory::~UnitDirectory() = default;

Result<void> UnitDirectory::check(const NodeAnnouncement& announcement) const {
    if (announcement.units.size() > kUnitsPerNodeMax) return make_error(Errc::kInvalid, "too many units");
    if (announcement.hardware.region.size() > kLabelBytesMax) return make_error(Errc::kInvalid, "the region's name");
    std::vector<std::uint32_t> numbers;
    for (const UnitOffer& offer : announcement.units) {
        numbers.push_back(offer.number);
        const bool is_named = offer.gpus == 0 ? offer.gpu_model.empty() : !offer.gpu_model.empty();
        if (!is_named || offer.gpu_model.size() > kLabelBytesMax || offer.gpus > placement::kGpusMax) {
            return make_error(Errc::kInvalid,
                              fmt::format("unit {}: {} GPUs of model '{}'", offer.number, offer.gpus, offer.gpu_model));
        }
        const bool is_sized = offer.cpu_milli > 0 && offer.cpu_milli <= placement::kCpuMilliMax &&
                              offer.memory_mib > 0 && offer.memory_mib <= placement::kMemoryMibMax &&
                              offer.disk_mib <= placement::kDiskMibMax;
        if (!is_sized) return make_error(Errc::kInvalid, fmt::format("unit {}: cpu, memory or disk", offer.number));
        if (offer.hourly.micro > std::numeric_limits<std::uint32_t>::max() - 1) {
            return make_error(Errc::kInvalid,
                              fmt::format("unit {}: {} an hour", offer.number, to_string(offer.hourly)));
        }
    }
    std::ranges::sort(numbers);
    if (std::ranges::adjacent_find(numbers) != numbers.end()) {
        return make_error(Errc::kInvalid, "two units with one number");
    }
    return {};
}

// Whether there are new names; names beyond the bounds stay unknown, and their units out.
bool UnitDirectory::learn(const NodeAnnouncement& announcement) {
    bool is_new = false;
    const auto add_region = [&](const std::string& region) {
        const bool is_known = region.empty() || std::ranges::find(names_.regions, region) != names_.regions.end();
        if (is_known || names_.regions.size() >= placement::kRegionsMax) return;
        names_.regions.push_back(region);
        is_new = true;
    };
    add_region(announcement.hardware.region);
    for (const UnitOffer& offer : announcement.units) {
        const std::string name = unique_name(offer);
        const bool is_known = std::ranges::any_of(names_.models, [&](const auto& model) { return model.name == name; });
        if (is_known || names_.models.size() >= placement::kModelsMax) continue;
        names_.models.push_back({name, offer.vram_mib});
        names_.classes.push_back({offer.gpu_model, offer.features});
        is_new = true;
    }
    return is_new;
}

// A new index of the same units, with what is taken of them.
void UnitDirectory::rebuild() {
    std::unique_ptr<placement::ValuePacking> policy = planner_.plan({});
    index_ = std::make_unique<placement::UnitIndex>(make_catalogue(names_.models, names_.regions), policy.get());
    policy_ = std::move(policy);
    for (auto& [id, unit] : units_) join(id, &unit);
    for (auto& [token, held] : held_) {
        if (!held.is_taken) continue;
        held.grant.unit = units_.at(held.unit).handle;
        const Result<void> taken = index_->take(held.grant);
        CHECK(taken.has_value());
    }
    plan_packing();
}

void UnitDirectory::plan_packing() {
    placed_since_plan_ = 0;
    placement::PackingSupply supply;
    index_->for_each([&](placement::UnitHandle handle, const placement::UnitRecord& unit) {
        supply.add(placement::ordered_state(unit).state, index_->unit(handle).capacity.cpu_milli);
    });
    std::unique_ptr<placement::ValuePacking> policy = planner_.plan(supply);
    index_->replace_policy(policy.get());
    policy_ = std::move(policy);
}

placement::ExecutionUnit UnitDirectory::to_unit(const UnitId& id, const Unit& unit) const {
    placement::ExecutionUnit result;
    result.id = id;
    result.capacity.model = unit.model;
    result.capacity.region = unit.region;
    result.capacity.gpus = static_cast<std::uint8_t>(unit.offer.gpus);
    result.capacity.cpu_milli = unit.offer.cpu_milli;
    result.capacity.memory_mib = unit.offer.memory_mib;
    result.capacity.disk_mib = unit.offer.disk_mib;
    result.terms = unit.terms;
    return result;
}

void UnitDirectory::join(const UnitId& id, Unit* unit) {
    Result<placement::UnitHandle> handle = index_->join(to_unit(id, *unit));
    CHECK(handle.has_value());
    unit->handle = *handle;
}

void UnitDirectory::leave(const UnitId& id) {
    const auto found = units_.find(id);
    const Result<void> left = index_->leave(found->second.handle);
    CHECK(left.has_value());
    units_.erase(found);
}

Result<void> UnitDirectory::announce(const NodeRecord& record,
                                     const NodeAnnouncement& announcement,
                                     std::uint32_t reputation_bp) {
    TRY_OK(check(announcement));
    close(record.identity);
    if (learn(announcement)) rebuild();
    const std::string& region_name = announcement.hardware.region;
    const auto region = std::ranges::find(names_.regions, region_name.empty() ? names_.regions.front() : region_name);
    for (const UnitOffer& offer : announcement.units) {
        const auto model = std::ranges::find(names_.models, unique_name(offer), &placement::GpuModel::name);
        if (model == names_.models.end() || region == names_.regions.end()) continue;
        Unit unit;
        unit.offer = offer;
        unit.kind = announcement.kind;
        unit.model = static_cast<std::uint8_t>(model - names_.models.begin());
        unit.region = static_cast<std::uint8_t>(region - names_.regions.begin());
        unit.terms.price_micro = static_cast<std::uint32_t>(offer.hourly.micro);
        unit.terms.reputation_bp = static_cast<std::uint16_t>(std::min<std::uint32_t>(reputation_bp, 10'000));
        unit.terms.level = announcement.monitor_key.is_zero() ? kPlainLevel : kAttestedLevel;
        unit.terms.kind =
            announcement.kind == NodeKind::kStable ? placement::UnitKind::kStable : placement::UnitKind::kFlexible;
        unit.terms.interconnect = offer.interconnect;
        unit.terms.stake_vcai = whole_tokens(record.stake);
        const UnitId id{record.identity, offer.number};
        const auto known = units_.find(id);
        if (known == units_.end()) {
            if (units_.size() >= kUnitsMax) break;
            join(id, &units_.emplace(id, std::move(unit)).first->second);
            ++open_;
            continue;
        }
        // Still there because something of ours runs on it.
        unit.leases = known->second.leases;
        unit.handle = known->second.handle;
        if (to_unit(id, unit).capacity != to_unit(id, known->second).capacity) continue;
        const Result<void> updated = index_->update(unit.handle, unit.terms);
        CHECK(updated.has_value());
        known->second = std::move(unit);
        ++open_;
    }
    settle_held(record.identity);
    ++generation_;
    return {};
}

// Takes what leases of before a restart hold on the units that have come back.
void UnitDirectory::settle_held(const Address& node) {
    for (auto& [token, held] : held_) {
        if (held.is_taken || held.unit.node != node) continue;
        const auto unit = units_.find(held.unit);
        if (unit == units_.end()) continue;
        held.grant.unit = unit->second.handle;
        if (!index_->take(held.grant)) continue;  // the node offers less than it did
        held.is_taken = true;
        ++unit->second.leases;
    }
}

void UnitDirectory::close(const Address& node) {
    auto unit = units_.lower_bound(UnitId{node, 0});
    while (unit != units_.end() && unit->first.node == node) {
        const auto next = std::next(unit);
        if (!unit->second.is_gone) --open_;
        if (unit->second.leases == 0) {
            leave(unit->first);
        } else {
            unit->second.is_gone = true;
            unit->second.terms.is_open = false;
            const Result<void> updated = index_->update(unit->second.handle, unit->second.terms);
            CHECK(updated.has_value());
        }
        unit = next;
    }
}

void UnitDirectory::rate(const Address& node, std::uint32_t reputation_bp) {
    const auto reputation = static_cast<std::uint16_t>(std::min<std::uint32_t>(reputation_bp, 10'000));
    for (auto unit = units_.lower_bound(UnitId{node, 0}); unit != units_.end() && unit->first.node == node; ++unit) {
        if (unit->second.terms.reputation_bp == reputation) continue;
        unit->second.terms.reputation_bp = reputation;
        const Result<void> updated = index_->update(unit->second.handle, unit->second.terms);
        CHECK(updated.has_value());
    }
}

Error UnitDirectory::nobody_offers(const UnitAsk& ask, std::uint32_t features) const {
    std::vector<std::string> known;
    for (const placement::GpuModel& model : names_.models) known.push_back(model.name);
    std::string wanted = "units without GPUs";
    if (ask.gpus != 0) {
        wanted =
            "a GPU of model " + (ask.gpu_models.empty() ? "any" : fmt::format("{}", fmt::join(ask.gpu_models, " or ")));
    }
    if (features != 0) wanted += " with " + feature_names(features);
    return make_error(Errc::kNotFound,
                      fmt::format("nobody has offered {} yet; offered so far: {}", wanted, fmt::join(known, "; ")));
}

Result<std::uint64_t> UnitDirectory::models_of(const UnitAsk& ask, std::uint32_t features) const {
    std::uint64_t models = 0;
    for (std::size_t index = 0; index < names_.classes.size(); ++index) {
        const UnitClass& one = names_.classes[index];
        if (one.gpu_model.empty() != (ask.gpus == 0) || (features & ~one.features) != 0) continue;
        const bool is_wanted = ask.gpu_models.empty() || std::ranges::any_of(ask.gpu_models, [&](const auto& wanted) {
                                   return is_same_name(wanted, one.gpu_model);
                               });
        if (is_wanted) models |= std::uint64_t{1} << index;
    }
    if (models == 0) return nobody_offers(ask, features);
    return models;
}

std::string UnitDirectory::region_of(const placement::UnitId& id) const {
    const auto found = units_.find(id);
    return found == units_.end() ? std::string{} : names_.regions[found->second.region];
}

Result<placement::UnitDemand> UnitDirectory::to_demand(const UnitQuery& query, std::uint8_t kinds) const {
    const WorkSpec& spec = *query.spec;
    const UnitAsk& ask = query.group->ask;
    const work::UnitNeeds needs = work::needs_of(spec, *query.group);
    placement::UnitDemand demand;
    TRY(demand.models, models_of(ask, needs.features));
    demand.kinds = kinds;
    const auto home = std::ranges::find(names_.regions, spec.customer_region);
    if (home != names_.regions.end()) demand.customer_region = static_cast<std::uint8_t>(home - names_.regions.begin());
    const std::span<const std::string> wanted = query.regions.empty() ? std::span{spec.regions} : query.regions;
    if (!wanted.empty()) {
        demand.regions = 0;
        for (std::size_t index = 0; index < names_.regions.size(); ++index) {
            const bool is_wanted = std::ranges::find(wanted, names_.regions[index]) != wanted.end();
            if (is_wanted) demand.regions |= std::uint64_t{1} << index;
        }
        if (demand.regions == 0) {
            return make_error(Errc::kNotFound, fmt::format("no node is in {} yet; there are nodes in {}",
                                                           fmt::join(wanted, " or "), fmt::join(names_.regions, ", ")));
        }
    }
    demand.vram_mib = ask.gpus == 0 ? 0 : ask.vram_mib;
    demand.gpus = static_cast<std::uint8_t>(ask.gpus);
    demand.gpu_milli = ask.gpus == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(ask.gpu_milli);
    demand.unit_gpus_min = static_cast<std::uint8_t>(needs.unit_gpus_min);
    demand.cpu_milli = ask.cpu_milli;
    demand.memory_mib = ask.memory_mib;
    demand.disk_mib = ask.disk_mib;
    demand.interconnect_min = std::max(ask.interconnect, needs.interconnect);
    demand.reputation_bp_min = static_cast<std::uint16_t>(spec.reputation_bp_min);
    demand.level_min = static_cast<std::uint8_t>(spec.level_min);
    demand.stake_vcai_min = spec.stake_vcai_min;
    if (const std::optional<Usd> hourly_max = query.hourly_max ? query.hourly_max : spec.hourly_max) {
        // Of one GPU or core, so that the whole never costs more.
        const std::uint64_t share = ask.gpus == 0 ? ask.cpu_milli : std::uint64_t{ask.gpus} * ask.gpu_milli;
        TRY(const std::uint64_t most, mul_div_floor(hourly_max->micro, kWhole, std::max<std::uint64_t>(1, share)));
        demand.price_micro_max = static_cast<std::uint32_t>(std::min<std::uint64_t>(most, placement::kNoPriceCap - 1));
    }
    demand.weights.latency = spec.prefer.latency * kLatencyScale;
    demand.weights.price = spec.prefer.price * kPriceScale;
    demand.weights.quality = spec.prefer.quality * kQualityScale;
    demand.weights.packing = spec.prefer.packing * kPackingScale;
    return demand;
}

std::vector<UnitId> UnitDirectory::shut(const UnitQuery& query) {
    std::vector<UnitId> ids;
    for (const Address& node : query.avoid) {
        for (auto unit = units_.lower_bound(UnitId{node, 0}); unit != units_.end() && unit->first.node == node;
             ++unit) {
            if (unit->second.terms.is_open) ids.push_back(unit->first);
        }
    }
    set_open(ids, false);
    return ids;
}

void UnitDirectory::set_open(const std::vector<UnitId>& ids, bool is_open) {
    for (const UnitId& id : ids) {
        Unit& unit = units_.at(id);
        unit.terms.is_open = is_open;
        const Result<void> updated = index_->update(unit.handle, unit.terms);
        CHECK(updated.has_value());
    }
}

template <class Try>
Result<bool> UnitDirectory::by_kind(const UnitQuery& query, Try attempt) const {
    const work::UnitNeeds needs = work::needs_of(*query.spec, *query.group);
    if (needs.is_any_kind) {
        TRY(const placement::UnitDemand demand, to_demand(query, placement::kAnyKind));
        return attempt(demand);
    }
    TRY(const placement::UnitDemand first, to_demand(query, bit_of(needs.kinds.first)));
    TRY(const bool is_placed, attempt(first));
    if (is_placed || !needs.kinds.then) return is_placed;
    placement::UnitDemand second = first;
    second.kinds = bit_of(*needs.kinds.then);
    return attempt(second);
}

UnitSeat UnitDirectory::seat_of(const placement::Decision& decision) const {
    const UnitId& id = index_->id_of(decision.grant.unit);
    const placement::UnitRecord& record = index_->record(decision.grant.unit);
    return {.node = id.node,
            .unit = id.unit,
            .gpu_mask = decision.grant.gpu_mask,
            .offered = Usd{record.price_micro},
            .region = names_.regions[record.region],
            .reputation_bp = record.reputation_bp,
            .terms = decision.terms};
}

void UnitDirectory::keep(const placement::Decision& decision, std::uint64_t token) {
    const UnitId& id = index_->id_of(decision.grant.unit);
    held_.emplace(token, Held{id, decision.grant, true});
    ++units_.at(id).leases;
    if (++placed_since_plan_ >= kPlanEvery) plan_packing();
}

Result<std::optional<UnitSeat>> UnitDirectory::place(const UnitQuery& query, std::uint64_t token) {
    std::optional<UnitSeat> seat;
    const std::vector<UnitId> avoided = shut(query);
    const Result<bool> is_placed = by_kind(query, [&](const placement::UnitDemand& demand) -> Result<bool> {
        planner_.mix().add(placement::gpu_request(demand));
        TRY(const placement::Decision decision, index_->place(demand));
        if (decision.outcome != placement::Outcome::kPlaced) return false;
        seat = seat_of(decision);
        keep(decision, token);
        return true;
    });
    set_open(avoided, true);
    if (!is_placed) return is_placed.error();
    CHECK(*is_placed == seat.has_value());
    return seat;
}

Result<std::optional<UnitSeat>> UnitDirectory::look(const UnitQuery& query) {
    std::optional<UnitSeat> seat;
    TRY_OK(by_kind(query, [&](const placement::UnitDemand& demand) -> Result<bool> {
        TRY(const placement::Decision decision, index_->best(demand));
        if (decision.outcome != placement::Outcome::kPlaced) return false;
        seat = seat_of(decision);
        return true;
    }));
    return seat;
}

bool UnitDirectory::could_ever(const UnitQuery& query) const {
    const Result<placement::UnitDemand> demand = to_demand(query, placement::kAnyKind);
    if (!demand) return false;
    const auto has_bit = [](std::uint64_t mask, unsigned bit) { return (mask >> bit & 1U) != 0; };
    return std::ranges::any_of(units_, [&](const auto& entry) {
        const Unit& unit = entry.second;
        const UnitOffer& offer = unit.offer;
        return has_bit(demand->models, unit.model) && has_bit(demand->regions, unit.region) &&
               offer.gpus >= std::max(demand->gpus, demand->unit_gpus_min) && offer.vram_mib >= demand->vram_mib &&
               offer.cpu_milli >= demand->cpu_milli && offer.memory_mib >= demand->memory_mib &&
               offer.disk_mib >= demand->disk_mib && offer.interconnect >= demand->interconnect_min &&
               unit.terms.price_micro <= demand->price_micro_max &&
               unit.terms.reputation_bp >= demand->reputation_bp_min && unit.terms.level >= demand->level_min &&
               unit.terms.stake_vcai >= demand->stake_vcai_min;
    });
}

Result<std::optional<std::vector<UnitSeat>>> UnitDirectory::place_gang(const UnitQuery& query,
                                                                       std::size_t members,
                                                                       std::uint64_t first_token) {
    std::optional<std::vector<UnitSeat>> seats;
    std::vector<placement::Decision> decisions(members);
    const std::vector<UnitId> avoided = shut(query);
    const Result<bool> is_placed = by_kind(query, [&](const placement::UnitDemand& demand) -> Result<bool> {
        const bool is_one_region = work::needs_of(*query.spec, *query.group).is_one_region;
        const placement::Gang gang{.member = demand, .members = members, .is_one_region = is_one_region};
        TRY(const placement::Outcome outcome, index_->place_gang(gang, decisions));
        if (outcome != placement::Outcome::kPlaced) return false;
        seats.emplace();
        for (const placement::Decision& decision : decisions) seats->push_back(seat_of(decision));
        for (std::size_t index = 0; index < members; ++index) keep(decisions[index], first_token + index);
        return true;
    });
    set_open(avoided, true);
    if (!is_placed) return is_placed.error();
    return seats;
}

void UnitDirectory::hold(const work::LeaseTerms& terms, const UnitAsk& ask) {
    Held held;
    held.unit = {terms.node, terms.unit};
    held.grant.gpu_mask = static_cast<std::uint8_t>(terms.gpu_mask);
    held.grant.gpu_milli = ask.gpus == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(ask.gpu_milli);
    held.grant.cpu_milli = ask.cpu_milli;
    held.grant.memory_mib = ask.memory_mib;
    held.grant.disk_mib = ask.disk_mib;
    held_.emplace(terms.fencing_token, held);
    if (units_.contains(held.unit)) settle_held(terms.node);
}

void UnitDirectory::release(std::uint64_t token) {
    give_back(token);
    ++generation_;
}

void UnitDirectory::give_back(std::uint64_t token) {
    const auto found = held_.find(token);
    if (found == held_.end()) return;
    const Held held = found->second;
    held_.erase(found);
    if (!held.is_taken) return;
    const Result<void> released = index_->release(held.grant);
    CHECK(released.has_value());
    Unit& unit = units_.at(held.unit);
    --unit.leases;
    if (unit.is_gone && unit.leases == 0) leave(held.unit);
}

std::string UnitDirectory::explain(const UnitQuery& query) const {
    const work::UnitNeeds needs = work::needs_of(*query.spec, *query.group);
    std::uint8_t kinds = placement::kAnyKind;
    if (!needs.is_any_kind && !needs.kinds.then) kinds = bit_of(needs.kinds.first);
    const Result<placement::UnitDemand> demand = to_demand(query, kinds);
    if (!demand) return demand.error().message;
    const Result<placement::Explanation> explained = placement::explain(*index_, *demand);
    return explained ? explained->text : explained.error().message;
}

UnitsReply UnitDirectory::offers() const {
    UnitsReply reply;
    for (const auto& [id, unit] : units_) {
        if (unit.is_gone) continue;
        const placement::UnitRecord& record = index_->record(unit.handle);
        UnitsReply::Entry entry;
        entry.node = id.node;
        entry.offer = unit.offer;
        entry.kind = unit.kind;
        entry.region = names_.regions[unit.region];
        entry.gpus_free = static_cast<std::uint32_t>(
            std::count(record.left_milli.begin(), record.left_milli.begin() + record.gpus, kWhole));
        entry.cpu_milli_free = record.cpu_left_milli;
        entry.reputation_bp = record.reputation_bp;
        entry.level = record.level;
        entry.stake_vcai = record.stake_vcai;
        reply.entries.push_back(std::move(entry));
    }
    const auto by_price = [](const auto& a, const auto& b) {
        return std::tie(a.offer.hourly, a.node, a.offer.number) < std::tie(b.offer.hourly, b.node, b.offer.number);
    };
    const auto shown = std::min(reply.entries.size(), kOffersMax);
    std::ranges::partial_sort(reply.entries, reply.entries.begin() + static_cast<std::ptrdiff_t>(shown), by_price);
    reply.entries.resize(shown);
    return reply;
}

}  // namespace vcity::scheduler
