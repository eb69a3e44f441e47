// SPDX-License-Identifier: Apache-2.0
#include "services/keeper/keeper.hpp"

#include <algorithm>

#include "adapters/chain_evm/upkeep.hpp"
#include "wiring/role_host.hpp"
#include "wiring/roles.hpp"
#include "wiring/run.hpp"

namespace vcity::wiring {
namespace {

Result<std::vector<DutyKind>> parse_duties(const std::vector<std::string>& names) {
    if (names.empty()) return std::vector<DutyKind>{kAllDuties.begin(), kAllDuties.end()};
    std::vector<DutyKind> kinds;
    for (const std::string& name : names) {
        const auto found =
            std::find_if(kAllDuties.begin(), kAllDuties.end(), [&](DutyKind kind) { return to_string(kind) == name; });
        if (found == kAllDuties.end()) return make_error(Errc::kInvalid, name + " is no duty");
        kinds.push_back(*found);
    }
    return kinds;
}

}  // namespace

Result<cli::Exit> run_keeper(const KeeperRunOptions& options) {
    TRY(const std::vector<DutyKind> kinds, parse_duties(options.duties));
    TRY(const auto host, RoleHost::make("keeper", options.role));
    if (host->signer() == nullptr) return make_error(Errc::kInvalid, "a keeper needs a key with money for gas");
    TRY(adapters::TransactionSender * sender, run_task(host->runtime(), host->chain()->sender()));
    adapters::EvmUpkeep upkeep{host->chain()->rpc(), sender, host->deployment()};
    keeper::KeeperOptions keeper_options;
    keeper_options.kinds = kinds;
    keeper_options.poll = std::chrono::seconds{std::max(options.poll_seconds, 1U)};
    keeper::KeeperDeps deps{
        .runtime = host->runtime(), .upkeep = &upkeep, .metrics = host->metrics(), .log = host->log()};
    keeper::Keeper role{std::move(deps), std::move(keeper_options)};
    host->set_ready([&role] { return role.is_ready(); });
    return host->run([&role] { return role.run(); }, [&role] { role.stop(); });
}

}  // namespace vcity::wiring
