// SPDX-License-Identifier: Apache-2.0
#include "wiring/monitor.hpp"

#include <CLI/CLI.hpp>

#include "cli/command.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

void add_tee_options(CLI::App* app, wiring::TeeOptions* options) {
    app->add_option("--tee", options->kind, "tpm2, configfs (TDX, SEV-SNP), sev (/dev/sev-guest) or sim")
        ->check(CLI::IsMember({"tpm2", "configfs", "sev", "sim"}))
        ->capture_default_str();
    app->add_option("--tcti", options->tcti, "the TPM, as tpm2-tss names it")->capture_default_str();
    app->add_option("--pcr", options->registers, "registers that quotes cover (repeat; default: 0 to 15)");
    app->add_option("--event-log", options->event_log, "firmware's log instead of the kernel's");
}

// For people: the answer first, then why, then what was checked.
Table table_of(const Json& report) {
    const auto text = [](const Json& json, const char* name) {
        const Json* value = json.find(name);
        return value != nullptr && value->is_string() ? *value->get_string() : std::string{};
    };
    std::uint64_t epoch = 0;
    report.find("epoch")->get_u64(&epoch);
    Table table{.titles = {"Check", "Result", "Detail"}, .rows = {}};
    const bool is_believed = *report.find("believed")->get_bool();
    table.rows.push_back({"monitor", is_believed ? "BELIEVED" : "REFUSED", "trust: " + text(report, "trust")});
    for (const Json& reason : *report.find("reasons")->get_array()) {
        table.rows.push_back({text(reason, "doubt"), "refused", text(reason, "detail")});
    }
    for (const Json& step : *report.find("steps")->get_array()) {
        table.rows.push_back({text(step, "step"), text(step, "outcome"), text(step, "reason")});
    }
    table.rows.push_back({"kind", "", text(report, "kind")});
    table.rows.push_back({"machine", "", text(report, "machine")});
    table.rows.push_back({"monitor key", "", text(report, "monitor_key")});
    table.rows.push_back({"epoch", "", std::to_string(epoch)});
    return table;
}

Result<Exit> attest(Session* session, const wiring::AttestOptions& options) {
    TRY(const wiring::AttestOutcome outcome, wiring::attest_monitor(options));
    if (session->output.is_json()) {
        session->output.print(outcome.report);
    } else {
        session->output.print(table_of(outcome.report));
    }
    return outcome.is_believed ? Exit::kOk : Exit::kVerification;
}

Result<Exit> show_identity(Session* session, const wiring::TeeOptions& options) {
    TRY(const Json identity, wiring::tpm_identity(options));
    session->output.print(identity);
    return Exit::kOk;
}

}  // namespace

void add_monitor_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<wiring::MonitorRunOptions>();
    CLI::App* noun = root->add_subcommand("monitor", "vouches with a TPM or TEE for what the node beside it computes");
    noun->require_subcommand(1);
    CLI::App* run = noun->add_subcommand("run", "run a monitor until it is told to stop");
    run->set_config("--config", "", "TOML file with these options");
    run->allow_config_extras(CLI::config_extras_mode::error);
    add_tee_options(run, &options->tee);
    run->add_option("--keystore", options->tee.sim_root.keystore, "of --tee sim: key file of the simulation's root")
        ->envname("VCITY_KEYSTORE");
    run->add_option("--password-file", options->tee.sim_root.password_file, "file with the key's password")
        ->envname("VCITY_PASSWORD_FILE");
    run->add_option("--policy", options->policy, "policy file, the same as the verifiers'")->required();
    run->add_option("--deployment", options->deployment, "deployment.json of the network")
        ->envname("VCITY_DEPLOYMENT")
        ->capture_default_str();
    run->add_option("--model", options->model, "folder with the model's weights, or:");
    run->add_option("--model-root", options->model_root, "0x...: root of the model's weights");
    run->add_option("--listen", options->listen, "address:port for verifiers")->capture_default_str();
    run->add_option("--node-listen", options->node_listen, "loopback address:port for the node")->capture_default_str();
    run->add_option("--ops", options->ops, "address:port for health and metrics")->capture_default_str();
    run->add_option("--log-level", options->log_level, "debug, info, warn or error")->capture_default_str();
    commands->on(run, [options](Session* /*session*/) { return wiring::run_monitor(*options); });

    auto tee = std::make_shared<wiring::TeeOptions>();
    CLI::App* identity = noun->add_subcommand("identity", "this machine's TPM, as a policy names it");
    add_tee_options(identity, tee.get());
    commands->on(identity, [tee](Session* session) { return show_identity(session, *tee); });
}

void add_attest_command(CLI::App* noun, Commands* commands) {
    auto options = std::make_shared<wiring::AttestOptions>();
    CLI::App* app = noun->add_subcommand("attest", "ask a monitor for evidence and judge it (exit code 9: refused)");
    app->add_option("--monitor", options->monitor, "URL of the monitor, e.g. http://127.0.0.1:8100");
    app->add_option("--record", options->record, "judge what --save kept instead of asking");
    app->add_option("--policy", options->policy, "policy file")->required();
    app->add_option("--model", options->model, "folder with the model's weights, or:");
    app->add_option("--model-root", options->model_root, "0x...: root of the model's weights");
    app->add_option("--collateral", options->collateral, "Intel's TCB info, identities and lists, as one JSON file");
    app->add_option("--snp-signer", options->snp_signer, "VCEK or VLEK as DER, where the host gives none");
    app->add_option("--snp-issuers", options->snp_issuers, "AMD's ASK and ARK as PEM");
    app->add_option("--nonce", options->nonce, "with --record: the nonce that should have been answered");
    app->add_option("--at", options->at_unix_seconds, "judge as of this time (unix seconds; default: now)");
    app->add_option("--save", options->save, "keep question and answer in this file");
    app->add_option("--node", options->node, "staked identity that the machine must be pinned to");
    app->add_option("--pins", options->pins, "file of machines and the identities they are pinned to");
    commands->on(app, [options](Session* session) { return attest(session, *options); });
}

}  // namespace vcity::cli
