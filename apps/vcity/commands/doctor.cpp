// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.hpp"
#include "cli/keys.hpp"
#include "wiring/api_client.hpp"
#include "wiring/chain.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

constexpr std::uint64_t kDiskBytesMin = 2ULL << 30U;

// good; bad: something will not work; skipped: not set up on this machine, so there is nothing to check.
struct Finding {
    std::string name;
    std::string status;
    std::string details;
    std::string remedy;
};

Finding good(std::string name, std::string details) {
    return {std::move(name), "good", std::move(details), ""};
}
Finding bad(std::string name, std::string details, std::string remedy) {
    return {std::move(name), "bad", std::move(details), std::move(remedy)};
}
Finding skipped(std::string name, std::string details) {
    return {std::move(name), "skipped", std::move(details), ""};
}

Finding check_sandbox() {
    const pid_t pid = fork();
    if (pid == 0) {
        execlp("bwrap", "bwrap", "--unshare-all", "--ro-bind", "/", "/", "/bin/true", nullptr);
        _exit(127);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return good("sandbox", "bubblewrap starts programs without network");
    return bad("sandbox", "bwrap does not run here",
               "install the package bubblewrap and allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)");
}

Finding check_disk() {
    struct statvfs space{};
    std::string folder = default_state_path();
    while (!std::filesystem::exists(folder)) folder = std::filesystem::path{folder}.parent_path();
    if (statvfs(folder.c_str(), &space) != 0)
        return bad("disk", "cannot look at " + folder, "check the folder's permissions");
    const std::uint64_t free_bytes = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
    const std::string text =
        fmt::format("{:.1f} GiB free under {}", static_cast<double>(free_bytes) / (1U << 30U), folder);
    return free_bytes >= kDiskBytesMin ? good("disk", text) : bad("disk", text, "free at least 2 GiB");
}

Finding check_keystore(const Settings& settings) {
    const std::string& path = settings.keystore.value;
    if (path.empty()) return skipped("keystore", "no wallet is set; `vcity wallet new` makes one");
    struct stat file{};
    if (stat(path.c_str(), &file) != 0)
        return bad("keystore", path + " cannot be read", "set VCITY_KEYSTORE to your key file");
    if ((file.st_mode & 0077U) != 0) return bad("keystore", path + " can be read by others", "chmod 600 " + path);
    const auto address = keystore_address(path);
    if (!address) return bad("keystore", address.error().message, "restore the key file from your backup");
    return good("keystore", crypto::to_checksum_address(*address));
}

Finding check_deployment(const Settings& settings) {
    if (settings.deployment.value.empty()) return skipped("deployment", "no deployment file is set (VCITY_DEPLOYMENT)");
    const auto deployment = wiring::load_deployment(settings);
    if (!deployment)
        return bad("deployment", deployment.error().message, "take deployment.json from your network's operator");
    return good("deployment", fmt::format("chain {}", deployment->chain_id));
}

Finding check_chain(const Settings& settings) {
    if (settings.rpc.value.empty()) return skipped("chain", "no JSON-RPC server is set (VCITY_RPC)");
    const auto balances = wiring::read_balances(settings, Address{});
    if (!balances)
        return bad("chain", balances.error().message, "check VCITY_RPC, and that the deployment is of that chain");
    return good("chain", settings.rpc.value);
}

Finding check_gateway(const Settings& settings) {
    adapters::AsioRuntime runtime;
    const auto client = wiring::gateway_client(&runtime, settings);
    if (!client) return bad("gateway", client.error().message, "set VCITY_API_KEY_FILE to a file with your key");
    const auto models = wiring::run_task(&runtime, (*client)->get("/v1/models"));
    if (!models) {
        return bad("gateway", fmt::format("{}: {}", settings.gateway.value, models.error().message),
                   "start a network with `vcity devnet`, or set VCITY_GATEWAY and VCITY_API_KEY_FILE");
    }
    const Json* list = models->find("data");
    const std::size_t count = list == nullptr || list->get_array() == nullptr ? 0 : list->get_array()->size();
    if (count == 0) return bad("gateway", "it answers, but no node serves a model", "wait for a node, or start one");
    return good("gateway", fmt::format("{} serves {} model(s)", settings.gateway.value, count));
}

Result<Exit> run_doctor(Session* session) {
    const Settings& settings = session->settings;
    const std::vector<Finding> findings{check_sandbox(),          check_disk(),
                                        check_keystore(settings), check_deployment(settings),
                                        check_chain(settings),    check_gateway(settings)};
    codec::JsonArray checks;
    Table table{.titles = {"Check", "Status", "Details", "What to do"}, .rows = {}};
    bool healthy = true;
    for (const Finding& finding : findings) {
        healthy = healthy && finding.status != "bad";
        table.rows.push_back({finding.name, finding.status, finding.details, finding.remedy});
        Json check{codec::JsonObject{{"name", finding.name}, {"status", finding.status}, {"details", finding.details}}};
        check.set("error", finding.status == "bad" ? Json{finding.remedy} : Json{});
        check.set("fixed", false);
        checks.push_back(std::move(check));
    }
    if (session->output.is_json()) {
        session->output.print(Json{codec::JsonObject{{"checks", std::move(checks)}, {"healthy", healthy}}});
    } else {
        session->output.print(table);
    }
    return healthy ? Exit::kOk : Exit::kGeneral;
}

}  // namespace

void add_doctor_commands(CLI::App* root, Commands* commands) {
    commands->on(
        root->add_subcommand("doctor", "check this machine and its settings; non-zero when something is wrong"),
        run_doctor);
}

}  // namespace vcity::cli
