// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "async/task_group.hpp"
#include "ports/store.hpp"
#include "scaling/autoscaler.hpp"
#include "services/gateway/deployments/fleet_machine.hpp"
#include "services/gateway/deployments/replica_calls.hpp"
#include "services/gateway/deployments/sla.hpp"
#include "services/gateway/work/work_api.hpp"

namespace vcity::gateway {

struct StoredEvent {
    std::uint64_t number = 0;
    FleetEvent event;
};

// Deployments: keeps as many replicas running as there should be, and brings requests to them. What the rules say
// (FleetMachine) is in the store before anything is ordered, cancelled or told; jobs are ordered through the WorkApi
// under an Idempotency-Key of their own, so that a gateway that starts again finds each of them and orders none twice.
// Owned by the Gateway; one logical thread with it.
class DeploymentDesk {
  public:
    struct Parts {
        const Shared* shared = nullptr;
        WorkApi* work = nullptr;
        TunnelBook* tunnels = nullptr;
        ports::Store* store = nullptr;
        FleetTuning tuning{};
    };

    explicit DeploymentDesk(Parts parts);

    Task<Result<void>> load();
    // Until stop().
    Task<void> run();
    void stop();

    // --- for the API. In the store when they return, as far as they change anything.
    // kConflict: the client has one of this name; kExhausted: there are too many. With its id when it returns.
    Task<Result<std::string>> add(Fleet fleet, FleetVersion version);
    // nullptr when this client has none of that name or id; until the next call.
    const Fleet* find(const Address& client, std::string_view name) const;
    std::vector<const Fleet*> of(const Address& client) const;
    // request: the whole of it; a version that runs the same changes the terms only.
    Task<Result<void>> change(std::string id, codec::Json request, FleetTerms terms, FleetVersion version);
    Task<Result<void>> pause(std::string id, bool is_paused);
    Task<Result<void>> remove(std::string id);
    // Of those that are kept, the oldest first; numbers greater than `after`.
    Task<Result<std::vector<StoredEvent>>> events(std::string id, std::uint64_t after, std::size_t limit);
    // What was measured; nullopt when there is nothing of that month.
    std::optional<SlaMonth> month(const std::string& id, std::uint32_t month) const;
    std::vector<SlaMonth> months(const std::string& id) const;

    // --- for its users
    // Brings the exchange's request to a ready replica, another one when that fails before its first byte. Where none
    // is ready it waits for as long as X-Scale-Up-Timeout says. rest: path and query for the replica.
    Task<Refusal> forward(Exchange* exchange, Address client, std::string name, std::string rest);

  private:
    struct Live;
    struct Pick {
        std::uint64_t number = 0;
        ReplicaPlace place;
    };

    Task<void> drive(std::shared_ptr<Live> live);
    Task<Result<void>> save(std::shared_ptr<Live> live);
    Task<void> drop(std::shared_ptr<Live> live);
    void act(const std::shared_ptr<Live>& live);
    void scale(Live* live);
    void measure(Live* live);
    void count_demand(Live* live, int change);

    Task<void> order(std::shared_ptr<Live> live, std::uint64_t number);
    Task<void> look(std::shared_ptr<Live> live, std::uint64_t number, bool cancels);
    Task<void> probe(std::shared_ptr<Live> live, std::uint64_t number);
    Task<ApiResult<ports::HttpResponse>> ask(
        Exchange* inner, Hash owner, std::string method, std::string target, std::string body);
    void learn(Live* live, std::uint64_t number, const ApiResult<ports::HttpResponse>& answer);

    Task<ApiResult<Pick>> pick(std::shared_ptr<Live> live, TimePoint deadline, std::set<std::uint64_t> tried);
    Task<Refusal> try_replicas(std::shared_ptr<Live> live, Exchange* exchange, std::string rest);
    std::shared_ptr<Live> find_live(const Address& client, std::string_view name) const;

    Parts parts_;
    Runtime* runtime_;
    FleetMachine machine_;
    ReplicaCalls calls_;
    std::map<std::string, std::shared_ptr<Live>> fleets_;  // by id
    TaskGroup tasks_;
    Notifier wake_;
    bool is_running_ = false;
    bool is_stopping_ = false;
};

}  // namespace vcity::gateway
