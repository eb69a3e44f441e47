// SPDX-License-Identifier: Apache-2.0
#include "placement/unit_index.hpp"

#include <algorithm>
#include <bit>

#include "base/check.hpp"

namespace vcity::placement {
namespace {

constexpr std::size_t kRequestClassesMax = 255;

void set_terms(UnitRecord* unit, const UnitTerms& terms) {
    unit->price_micro = terms.price_micro;
    unit->stake_vcai = terms.stake_vcai;
    unit->priority = terms.priority;
    unit->reputation_bp = terms.reputation_bp;
    unit->level = terms.level;
    unit->kind = terms.kind;
    unit->interconnect = terms.interconnect;
    unit->is_open = terms.is_open;
}

std::uint16_t row_of(const UnitRecord& unit) {
    return static_cast<std::uint16_t>(unit.model * kRowsPerModel + capacity_class(unit));
}

}  // namespace

UnitIndex::UnitIndex(Catalogue catalogue, const PackingPolicy* policy, UnitIndexOptions options)
    : catalogue_{std::move(catalogue)},
      policy_{policy},
      options_{options},
      states_{policy, catalogue_.models().size(), std::min(options.states_max, StateTable::kStatesMax),
              options.request_classes},
      groups_{catalogue_.models().size(), catalogue_.regions().size(), options.quality_per_price},
      bounds_(catalogue_.models().size() * (groups_.region_lanes() / kLaneStep)) {
    CHECK(options.request_classes <= kRequestClassesMax && options.units_max < UINT32_MAX);
    const std::size_t regions = catalogue_.regions().size();
    for (std::size_t from = 0; from < regions; ++from) {
        const auto latencies = catalogue_.latencies_us_from(from);
        for (std::size_t base = 0; base < groups_.region_lanes(); base += kLaneStep) {
            Lanes& lanes = latencies_.emplace_back();
            for (std::size_t to = base; to < std::min(base + kLaneStep, regions); ++to) {
                lanes.values[to - base] = static_cast<float>(latencies[to]);
            }
        }
    }
}

void UnitIndex::reserve(std::size_t units) {
    records_.reserve(units);
    totals_.reserve(units);
    ids_.reserve(units);
    groups_.reserve(units);
}

Result<UnitHandle> UnitIndex::join(const ExecutionUnit& unit) {
    TRY_OK(check(catalogue_, unit));
    if (ids_.slot_of(unit.id) != UnitIds::kNone) return make_error(Errc::kConflict, "the unit has joined already");
    if (size_ >= options_.units_max) {
        return make_error(Errc::kExhausted, "the index is full with " + std::to_string(size_) + " units");
    }
    UnitHandle handle{static_cast<std::uint32_t>(records_.size()), next_generation_++};
    if (free_slots_.empty()) {
        records_.emplace_back();
        totals_.emplace_back();
    } else {
        handle.slot = free_slots_.back();
        free_slots_.pop_back();
    }
    seat(handle, unit);
    enter(handle.slot);
    return handle;
}

// Puts an idle unit into an empty slot, outside rows and cells.
void UnitIndex::seat(UnitHandle handle, const ExecutionUnit& unit) {
    UnitRecord& record = records_[handle.slot];
    const UnitCapacity& capacity = unit.capacity;
    record = {};
    record.generation = handle.generation;
    std::fill_n(record.left_milli.begin(), capacity.gpus, kWholeGpuMilli);
    record.model = capacity.model;
    record.region = capacity.region;
    record.gpus = capacity.gpus;
    record.cpu_left_milli = capacity.cpu_milli;
    record.memory_left_mib = capacity.memory_mib;
    record.disk_left_mib = capacity.disk_mib;
    set_terms(&record, unit.terms);
    totals_[handle.slot] = {capacity.cpu_milli, capacity.memory_mib, capacity.disk_mib};
    ids_.insert(handle.slot, unit.id);
    ++size_;
    free_slots_.reserve(records_.size());
}

Result<void> UnitIndex::check_joined(UnitHandle handle) const {
    if (is_joined(handle)) return {};
    return make_error(Errc::kNotFound, "the unit has left, or never joined");
}

Result<void> UnitIndex::leave(UnitHandle handle) {
    TRY_OK(check_joined(handle));
    withdraw(handle.slot);
    ids_.erase(handle.slot);
    records_[handle.slot] = {};
    totals_[handle.slot] = {};
    free_slots_.push_back(handle.slot);
    --size_;
    return {};
}

Result<void> UnitIndex::update(UnitHandle handle, const UnitTerms& terms) {
    TRY_OK(check_joined(handle));
    TRY_OK(check(terms));
    withdraw(handle.slot);
    set_terms(&records_[handle.slot], terms);
    enter(handle.slot);
    return {};
}

Result<Decision> UnitIndex::best(const UnitDemand& demand) {
    TRY_OK(check(catalogue_, demand));
    const Pick pick = search(demand);
    if (pick.slot == UINT32_MAX) return Decision{};
    return Decision{Outcome::kPlaced, grant_for(pick, demand), pick.terms};
}

Result<Decision> UnitIndex::place(const UnitDemand& demand) {
    TRY(Decision decision, best(demand));
    if (decision.outcome == Outcome::kPlaced) apply(decision.grant);
    return decision;
}

Grant UnitIndex::grant_for(const Pick& pick, const UnitDemand& demand) {
    const UnitRecord& unit = records_[pick.slot];
    return {{pick.slot, unit.generation},
            gpus_for(unit, demand, pick.request_class),
            demand.gpu_milli,
            demand.cpu_milli,
            demand.memory_mib,
            demand.disk_mib};
}

std::uint8_t UnitIndex::gpus_for(const UnitRecord& unit, const UnitDemand& demand, int request_class) {
    unsigned mask = 0;
    if (demand.gpus == 0) return 0;
    if (demand.gpu_milli == kWholeGpuMilli) {
        unsigned free = 0;
        for (std::size_t number = 0; number < kGpusMax; ++number) {
            free |= unsigned{unit.left_milli[number] == kWholeGpuMilli} << number;
        }
        for (unsigned missing = demand.gpus; missing > 0; --missing) {
            mask |= free & (~free + 1);
            free &= free - 1;
        }
        return static_cast<std::uint8_t>(mask);
    }
    if (unit.gpus == 1) return 1;
    const OrderedState ordered = ordered_state(unit);
    GpuChoice choice;
    if (request_class != StateTable::kNoClass && unit.state != StateTable::kNone) {
        choice = states_.choice(unit.state, request_class);
    } else {
        choice = policy_->choose(policy_->rounded(ordered.state), policy_->rounded(gpu_request(demand)));
    }
    std::size_t at = unit.gpus;
    if (choice.gpu < unit.gpus && ordered.state.left_milli[choice.gpu] >= demand.gpu_milli) at = choice.gpu;
    // The tightest: the last that fits, and the lowest number among equals.
    if (at == unit.gpus) {
        at = 0;
        while (at + 1 < unit.gpus && ordered.state.left_milli[at + 1] >= demand.gpu_milli) ++at;
        while (at > 0 && ordered.state.left_milli[at - 1] == ordered.state.left_milli[at]) --at;
    }
    return static_cast<std::uint8_t>(1U << ordered.numbers[at]);
}

Result<void> UnitIndex::check_grant(const Grant& grant) const {
    TRY_OK(check_joined(grant.unit));
    const bool is_share = grant.gpu_milli < kWholeGpuMilli && grant.gpu_mask != 0;
    if (grant.gpu_milli > kWholeGpuMilli || (grant.gpu_milli == 0) != (grant.gpu_mask == 0) ||
        (is_share && !std::has_single_bit(grant.gpu_mask)) || (grant.gpu_mask >> records_[grant.unit.slot].gpus) != 0) {
        return make_error(Errc::kInvalid, "gpu_mask " + std::to_string(grant.gpu_mask) + " of " +
                                              std::to_string(grant.gpu_milli) + " milli is no grant of this unit");
    }
    return {};
}

Result<void> UnitIndex::release(const Grant& grant) {
    TRY_OK(check_grant(grant));
    UnitRecord& unit = records_[grant.unit.slot];
    const Totals& totals = totals_[grant.unit.slot];
    bool was_taken = grant.cpu_milli <= totals.cpu_milli - unit.cpu_left_milli &&
                     grant.memory_mib <= totals.memory_mib - unit.memory_left_mib &&
                     grant.disk_mib <= totals.disk_mib - unit.disk_left_mib;
    const GpuLanes left = lanes_of(unit.left_milli) + lanes_in(grant.gpu_mask, grant.gpu_milli);
    was_taken = was_taken && greatest(left) <= kWholeGpuMilli;
    if (!was_taken) return make_error(Errc::kInvalid, "the grant gives back more than is taken of the unit");
    unit.left_milli = milli_of(left);
    unit.cpu_left_milli += grant.cpu_milli;
    unit.memory_left_mib += grant.memory_mib;
    unit.disk_left_mib += grant.disk_mib;
    resettle(grant.unit.slot);
    return {};
}

Result<void> UnitIndex::take(const Grant& grant) {
    TRY_OK(check_grant(grant));
    const UnitRecord& unit = records_[grant.unit.slot];
    bool is_free = grant.cpu_milli <= unit.cpu_left_milli && grant.memory_mib <= unit.memory_left_mib &&
                   grant.disk_mib <= unit.disk_left_mib;
    const GpuLanes taken = lanes_in(grant.gpu_mask, grant.gpu_milli);
    is_free = is_free && !has_any(std::bit_cast<GpuLanes>(lanes_of(unit.left_milli) < taken));
    if (!is_free) return make_error(Errc::kConflict, "the unit has not so much left");
    apply(grant);
    return {};
}

void UnitIndex::apply(const Grant& grant) {
    UnitRecord& unit = records_[grant.unit.slot];
    unit.left_milli = milli_of(lanes_of(unit.left_milli) - lanes_in(grant.gpu_mask, grant.gpu_milli));
    unit.cpu_left_milli -= grant.cpu_milli;
    unit.memory_left_mib -= grant.memory_mib;
    unit.disk_left_mib -= grant.disk_mib;
    resettle(grant.unit.slot);
}

void UnitIndex::replace_policy(const PackingPolicy* policy) {
    policy_ = policy;
    states_.replace_policy(policy);
}

void UnitIndex::acquire_state(UnitRecord* unit) {
    unit->state = states_.acquire(unit->row, policy_->rounded(state_of(*unit)));
    if (unit->state == StateTable::kNone) states_.add_stateless(unit->row);
}

void UnitIndex::release_state(UnitRecord* unit) {
    if (unit->state == StateTable::kNone) {
        states_.remove_stateless(unit->row);
    } else {
        states_.release(unit->state);
    }
    unit->state = StateTable::kNone;
}

void UnitIndex::enter(std::uint32_t slot) {
    UnitRecord& unit = records_[slot];
    if (!unit.is_open) return;
    unit.row = row_of(unit);
    acquire_state(&unit);
    groups_.insert(slot, records_);
}

void UnitIndex::withdraw(std::uint32_t slot) {
    UnitRecord& unit = records_[slot];
    if (unit.row == UnitRecord::kNoRow) return;
    groups_.remove(slot, records_);
    release_state(&unit);
    unit.row = UnitRecord::kNoRow;
}

void UnitIndex::resettle(std::uint32_t slot) {
    UnitRecord& unit = records_[slot];
    if (unit.row == UnitRecord::kNoRow) return;
    release_state(&unit);
    unit.row = row_of(unit);
    acquire_state(&unit);
    groups_.update(unit);
}

std::optional<UnitHandle> UnitIndex::find(const UnitId& id) const {
    const std::uint32_t slot = ids_.slot_of(id);
    if (slot == UnitIds::kNone) return std::nullopt;
    return UnitHandle{slot, records_[slot].generation};
}

bool UnitIndex::is_joined(UnitHandle handle) const {
    return handle.generation != 0 && handle.slot < records_.size() &&
           records_[handle.slot].generation == handle.generation;
}

const UnitRecord& UnitIndex::record(UnitHandle handle) const {
    CHECK(is_joined(handle));
    return records_[handle.slot];
}

ExecutionUnit UnitIndex::unit(UnitHandle handle) const {
    const UnitRecord& unit = record(handle);
    const Totals& totals = totals_[handle.slot];
    return {ids_.id_of(handle.slot),
            {unit.model, unit.region, unit.gpus, totals.cpu_milli, totals.memory_mib, totals.disk_mib},
            {unit.price_micro, unit.reputation_bp, unit.level, unit.kind, unit.interconnect, unit.stake_vcai,
             unit.priority, unit.is_open}};
}

std::size_t UnitIndex::bytes() const {
    return records_.capacity() * sizeof(UnitRecord) + totals_.capacity() * sizeof(Totals) + ids_.bytes() +
           free_slots_.capacity() * sizeof(std::uint32_t) + states_.bytes() + groups_.bytes() +
           (latencies_.capacity() + bounds_.capacity()) * sizeof(Lanes);
}

}  // namespace vcity::placement
