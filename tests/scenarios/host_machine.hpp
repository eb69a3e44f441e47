// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "scenarios/cluster.hpp"
#include "services/scheduler/shards/host.hpp"
#include "sim/fakes/database.hpp"

namespace vcity::scenarios {

// A machine with a scheduler process that may act for the one shard of the network, beside others like it over one
// database. Its monotonic clock runs a little fast or slow.
class HostMachine final : public Machine {
  public:
    struct Parts {
        World* world = nullptr;
        sim::FakeDatabase* database = nullptr;
        std::uint64_t key = 0;  // the shard's
        bool is_home = true;
        Duration margin{};
        scheduler::SchedulerOptions options;
    };
    HostMachine(std::string name, Parts parts);
    ~HostMachine() override { crash(); }
    void start() override;

    // Whether it may act for the shard at this moment, by its own clock.
    bool holds_shard() const { return host_ && host_->holds(0); }

  private:
    void destroy() override;
    void end_role() override;

    Parts parts_;
    std::unique_ptr<ports::Store> store_;
    std::unique_ptr<ports::LinkListener> listener_;
    std::unique_ptr<ports::ChainReader> reader_;
    std::unique_ptr<ports::ChainWriter> writer_;
    std::unique_ptr<scheduler::SchedulerHost> host_;
};

}  // namespace vcity::scenarios
