// SPDX-License-Identifier: Apache-2.0
#include "operator/join.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/settings.hpp"
#include "cli/trust.hpp"
#include "codec/hex.hpp"
#include "operator/host_checks.hpp"
#include "operator/network_profile.hpp"
#include "operator/node_folder.hpp"
#include "operator/service_unit.hpp"
#include "wiring/roles.hpp"
#include "wiring/unit_offers.hpp"
#include "wiring/worker_program.hpp"

namespace vcity::cli {
namespace {

namespace fs = std::filesystem;
using codec::Json;

constexpr std::size_t kSteps = 6;
constexpr std::chrono::seconds kAskEvery{2};
constexpr const char* kShippedModel = "/usr/share/vcity/models/vcity-mini-bilingual";
constexpr const char* kOpsDefault = "127.0.0.1:0";

std::string this_program() {
    std::error_code error;
    return fs::read_symlink("/proc/self/exe", error).string();
}

std::string toml_text(std::string_view text) {
    std::string quoted = "\"";
    for (const char letter : text) {
        if (letter == '"' || letter == '\\') quoted += '\\';
        quoted += letter;
    }
    return quoted + "\"";
}

// What is missing on chain before the node can register.
struct Missing {
    U128 coin = 0;
    Vcai vcai;

    bool any() const { return coin > 0 || vcai.wei > 0; }
};

class Join {
  public:
    Join(JoinOptions options, Session* session)
        : options_{std::move(options)}, session_{session}, folder_{node_folder_path(options_.state)} {}

    Result<Exit> run();

  private:
    Result<void> prepare();
    Result<void> prepare_model();
    Result<bool> check();
    Result<void> make_folder();
    Result<void> make_key();
    Result<void> read_chain();
    Missing missing() const;
    Result<void> find_money();
    Result<void> pay(const Missing& missing);
    Result<void> stake();
    Result<void> write_settings();
    Result<void> start_service();
    Json summary() const;
    Json plan() const;
    bool is_root() const { return geteuid() == 0; }
    bool wants_service() const { return !options_.skips_service && !options_.runs_here && has_systemd(); }
    ChainPlace chain() const { return {.rpc = network_.rpc, .deployment = network_.deployment}; }
    void say(const std::string& text) { session_->output.note(text); }

