// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/messages.hpp"
#include "placement/unit_index.hpp"
#include "placement/value_packing.hpp"
#include "work/event.hpp"
#include "work/plan.hpp"

namespace vcity::scheduler {

// What one step, or each member of a gang, looks for.
struct UnitQuery {
    const WorkSpec* spec = nullptr;
    const StepGroup* group = nullptr;
    std::span<const Address> avoid{};        // nodes that failed it before
    std::optional<Usd> hourly_max{};         // of one step; replaces the spec's
    std::span<const std::string> regions{};  // likewise
};

// A unit that was taken.
struct UnitSeat {
    Address node;
    std::uint32_t unit = 0;
    std::uint32_t gpu_mask = 0;
    Usd offered;  // for one GPU, or one core
    std::string region;
    std::uint32_t reputation_bp = 0;
    placement::Terms terms;
};

// A unit that takes best-effort work.
struct SpotPlace {
    placement::UnitId id;
    std::uint32_t slots = 0;  // steps of this kind that fit into what is free of it now
    Usd floor;                // the least that its node wants for one of them, an hour
    Usd on_demand;            // what it costs there for sure
};

// The execution units that connected nodes offer, what is taken of them, and the best one for a step. Keeps the names
// of the world (models, regions, nodes) apart from the numbers of placement::UnitIndex. Memory only: rebuilt from
// announcements, and what is taken from the live leases. Not thread-safe.
class UnitDirectory {
  public:
    static constexpr std::size_t kUnitsPerNodeMax = 4096;
    static constexpr std::size_t kUnitsMax = std::size_t{1} << 20U;

    UnitDirectory();
    ~UnitDirectory();

    // The node's units from now on. Those that are gone or have changed their size take nothing new and leave when
    // nothing of ours runs on them. kInvalid: a unit that cannot be; nothing changes then.
    Result<void> announce(const NodeRecord& record, const NodeAnnouncement& announcement, std::uint32_t reputation_bp);
    // A closed node gets nothing new: it has gone, or is barred. Units without leases leave.
    void close(const Address& node);
    // A node's reputation has changed.
    void rate(const Address& node, std::uint32_t reputation_bp);

    // Takes what the group asks for from the best unit, under this token. Nullopt: none will do now. kInvalid: a GPU
    // model or region that nobody here has; the message names those there are.
    Result<std::optional<UnitSeat>> place(const UnitQuery& query, std::uint64_t token);
    // All members or none, under consecutive tokens.
    Result<std::optional<std::vector<UnitSeat>>> place_gang(const UnitQuery& query,
                                                            std::size_t members,
                                                            std::uint64_t first_token);
    // Where it would go; nothing is taken.
    Result<std::optional<UnitSeat>> look(const UnitQuery& query);
    // Whether a unit that is here now would do if nothing ran on it.
    bool could_ever(const UnitQuery& query) const;
    // What a lease of before holds. Before the node's announcement it is remembered and taken with it.
    void hold(const work::LeaseTerms& terms, const UnitAsk& ask);
    void release(std::uint64_t token);
    // The same right after place(): no news for those who wait.
    void give_back(std::uint64_t token);

    // --- best effort (spot_places.cpp)
    // Units with a spot price that pass the step's filters, full ones included; no maximum of the customer's.
    Result<std::vector<SpotPlace>> spot_places(const UnitQuery& query) const;
    // Takes what the ask wants of this unit, GPUs with the least left first. Nullopt: it has too little left.
    std::optional<UnitSeat> take_on(const placement::UnitId& id, const UnitAsk& ask, std::uint64_t token);

    // Whether the query finds a unit once what this token holds is given back; everything stays as it is.
    Result<bool> frees(std::uint64_t token, const UnitQuery& query);

    // Why the best unit is the best, or why there is none: for people, looks at every unit.
    std::string explain(const UnitQuery& query) const;
    // The cheapest open units, at most 4,096.
    UnitsReply offers() const;
    // All that nodes have named, and "unknown".
    const std::vector<std::string>& regions() const { return names_.regions; }
    // Empty for a unit that is not here.
    std::string region_of(const placement::UnitId& id) const;
    // How often something came that a waiting step may want.
    std::uint64_t generation() const { return generation_; }
    std::size_t size() const { return units_.size(); }
    std::size_t open() const { return open_; }

  private:
    struct Unit {
        UnitOffer offer;
        NodeKind kind = NodeKind::kFlexible;
        std::uint8_t model = 0;
        std::uint8_t region = 0;
        placement::UnitTerms terms;
        placement::UnitHandle handle;
        std::uint32_t leases = 0;
        bool is_gone = false;  // leaves with its last lease
    };
    struct Held {
        placement::UnitId unit;
        placement::Grant grant;
        bool is_taken = false;  // the unit is there and the index knows of it
    };
    // What the index takes for a GPU model: cards of one model and memory, or none, at nodes that can do the same.
    struct UnitClass {
        std::string gpu_model;  // empty without GPUs
        std::uint32_t features = 0;
    };
    struct Names {
        std::vector<placement::GpuModel> models;
        std::vector<UnitClass> classes;  // of the models
        std::vector<std::string> regions;
    };

    Result<void> check(const NodeAnnouncement& announcement) const;
    bool learn(const NodeAnnouncement& announcement);
    void rebuild();
    void join(const placement::UnitId& id, Unit* unit);
    void leave(const placement::UnitId& id);
    void settle_held(const Address& node);
    void plan_packing();
    placement::ExecutionUnit to_unit(const placement::UnitId& id, const Unit& unit) const;
    Result<placement::UnitDemand> to_demand(const UnitQuery& query, std::uint8_t kinds) const;
    Result<std::uint64_t> models_of(const UnitAsk& ask, std::uint32_t features) const;
    Error nobody_offers(const UnitAsk& ask, std::uint32_t features) const;
    // Units of nodes to avoid take nothing until they are set free again: a demand can name only a few.
    std::vector<placement::UnitId> shut(const UnitQuery& query);
    void set_open(const std::vector<placement::UnitId>& ids, bool is_open);
    UnitSeat seat_of(const placement::Decision& decision) const;
    void keep(const placement::Decision& decision, std::uint64_t token);
    // Tries the kinds one after the other.
    template <class Try>
    Result<bool> by_kind(const UnitQuery& query, Try attempt) const;

    Names names_;
    placement::PackingPlanner planner_;
    std::unique_ptr<placement::ValuePacking> policy_;
    std::unique_ptr<placement::UnitIndex> index_;
    std::map<placement::UnitId, Unit> units_;
    std::unordered_map<std::uint64_t, Held> held_;
    std::uint64_t generation_ = 0;
    std::uint64_t placed_since_plan_ = 0;
    std::size_t open_ = 0;
};

}  // namespace vcity::scheduler
