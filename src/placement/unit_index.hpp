// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "placement/index/group_table.hpp"
#include "placement/index/state_table.hpp"
#include "placement/index/unit_ids.hpp"
#include "placement/unit_record.hpp"
#include "placement/units.hpp"

namespace vcity::placement {

class SnapshotReader;

struct UnitIndexOptions {
    std::size_t units_max = std::size_t{1} << 24;
    // Packing answers are kept for so many states of units, at most 65,535.
    std::size_t states_max = std::size_t{1} << 14;
    std::size_t request_classes = 32;  // and so many shapes of requests, at most 255
    // Quality per price weight of two usual mixes, ascending: demands near them are bounded best.
    std::array<float, kDirections - 2> quality_per_price = {50.0F, 500.0F};
};

// The execution units of a network and the exact best one for a demand: the least score (see Weights) among all units
// that pass every filter; among equals the smallest priority, then the smallest id. Never sampled. The search goes
// through groups of equal GPU model and region, and leaves out what a lower bound of the score proves worse than the
// best found. Deterministic: decisions depend on the units and what they have left only. place() and release() do not
// allocate unless they fail. Not thread-safe: one owner, as services are.
class UnitIndex {
  public:
    // The policy must outlive the index.
    UnitIndex(Catalogue catalogue, const PackingPolicy* policy, UnitIndexOptions options = {});

    // From now on answers come from this policy, which must round as the one before does. Costs as much as asking anew
    // for every state in use, so a policy that follows the load is replaced now and then, not with every placement.
    void replace_policy(const PackingPolicy* policy);

    const Catalogue& catalogue() const { return catalogue_; }
    std::size_t size() const { return size_; }
    void reserve(std::size_t units);
    // kInvalid: out of range; kConflict: the id is joined already; kExhausted: units_max.
    Result<UnitHandle> join(const ExecutionUnit& unit);
    // What it held is forgotten: grants on it are refused from now on. kNotFound: it has left.
    Result<void> leave(UnitHandle handle);
    // A heartbeat's news. Grants stay. kInvalid, kNotFound.
    Result<void> update(UnitHandle handle, const UnitTerms& terms);

    // The best unit, without taking it. kInvalid: see check(). The answer may be that no unit will do.
    Result<Decision> best(const UnitDemand& demand);
    // Takes what the demand asks from the best unit.
    Result<Decision> place(const UnitDemand& demand);
    // kNotFound: the unit has left since; kInvalid: more than it has taken, and nothing changes.
    Result<void> release(const Grant& grant);
    // Places every member, or none. The sum of the members' scores is the least possible; equal sums in one region go
    // to the region with the smallest number. `decisions` has one place per member and is written when all are placed.
    // kInvalid: see check(), or no or too many members.
    Result<Outcome> place_gang(const Gang& gang, std::span<Decision> decisions);
    // Places every part, or none: the largest first, each on the best unit that is left then. `decisions` are in the
    // order of the parts; those after the one that found no unit are not written. kInvalid: likewise.
    Result<Outcome> place_parts(std::span<const UnitDemand> parts, std::span<Decision> decisions);
    // Takes exactly this, e.g. what a ledger says is running after a restart. kConflict: it is not free.
    Result<void> take(const Grant& grant);

    std::optional<UnitHandle> find(const UnitId& id) const;
    bool is_joined(UnitHandle handle) const;
    ExecutionUnit unit(UnitHandle handle) const;        // of one that is joined
    const UnitRecord& record(UnitHandle handle) const;  // likewise

    // The catalogue, every unit and what it has left, in one encoding: an index restored from it gives the same bytes.
    Bytes snapshot() const;
    // Handles and grants of the one that wrote the snapshot hold here too. kCorrupt: cut off, out of range, over
    // units_max or not as snapshot() writes it. Allocates at most what units_max units take.
    static Result<UnitIndex> restore(ByteView bytes, const PackingPolicy* policy, UnitIndexOptions options = {});

    // Calls visit(handle, record) for every unit, in no order that means anything.
    template <class Visit>
    void for_each(Visit visit) const {
        for (std::size_t slot = 0; slot < records_.size(); ++slot) {
            if (records_[slot].generation == 0) continue;
            visit(UnitHandle{static_cast<std::uint32_t>(slot), records_[slot].generation}, records_[slot]);
        }
    }
    // Of a unit that passes every filter.
    Terms terms_of(const UnitRecord& unit, const UnitDemand& demand) const;
    const UnitId& id_of(UnitHandle handle) const { return ids_.id_of(handle.slot); }

    std::size_t bytes() const;  // on the heap, reserved room included
    std::size_t states_in_use() const { return states_.states_in_use(); }

  private:
    struct Search;
    struct Totals {  // of the unit when nothing runs on it; the search does not need them
        std::uint32_t cpu_milli = 0;
        std::uint32_t memory_mib = 0;
        std::uint32_t disk_mib = 0;
    };
    struct Pick {
        std::uint32_t slot = UINT32_MAX;
        int request_class = StateTable::kNoClass;
        Terms terms;
    };

    void seat(UnitHandle handle, const ExecutionUnit& unit);
    Result<void> check_joined(UnitHandle handle) const;

    void enter(std::uint32_t slot);  // into the group and state that it belongs to
    void withdraw(std::uint32_t slot);
    void resettle(std::uint32_t slot);  // after what is left has changed
    void acquire_state(UnitRecord* unit);
    void release_state(UnitRecord* unit);

    Pick search(const UnitDemand& demand);
    Result<void> restore_units(SnapshotReader* reader);
    std::optional<std::uint64_t> gather(const Gang& gang,
                                        std::uint64_t regions,
                                        std::uint64_t limit,
                                        std::span<Decision> decisions);
    Grant grant_for(const Pick& pick, const UnitDemand& demand);
    std::uint8_t gpus_for(const UnitRecord& unit, const UnitDemand& demand, int request_class);
    Result<void> check_grant(const Grant& grant) const;
    void apply(const Grant& grant);

    Catalogue catalogue_;
    const PackingPolicy* policy_;
    UnitIndexOptions options_;
    std::vector<UnitRecord> records_;
    std::vector<Totals> totals_;
    UnitIds ids_;
    std::vector<std::uint32_t> free_slots_;
    std::size_t size_ = 0;
    std::uint32_t next_generation_ = 1;
    StateTable states_;
    GroupTable groups_;
    const LaneKernels* kernels_ = &best_kernels();
    std::vector<Lanes> latencies_;  // [customer's region][unit's region], microseconds
    std::vector<Lanes> bounds_;     // [model][region], of the search that runs
};

}  // namespace vcity::placement