    JoinOptions options_;
    Session* session_;
    NodeFolder folder_;
    NetworkProfile network_;
    Address identity_;
    bool has_key_ = false;
    Standing standing_;
    Vcai stake_;
    std::string service_ = "none";
    std::vector<UnitOffer> units_;
};

Result<void> Join::prepare_model() {
    wiring::NodeRunOptions& node = options_.node;
    if (node.model.empty() && exists(kShippedModel)) node.model = kShippedModel;
    if (node.model.empty()) node.model = std::string{VCITY_SOURCE_DIR} + "/models/vcity-mini-bilingual";
    if (!fs::is_directory(node.model)) {
        return make_error(Errc::kNotFound, node.model + " is no model folder: name one with --model");
    }
    node.model = fs::canonical(node.model).string();
    if (node.model_name.empty()) node.model_name = "vcity/" + fs::path{node.model}.filename().string();
    return {};
}

Result<void> Join::prepare() {
    TRY(const std::string path, find_network(options_.network));
    TRY(network_, load_network(path));
    TRY_OK(prepare_model());
    wiring::NodeRunOptions& node = options_.node;
    node.accept_commands = options_.offers_commands;
    TRY(const auto units, wiring::unit_offers(node, 0));
    units_ = units.offers;
    if (!node.units_file.empty()) node.units_file = fs::absolute(node.units_file).string();
    if (!node.worker.empty()) node.worker = fs::absolute(node.worker).string();
    node.role.state = folder_.path();
    node.role.key = folder_.key();
    if (!options_.password_file.empty()) node.role.key.password_file = fs::absolute(options_.password_file).string();
    node.role.rpc = network_.rpc;
    node.role.deployment = folder_.deployment();
    node.schedulers = network_.scheduler_links;
    // Files of jobs lie there, also when it is on a private address.
    if (!network_.gateway.empty()) node.files_from = {network_.gateway};
    has_key_ = exists(node.role.key.keystore);
    if (has_key_) {
        TRY(identity_, keystore_address(node.role.key.keystore));
    }
    return read_chain();
}

Result<void> Join::read_chain() {
    const Result<Standing> found = read_standing(chain(), identity_, options_.node.gpu_model);
    // The checks will tell in which way it does not answer.
    if (!found) return {};
    standing_ = *found;
    if (!has_key_) {
        // What the zero address happens to own is not ours.
        standing_.coin = 0;
        standing_.vcai = {};
    }
    stake_ = standing_.required;
    if (!options_.stake.empty()) {
        TRY(stake_, parse_vcai(options_.stake));
        if (stake_ < standing_.required) {
            return make_error(Errc::kInvalid, "the registry asks for a stake of " + to_string(standing_.required) +
                                                  " VCAI: --stake " + options_.stake + " is too little");
        }
    }
    options_.node.role.stake = to_string(stake_);
    return {};
}

// True when the node may join.
Result<bool> Join::check() {
    std::vector<SelfCheck> checks =
        check_host({.state = folder_.path(), .worker = options_.node.worker, .model = options_.node.model});
    for (SelfCheck& one : check_network({.chain = chain(), .scheduler_links = network_.scheduler_links})) {
        checks.push_back(std::move(one));
    }
    for (SelfCheck& one : check_standing(standing_, stake_, true)) checks.push_back(std::move(one));
    const bool is_good = is_healthy(checks) || options_.is_forced;
    if (options_.is_dry_run) {
        if (session_->output.is_json()) {
            Json record = plan();
            record.set("self_test", to_json(checks));
            session_->output.print(record);
        } else {
            session_->output.print(to_table(checks));
            session_->output.print_text("\nWhat `vcity node join` would do here:\n");
            session_->output.print(plan());
        }
    } else if (!is_good) {
        report(checks, session_->output);
    }
    return is_good;
}

Result<void> Join::make_folder() {
    std::error_code error;
    fs::create_directories(folder_.path() + "/keys", error);
    if (error) return make_error(Errc::kDenied, fmt::format("cannot make {}: {}", folder_.path(), error.message()));
    chmod(folder_.path().c_str(), 0700);
    chmod((folder_.path() + "/keys").c_str(), 0700);
    TRY(const std::string deployment, read_file(network_.deployment));
    return write_file(folder_.deployment(), deployment + "\n", 0600);
}

// The password stands beside the key so that the node starts at boot without anybody; --password-file names another
// place, e.g. one that a secret store fills.
Result<void> Join::make_key() {
    const KeyFiles& key = options_.node.role.key;
    if (!exists(key.password_file)) {
        constexpr std::size_t kPasswordBytes = 24;
        TRY_OK(write_file(key.password_file, codec::to_hex(random_bytes(kPasswordBytes)) + "\n", 0600));
    }
    if (!has_key_) {
        TRY(identity_, create_key(key, KeyCost::kStrong));
        has_key_ = true;
    }
    return read_chain();
}

Missing Join::missing() const {
    Missing result;
    if (standing_.is_registered) return result;
    if (standing_.coin < kGasLeast) result.coin = kGasSent;
    if (standing_.vcai < stake_) result.vcai = Vcai{stake_.wei - standing_.vcai.wei};
    return result;
}

Result<void> Join::pay(const Missing& missing) {
    if (options_.funder_keystore.empty()) return {};
    TRY(crypto::PrivateKey funder,
        load_key({.keystore = options_.funder_keystore, .password_file = options_.funder_password_file}));
    if (missing.vcai.wei > 0) {
        TRY_OK(confirm(*session_, fmt::format("Send {} VCAI as stake from your wallet to {}", to_string(missing.vcai),
                                              crypto::to_checksum_address(identity_))));
    }
    TRY_OK(send_funds(chain(), std::move(funder), identity_, missing.coin, missing.vcai));
    return read_chain();
}

Result<void> Join::find_money() {
    if (missing().any()) {
        TRY_OK(pay(missing()));
    }
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{options_.wait_seconds};
    bool has_said = false;
    while (missing().any()) {
        const Missing rest = missing();
        const std::string wanted =
            fmt::format("{} needs {} VCAI and {} coins for gas more", crypto::to_checksum_address(identity_),
                        to_string(rest.vcai), coin_text(rest.coin));
        if (std::chrono::steady_clock::now() >= give_up) {
            return make_error(Errc::kExhausted,
                              std::string{kPaymentNeeded} + wanted +
                                  ": send them and run this again, or name your wallet with --funder-keystore");
        }
        if (!std::exchange(has_said, true)) say(wanted + "; waiting for them");
        pause_for(kAskEvery);
        TRY_OK(read_chain());
    }
    return {};
}

Result<void> Join::stake() {
    if (standing_.is_registered && standing_.is_active) return {};
    TRY(crypto::PrivateKey key, load_key(options_.node.role.key));
    NodeRecord record;
    record.identity = identity_;
    record.role = Role::kCompute;
    record.kind = options_.node.kind == "stable" ? NodeKind::kStable : NodeKind::kFlexible;
    record.hardware = {.gpu_model = options_.node.gpu_model,
                       .gpu_count = options_.node.gpu_count,
                       .vram_mib = options_.node.vram_mib,
                       .region = options_.node.region};
    record.stake = stake_;
    TRY_OK(register_on_chain(chain(), std::move(key), std::move(record)));
    return read_chain();
}

Result<void> Join::write_settings() {
    NodeFacts facts;
    facts.rpc = network_.rpc;
    facts.deployment = folder_.deployment();
    facts.identity = crypto::to_checksum_address(identity_);
    facts.scheduler = network_.scheduler;
    facts.gateway = network_.gateway;
    facts.service = wants_service() ? kServiceName : "";
    facts.is_user_service = !is_root();
    facts.power_watts = options_.power_watts;
    facts.power_price_kwh = options_.power_price_kwh;
    TRY_OK(write_file(folder_.config(), node_config(options_.node), 0600));
    return write_file(folder_.facts(), codec::dump_json_pretty(to_json(facts)) + "\n", 0600);
}

Result<void> Join::start_service() {
    if (!wants_service()) return {};
    const ServiceOptions options{.program = this_program(),
                                 .config = folder_.config(),
                                 .state = folder_.path(),
                                 .user = is_root() ? options_.user : ""};
    if (is_root()) {
        TRY_OK(hand_to_user(options_.user, folder_.path()));
    }
    TRY_OK(install_service(options));
    service_ = service_state(!is_root());
    return {};
}

Json Join::plan() const {
    codec::JsonArray units;
    for (const UnitOffer& unit : units_) {
        units.emplace_back(fmt::format("unit {}: {} cores, {} MiB, {} GPUs, {} USD an hour for one {}", unit.number,
                                       static_cast<double>(unit.cpu_milli) / 1000, unit.memory_mib, unit.gpus,
                                       to_string(unit.hourly), unit.gpus > 0 ? "GPU" : "core"));
    }
    Json record{codec::JsonObject{}};
    record.set("folder", folder_.path());
    record.set("network", network_.path);
    record.set("identity", has_key_ ? crypto::to_checksum_address(identity_) : "a new key");
    record.set("model", options_.node.model_name);
    record.set("units", std::move(units));
    record.set("stake_vcai", to_string(stake_));
    record.set("missing_vcai", to_string(missing().vcai));
    record.set("missing_coins", coin_text(missing().coin));
    record.set("service", wants_service() ? kServiceName : "none");
    return record;
}

Json Join::summary() const {
    Json record = plan();
    record.set("stake_vcai", to_string(standing_.stake));
    record.set("active", standing_.is_active);
    record.set("service_state", service_);
    record.set("start", fmt::format("{} node run --config {}", this_program(), folder_.config()));
    return record;
}

Result<Exit> Join::run() {
    TRY_OK(prepare());
    TRY(const bool may_join, check());
    if (options_.is_dry_run || !may_join) return may_join ? Exit::kOk : Exit::kGeneral;
    {
        Progress progress{"join", kSteps};
        progress.step("this machine is fit");
        TRY_OK(make_folder());
        TRY_OK(make_key());
        progress.step("key of " + crypto::to_checksum_address(identity_) + " is in " + options_.node.role.key.keystore);
        TRY_OK(find_money());
        progress.step("money for stake and gas is there");
        TRY_OK(stake());
        progress.step(to_string(standing_.stake) + " VCAI are staked");
        TRY_OK(write_settings());
        progress.step("settings are in " + folder_.config());
        TRY_OK(start_service());
        progress.step(wants_service() ? "the service runs" : "no service");
    }
    session_->output.print(summary());
    if (options_.runs_here) {
        const std::string program = this_program();
        const std::string config = folder_.config();
        execl(program.c_str(), program.c_str(), "node", "run", "--config", config.c_str(), nullptr);
        return make_error(Errc::kUnavailable, "cannot start " + program);
    }
    if (!wants_service()) {
        say("There is no service manager here. Start the node with:\n  " + this_program() + " node run --config " +
            folder_.config());
    }
    return Exit::kOk;
}

}  // namespace

std::string node_config(const wiring::NodeRunOptions& options) {
    std::string text = "# Written by `vcity node join`. `vcity node run --help` explains every key.\n";
    const auto put = [&](std::string_view key, std::string_view value) {
        if (!value.empty()) text += fmt::format("{} = {}\n", key, toml_text(value));
    };
    const auto put_number = [&](std::string_view key, std::uint64_t value) {
        if (value != 0) text += fmt::format("{} = {}\n", key, value);
    };
    put("state", options.role.state);
    put("keystore", options.role.key.keystore);
    put("password-file", options.role.key.password_file);
    put("rpc", options.role.rpc);
    put("deployment", options.role.deployment);
    put("ops", options.role.ops.empty() ? kOpsDefault : options.role.ops);
    put("stake", options.role.stake);
    const auto put_list = [&](std::string_view key, const std::vector<std::string>& values) {
        std::vector<std::string> texts;
        for (const std::string& value : values) texts.push_back(toml_text(value));
        if (!texts.empty()) text += fmt::format("{} = [{}]\n", key, fmt::join(texts, ", "));
    };
    put_list("scheduler", options.schedulers);
    put_list("files-from", options.files_from);
    put("worker", options.worker);
    put("model", options.model);
    put("model-name", options.model_name);
    put("compute", options.compute);
    put("device", options.device);
    put_number("slots", options.slots);
    put_number("threads", options.threads);
    put_number("price-input", options.price_input);
    put_number("price-output", options.price_output);
    put("kind", options.kind);
    put("region", options.region);
    put("gpu-model", options.gpu_model);
    put_number("gpu-count", options.gpu_count);
    put_number("vram-mib", options.vram_mib);
    put_number("capacity-memory-mib", options.capacity_memory_mib);
    put("monitor", options.monitor);
    if (!options.accept_commands) return text;
    text += "accept-commands = true\n";
    if (!options.units_file.empty()) {
        put("units-file", options.units_file);
        return text;
    }
    put_number("unit-cores", options.unit_cores);
    put_number("unit-memory-mib", options.unit_memory_mib);
    put("unit-price", options.unit_price);
    put("unit-spot-price", options.unit_spot_price);
    return text;
}

Result<Exit> run_join(JoinOptions options, Session* session) {
    Join join{std::move(options), session};
    return join.run();
}

}  // namespace vcity::cli
