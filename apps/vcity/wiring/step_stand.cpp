// SPDX-License-Identifier: Apache-2.0
#include "wiring/step_stand.hpp"

#include "adapters/http/client.hpp"
#include "adapters/sandbox_bwrap/sandbox.hpp"
#include "adapters/transfer_http/address_guard.hpp"
#include "adapters/transfer_http/transfer.hpp"
#include "adapters/volume_folder/volumes.hpp"
#include "wiring/unit_offers.hpp"
#include "wiring/worker_program.hpp"

namespace vcity::wiring {

Result<std::unique_ptr<StepStand>> StepStand::make(const NodeRunOptions& options, RoleHost* host) {
    auto stand = std::make_unique<StepStand>();
    if (options.accept_commands) {
        TRY_OK(stand->open(options, host));
    }
    return stand;
}

Result<void> StepStand::open(const NodeRunOptions& options, RoleHost* host) {
    std::uint32_t features = bit(UnitFeature::kFiles);
    adapters::BwrapSandboxOptions sandbox;
    if (const auto init = program_beside("vcity-init", "../init/vcity-init")) {
        sandbox.init_path = *init;
        features |= bit(UnitFeature::kPorts);
    }
    sandbox_ = std::make_unique<adapters::BwrapSandbox>(host->runtime(), host->log().named("step"), sandbox);
    TRY(volumes_, adapters::FolderVolumes::make_at(host->runtime(), options.role.state + "/steps"));
    TRY(const auto guard, adapters::AddressGuard::make(options.files_from));
    adapters::HttpClientOptions client;
    client.may_connect = [guard](const std::string& server, const std::string& address) {
        return guard.allows(server, address);
    };
    TRY(client_, adapters::BeastHttpClient::make(host->runtime(), std::move(client)));
    transfer_ = std::make_unique<adapters::HttpTransfer>(host->runtime(), client_.get());
    TRY(node::OwnUnits units, unit_offers(options, features));
    units_ = std::move(units.offers);
    machine_.unit_gpus = std::move(units.gpus);
    return {};
}

}  // namespace vcity::wiring
