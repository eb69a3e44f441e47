// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "adapters/chain_evm/verify.hpp"
#include "cli/command.hpp"
#include "cli/keys.hpp"
#include "codec/hex.hpp"
#include "wiring/chain_connection.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using adapters::Finding;
using adapters::PlanSettings;
using codec::Json;

struct ChainOptions {
    std::string rpc;
    std::string keystore;
    std::string password_file;
    std::string artifacts;
    std::string profile;
    std::string config;             // a JSON object of settings
    std::vector<std::string> sets;  // "name=value"
    std::string deployment;
    bool at_start = false;
};

std::string artifacts_of(const ChainOptions& options) {
    return options.artifacts.empty() ? std::string{VCITY_SOURCE_DIR} + "/contracts/deployments" : options.artifacts;
}

std::string progress_of(const std::string& deployment) {
    const std::size_t dot = deployment.rfind(".json");
    return deployment.substr(0, dot) + ".progress.json";
}

Result<std::string> rpc_of(const ChainOptions& options, const Session& session) {
    const std::string rpc = options.rpc.empty() ? session.settings.rpc.value : options.rpc;
    if (rpc.empty()) return make_error(Errc::kInvalid, "no chain: name its JSON-RPC URL with --rpc");
    return rpc;
}

Result<PlanSettings> settings_of(const ChainOptions& options) {
    PlanSettings settings;
    if (!options.config.empty()) {
        TRY(const std::string text, read_file(options.config));
        TRY(const Json object, codec::parse_json(text));
        if (!object.is_object()) return make_error(Errc::kInvalid, options.config + ": expected a JSON object");
        for (const auto& [name, value] : *object.get_object()) {
            const std::string* text_value = value.get_string();
            if (text_value == nullptr && !value.is_integer()) {
                return make_error(Errc::kInvalid, options.config + ": " + name + " must be text or a whole number");
            }
            settings[name] = text_value != nullptr ? *text_value : codec::dump_json(value);
        }
    }
    for (const std::string& set : options.sets) {
        const std::size_t equals = set.find('=');
        if (equals == std::string::npos) return make_error(Errc::kInvalid, "expected name=value, got " + set);
        settings[set.substr(0, equals)] = set.substr(equals + 1);
    }
    return settings;
}

struct Deployed {
    Deployment deployment;
    std::vector<Finding> findings;
};

Task<Result<Deployed>> deploy_and_check(wiring::ChainConnection* chain,
                                        adapters::DeployOptions plan,
                                        adapters::VerifyOptions checks,
                                        std::string path) {
    CO_TRY(adapters::TransactionSender * sender, co_await chain->sender());
    checks.deployer = sender->account();
    const std::string progress = plan.progress_file;
    const std::string profile = plan.profile;
    PlanSettings settings = plan.settings;
    Deployed made;
    CO_TRY(made.deployment, co_await adapters::deploy(chain->runtime(), chain->rpc(), sender, std::move(plan)));
    CO_TRY_OK(adapters::save_deployment(path, made.deployment));
    checks.profile = profile;
    checks.settings = std::move(settings);
    CO_TRY(const std::optional<adapters::EvmBlock> begun, co_await chain->rpc()->block(made.deployment.block - 1));
    checks.time = begun ? begun->head.timestamp : 0;
    CO_TRY(made.findings, co_await adapters::verify_deployment(chain->rpc(), made.deployment, std::move(checks)));
    co_return made;
}

Json findings_json(const std::vector<Finding>& findings) {
    codec::JsonArray rows;
    for (const Finding& finding : findings) {
        rows.push_back(
            Json{codec::JsonObject{{"check", finding.check}, {"ok", finding.is_good}, {"detail", finding.detail}}});
    }
    return rows;
}

bool are_good(const std::vector<Finding>& findings) {
    return std::ranges::all_of(findings, &Finding::is_good);
}

Exit tell(const std::vector<Finding>& findings, Session* session) {
    if (session->output.is_json()) {
        session->output.print(Json{codec::JsonObject{{"ok", are_good(findings)}, {"checks", findings_json(findings)}}});
    } else {
        Table table{.titles = {"Check", "Result", "Detail"}, .rows = {}};
        for (const Finding& finding : findings) {
            table.rows.push_back({finding.check, finding.is_good ? "good" : "WRONG", finding.detail});
        }
        session->output.print(table);
    }
    return are_good(findings) ? Exit::kOk : Exit::kVerification;
}

