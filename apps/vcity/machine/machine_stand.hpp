// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "adapters/inventory_host/activity.hpp"
#include "async/task_group.hpp"
#include "machine/machine.hpp"
#include "services/node/agent.hpp"
#include "services/node/home/bandwidth.hpp"
#include "services/node/home/keeper.hpp"
#include "wiring/role_host.hpp"

namespace vcity::wiring {

// What a node does about the machine it runs on: metrics of its GPUs, and giving way to its owner as the options say.
// Made before the agent, whose transfers it may slow down.
class MachineStand {
  public:
    // kInvalid: an option.
    static Result<std::unique_ptr<MachineStand>> make(const NodeRunOptions& options, RoleHost* host);

    // The same, or one that keeps within the owner's bandwidth.
    ports::Transfer* capped(ports::Transfer* transfer);
    // Until stop(). The agent is borrowed.
    Task<void> run(node::NodeAgent* agent);
    void stop();

  private:
    MachineStand(const NodeRunOptions& options, RoleHost* host);
    Task<Result<void>> prepare(const NodeRunOptions& options);
    Task<void> watch_gpus();
    void make_keeper(node::NodeAgent* agent);

    RoleHost* host_;
    Machine machine_;
    std::unique_ptr<adapters::HostActivity> activity_;
    std::unique_ptr<node::CappedTransfer> capped_;
    std::unique_ptr<node::HomeKeeper> keeper_;
    node::CappedTransfer::Caps caps_;
    node::HomeKeeper::Terms terms_;
    ports::MachineInventory seen_;
    std::string name_;
    Notifier stopped_;
    bool stopping_ = false;
};

}  // namespace vcity::wiring
