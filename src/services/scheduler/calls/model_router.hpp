// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "async/channel.hpp"
#include "placement/engine.hpp"
#include "services/scheduler/calls/call.hpp"
#include "services/scheduler/context.hpp"
#include "services/scheduler/directory.hpp"

namespace vcity::scheduler {

// A call in the line for a slot. Lives on the frame of the task that waits on `wake`.
struct Waiter {
    const Call* call = nullptr;
    Notifier* wake = nullptr;
    std::optional<Picked> picked;  // set once it is its turn; then it is not in the line any more
    bool is_in_line = false;
    TimePoint since;
};

// Why a call may not wait.
struct LineFull {
    std::string reason;
    Duration retry_after{};
};

// Chooses nodes for model calls: one routing::Router for each model, whose replicas are the offers that the directory
// knows, kept in step with it offer by offer. Hard filters are those of placement::place(): pinned weights, prices,
// context, tier, monitor, flags and suspensions, nodes that failed the call, a connection, a free slot. Among the rest
// the least sum wins of
//
//   time to the first token  as learned from first tokens: way, queue, prompt less what the node has cached
//   price                    at SchedulerOptions::choice.time_per_micro_dollar
//   record                   failed_attempt * (0.5 / score - 1), nothing from one half on: a call at a node that is
//                            half as reliable needs twice the attempts
//
// and a few milliseconds of chance, so that equals take turns.
// Some cheap calls go to newcomers instead, whose results are audited: without them nobody new would ever get a record.
// When all slots that would do are taken a call waits in its model's line, first come first served but for those that
// ask for less; the line is bounded in calls and in expected time, and who finds it full is told when to come back.
class ModelRouter {
  public:
    ModelRouter(Context* context, Directory* directory);

    // --- the directory
    // Something about this node has changed: announcement, session, leases, flag, probation or record.
    void refresh(const Address& node);
    // Records change with time as well: a few nodes at every call, all in turn.
    void refresh_some(std::size_t most);

    // --- a call
    Call make_call(const JobOrder& order, std::vector<Address> excluded) const;
    // Nothing when no node will do now, or others have waited longer. The slot is taken in the directory.
    std::optional<Picked> take(const Call& call);
    // Why take() gave nothing.
    placement::NotPlaced why_none(const Call& call) const;
    // Joins the line, and may have its turn at once. What is full is told with the time to come back.
    std::optional<LineFull> join(Waiter* waiter);
    void leave(Waiter* waiter);
    // For a call that has waited in vain: when the line may have moved on.
    Duration retry_after(const Call& call) const;
    std::size_t waiting() const { return waiting_; }

    // --- what became of it; each picked call ends once. Its slot is the directory's business.
    void on_first_token(const Picked& picked, Duration took);
    // After its first token, `took` in all.
    void on_end(const Picked& picked, Duration took);
    void on_failure(const Picked& picked);

  private:
    struct Member {
        Address node;
        ModelOffer offer;
        routing::Nanos away = 0;
        bool is_counted = false;                 // in the pool's slots
        std::optional<std::size_t> newcomer_at;  // its place among the pool's newcomers
    };
    struct Pool {
        Pool(std::uint64_t the_serial, const routing::RouterOptions& options)
            : serial{the_serial}, prefix_entries{options.cache_entries_max}, router{1, {0}, options} {}

        std::uint64_t serial;
        std::uint32_t prefix_entries;
        routing::Router router;
        std::vector<Member> members;                // by ReplicaId
        std::set<Address> nodes;                    // all that offer the model, with the pinned weights or not
        std::vector<routing::ReplicaId> newcomers;  // that can be had
        std::uint64_t slots = 0;                    // of members that can be had
        Duration service = std::chrono::seconds{1};
        std::list<Waiter*> waiting;
        TimePoint returns_at;  // for when the last one that was sent away was told to come back
        bool is_serving = false;
        bool serves_again = false;
    };
    struct Place {
        ModelOffer offer;
        bool has_monitor = false;
        std::optional<routing::ReplicaId> replica;  // none: other weights than the pinned ones
    };
    using Places = std::vector<Place>;

    Pool* find_pool(std::string_view model) const;
    Pool* pool_of(const Picked& picked) const;
    Pool* open_pool(const std::string& model);
    void close_if_empty(const std::string& model);
    bool is_same(const Places& places, const NodeAnnouncement& announcement) const;
    void replace(const Address& node, const NodeAnnouncement& announcement, Places* places);
    void drop(const Address& node, const Places& places);
    Place enter(const Address& node, const ModelOffer& offer, bool has_monitor, routing::Nanos learned);
    void update(const KnownNode& known, bool is_available, const Place& place);
    static void set_newcomer(Pool* pool, routing::ReplicaId id, bool is_newcomer);
    void recall_suspended();
    routing::Nanos penalty_of(const Address& node);

    routing::Request request_of(const Call& call, std::span<const routing::ReplicaId> excluded) const;
    std::vector<routing::ReplicaId> excluded_of(const Call& call) const;
    // Who may not have the call: nodes that failed it and those that the client does not want.
    std::vector<Address> shunned(const Call& call) const;
    bool is_wished(const NodeWish& wish, const Address& node) const;
    // The first node of the client's own order that can take it.
    std::optional<routing::Choice> try_order(const Pool& pool, const Call& call, const routing::Request& request) const;
    std::optional<Picked> take_from(Pool* pool, const Call& call);
    std::optional<routing::Choice> try_newcomer(const Pool& pool, const Call& call, const routing::Request& request);
    PlacementReason explain(const Pool& pool, const Call& call, const Picked& picked) const;
    placement::Demand demand_of(const Call& call) const;
    // What each call of the line has to wait for on the average.
    static Duration gap_of(const Pool& pool) {
        return pool.service / static_cast<Duration::rep>(std::max<std::uint64_t>(pool.slots, 1));
    }
    void serve(Pool* pool);
    bool serve_once(Pool* pool);
    void unlink(Pool* pool, std::list<Waiter*>::iterator at);

    Context* context_;
    Directory* directory_;
    std::map<std::string, std::unique_ptr<Pool>, std::less<>> pools_;
    std::map<Address, Places> places_;
    std::set<std::pair<UnixMillis, Address>> suspended_;  // by the end of the suspension
    std::map<Address, std::uint32_t> waiting_of_;         // by client
    std::size_t waiting_ = 0;
    std::uint64_t prefix_entries_left_;
    std::uint64_t next_serial_ = 1;
    std::uint64_t salt_;
    Address refreshed_last_;
};

}  // namespace vcity::scheduler