Result<Exit> run_deploy(const ChainOptions& options, Session* session) {
    TRY(const std::string rpc, rpc_of(options, *session));
    TRY(adapters::DeployOptions plan, adapters::load_deploy_options(artifacts_of(options)));
    plan.profile = options.profile;
    TRY(plan.settings, settings_of(options));
    const std::string path = options.deployment.empty() ? "deployment.json" : options.deployment;
    plan.progress_file = progress_of(path);
    plan.on_step = [session](const std::string& step) { session->output.note(step); };
    adapters::VerifyOptions checks;
    checks.plan = plan.plan;
    checks.at_start = true;
    const KeyFiles files{
        .keystore = options.keystore.empty() ? session->settings.keystore.value : options.keystore,
        .password_file = options.password_file.empty() ? session->settings.password_file.value : options.password_file};
    if (files.keystore.empty()) return make_error(Errc::kInvalid, "no key file: name one with --keystore");
    TRY(crypto::PrivateKey key, load_key(files));
    KeySigner signer{std::move(key)};
    adapters::AsioRuntime runtime;
    wiring::ChainConnection chain{&runtime, rpc, &signer};
    TRY(const Deployed made,
        wiring::run_task(&runtime, deploy_and_check(&chain, std::move(plan), std::move(checks), path)));
    session->output.note("wrote " + path);
    return tell(made.findings, session);
}

Result<Exit> run_verify(const ChainOptions& options, Session* session) {
    TRY(const std::string rpc, rpc_of(options, *session));
    const std::string path = options.deployment.empty() ? session->settings.deployment.value : options.deployment;
    if (path.empty()) {
        return make_error(Errc::kInvalid, "no deployment file: name one with --deployment or set VCITY_DEPLOYMENT");
    }
    TRY(const Deployment deployment, adapters::load_deployment(path));
    TRY(adapters::VerifyOptions checks, adapters::load_verify_options(artifacts_of(options), progress_of(path)));
    if (!options.profile.empty()) checks.profile = options.profile;
    TRY(PlanSettings given, settings_of(options));
    for (auto& [name, value] : given) checks.settings[name] = std::move(value);
    checks.at_start = options.at_start;
    adapters::AsioRuntime runtime;
    wiring::ChainConnection chain{&runtime, rpc, nullptr};
    TRY(const std::vector<Finding> findings,
        wiring::run_task(&runtime, adapters::verify_deployment(chain.rpc(), deployment, std::move(checks))));
    return tell(findings, session);
}

Result<Exit> run_settings(const ChainOptions& options, Session* session) {
    TRY(const adapters::Plan plan, adapters::load_plan(artifacts_of(options) + "/plan.json"));
    Table table{.titles = {"Setting", "Type", "Production", "Devnet", "About"}, .rows = {}};
    for (const adapters::PlanSetting& setting : plan.settings) {
        const auto shown = [&](const char* profile) {
            const std::string& value = setting.defaults.at(profile);
            return value == adapters::kMustBeGiven ? std::string{"(must be given)"} : value;
        };
        table.rows.push_back({setting.name, setting.type, shown("production"), shown("devnet"), setting.about});
    }
    session->output.print(table);
    return Exit::kOk;
}

}  // namespace

void add_chain_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<ChainOptions>();
    CLI::App* chain = root->add_subcommand("chain", "deploy the contracts, and check a deployment");
    chain->require_subcommand(1);
    chain->add_option("--rpc", options->rpc, "JSON-RPC URL of the chain (default: the settings')");
    chain->add_option("--artifacts", options->artifacts, "folder with plan.json and artifacts.json");
    chain->add_option("--config", options->config, "JSON object with settings of the plan");
    chain->add_option("--set", options->sets, "one setting, name=value; may be repeated");
    chain->add_option("--deployment", options->deployment,
                      "the deployment file (deploy writes deployment.json without it, verify takes the settings')");

    CLI::App* deploy = chain->add_subcommand(
        "deploy",
        "send every step of the plan, hand all rights to the DAO and check it; continues where it was cut off");
    deploy->add_option("--profile", options->profile, "production or devnet")
        ->required()
        ->check(CLI::IsMember({"production", "devnet"}));
    deploy->add_option("--keystore", options->keystore, "key file of the account that sends (default: the settings')");
    deploy->add_option("--password-file", options->password_file, "its password");
    commands->on(deploy, [options](Session* session) { return run_deploy(*options, session); });

    CLI::App* verify = chain->add_subcommand("verify", "compare a deployment with the plan, read-only");
    verify->add_option("--profile", options->profile, "production or devnet (default: as it was deployed)")
        ->check(CLI::IsMember({"production", "devnet"}));
    verify->add_flag("--at-start", options->at_start, "also what is true only before anybody has used it");
    commands->on(verify, [options](Session* session) { return run_verify(*options, session); });

    CLI::App* settings = chain->add_subcommand("settings", "what a deployment may be configured with");
    commands->on(settings, [options](Session* session) { return run_settings(*options, session); });
}

}  // namespace vcity::cli
