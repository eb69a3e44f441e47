// SPDX-License-Identifier: Apache-2.0

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/command.hpp"
#include "operator/host_checks.hpp"
#include "wiring/api_client.hpp"
#include "wiring/chain.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

SelfCheck check_wallet(const Settings& settings) {
    const std::string& path = settings.keystore.value;
    if (path.empty()) return skip("keystore", "key file", "no wallet is set; `vcity wallet new` makes one");
    return check_key_file(path);
}

SelfCheck check_deployment(const Settings& settings) {
    if (settings.deployment.value.empty()) {
        return skip("deployment", "deployment", "no deployment file is set (VCITY_DEPLOYMENT)");
    }
    const auto deployment = wiring::load_deployment(settings);
    const Result<std::string> found =
        deployment ? Result<std::string>{fmt::format("chain {}", deployment->chain_id)} : deployment.error();
    return check_works("deployment", "deployment", found, "it says where the contracts are",
                       "take deployment.json from your network's operator");
}

SelfCheck check_chain(const Settings& settings) {
    if (settings.rpc.value.empty()) return skip("chain", "chain", "no JSON-RPC server is set (VCITY_RPC)");
    const auto balances = wiring::read_balances(settings, Address{});
    const Result<std::string> found = balances ? Result<std::string>{settings.rpc.value} : balances.error();
    return check_works("chain", "chain", found, "deposits and caps are on it",
                       "check VCITY_RPC, and that the deployment is of that chain");
}

Result<std::string> look_at_gateway(const Settings& settings) {
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, settings));
    TRY(const Json models, wiring::run_task(&runtime, client->get("/v1/models")));
    const Json* list = models.find("data");
    const std::size_t count = list == nullptr || list->get_array() == nullptr ? 0 : list->get_array()->size();
    if (count == 0) return make_error(Errc::kUnavailable, "it answers, but no node serves a model");
    return fmt::format("{} serves {} model(s)", settings.gateway.value, count);
}

SelfCheck check_gateway(const Settings& settings) {
    return check_works("gateway", "gateway", look_at_gateway(settings), "requests go to it",
                       "start a network with `vcity devnet`, or set VCITY_GATEWAY and VCITY_API_KEY_FILE");
}

Result<Exit> run_doctor(Session* session) {
    const Settings& settings = session->settings;
    return report({check_sandbox(), check_disk(default_state_path()), check_wallet(settings),
                   check_deployment(settings), check_chain(settings), check_gateway(settings)},
                  session->output);
}

}  // namespace

void add_doctor_commands(CLI::App* root, Commands* commands) {
    commands->on(
        root->add_subcommand("doctor", "check this machine and its settings; non-zero when something is wrong"),
        run_doctor);
}

}  // namespace vcity::cli
