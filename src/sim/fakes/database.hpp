// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "sim/fakes/store.hpp"

namespace vcity::sim {

struct DatabaseFaults {
    Duration latency_min = std::chrono::microseconds{200};  // of one way, and of the work itself
    Duration latency_max = std::chrono::milliseconds{6};
    // Of all calls: the connection breaks while the call is under way. Its request arrives or not, its reply does not.
    std::uint64_t breaks_per_mille = 0;
    // Of all changes: the server takes up to slow_max for them, and all others wait, since they lock what it locks.
    std::uint64_t slow_per_mille = 0;
    Duration slow_max = std::chrono::seconds{4};
    // A broken database, to prove that invariants notice: expectations on this key do not count. Empty: an honest one.
    std::string ignores_expectations_on;
};

// A database server that several processes use at once, each over a connection of its own. What a process has sent is
// carried out whether the process lives to hear of it or not, perhaps seconds after it was told that the connection
// broke; but changes are carried out one after the other in the order in which they arrive.
class FakeDatabase {
  public:
    // Sees every change that is about to be applied, and who sent it.
    using Observer = std::function<void(const std::string& client, const ports::StoreChange& change)>;

    explicit FakeDatabase(SimRuntime* world) : world_{world}, disk_{world} {}
    FakeDatabase(const FakeDatabase&) = delete;
    FakeDatabase& operator=(const FakeDatabase&) = delete;

    // client: the name of the process, for partitions and the observer.
    std::unique_ptr<ports::Store> connect(Runtime* runtime, std::string client);
    // Nothing passes between the server and that client until then.
    void cut(const std::string& client, TimePoint until) { cuts_[client] = until; }
    void heal() { cuts_.clear(); }
    void set_observer(Observer observer) { observer_ = std::move(observer); }
    FakeDisk* disk() { return &disk_; }

    DatabaseFaults faults;

  private:
    class Client;
    struct Call;
    using Work = std::function<void(Call*)>;

    Duration draw_latency() { return world_->draw_between(faults.latency_min, faults.latency_max); }
    bool is_cut(const std::string& client) const;
    // Carries out work when the request has arrived, unless it is lost, and answers unless that is.
    void submit(const std::string& client, const std::shared_ptr<Call>& call, bool is_change, Work work);
    void arrive(const std::string& client, const std::shared_ptr<Call>& call, bool is_change, Work work);
    void answer(const std::string& client, const std::shared_ptr<Call>& call);
    Result<void> apply(const std::string& client, ports::StoreChange change);

    SimRuntime* world_;
    FakeDisk disk_;
    Observer observer_;
    std::map<std::string, TimePoint> cuts_;
    TimePoint busy_until_;
};

}  // namespace vcity::sim
