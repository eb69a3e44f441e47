// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "ports/http.hpp"
#include "ports/sandbox.hpp"
#include "ports/transfer.hpp"
#include "ports/volume.hpp"
#include "ports/web_socket.hpp"
#include "services/node/steps/step_runner.hpp"
#include "wiring/role_host.hpp"
#include "wiring/role_options.hpp"
#include "wiring/volumes/step_volumes.hpp"

namespace vcity::wiring {

// What a node needs to run customers' commands, as far as its options and this machine allow.
class StepStand {
  public:
    static Result<std::unique_ptr<StepStand>> make(const NodeRunOptions& options,
                                                   const StepVolumes& volumes,
                                                   RoleHost* host);

    ports::Sandbox* sandbox() { return sandboxes_.get(); }  // null: it accepts no commands
    ports::Volumes* volumes() { return volumes_.get(); }
    ports::Transfer* transfer() { return transfer_.get(); }
    ports::WebSocketClient* tunnels() { return tunnels_.get(); }  // null: nothing can be reached
    const std::vector<UnitOffer>& units() const { return units_; }
    const node::StepMachine& machine() const { return machine_; }

  private:
    Result<void> add_finetune(const NodeRunOptions& options);
    std::uint32_t add_studio(const NodeRunOptions& options);
    Result<void> make_commands(const NodeRunOptions& options, RoleHost* host, std::uint32_t* features);
    void add_containers(const NodeRunOptions& options, RoleHost* host);
    Result<void> open(const NodeRunOptions& options, const StepVolumes& volumes, RoleHost* host);

    std::unique_ptr<ports::Sandbox> commands_;
    std::unique_ptr<ports::Sandbox> containers_;  // null: no images are run
    std::unique_ptr<ports::Sandbox> sandboxes_;   // both as one
    std::unique_ptr<ports::Volumes> volumes_;
    std::unique_ptr<ports::HttpClient> client_;
    std::unique_ptr<ports::Transfer> transfer_;
    std::unique_ptr<ports::WebSocketClient> tunnels_;
    std::vector<UnitOffer> units_;
    node::StepMachine machine_;
};

}  // namespace vcity::wiring
