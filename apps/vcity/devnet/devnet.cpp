// SPDX-License-Identifier: Apache-2.0
#include "devnet/devnet.hpp"

#include <filesystem>

#include <fmt/core.h>
#include <unistd.h>

#include "async/task_group.hpp"
#include "cli/settings.hpp"
#include "codec/hex.hpp"
#include "devnet/chain_setup.hpp"
#include "devnet/roles.hpp"
#include "devnet/supervisor.hpp"
#include "market/typed_hashes.hpp"
#include "wiring/api_client.hpp"
#include "wiring/chain.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

namespace fs = std::filesystem;
using codec::Json;

constexpr std::chrono::seconds kReadyPatience{60};
constexpr std::chrono::seconds kStopPatience{15};
constexpr std::chrono::milliseconds kAskEvery{100};
constexpr std::size_t kSteps = 6;

// One development network from start to stop.
class Devnet {
  public:
    explicit Devnet(DevnetOptions options)
        : options_{std::move(options)},
          layout_{options_},
          supervisor_{&runtime_, [this](const std::string& name, const std::string& what) { on_change(name, what); }} {}

    Result<Exit> run();

  private:
    Task<Result<void>> bring_up();
    Task<Result<void>> live();
    Task<Result<void>> start_chain(std::string* rpc);
    Task<Result<void>> start_roles(const DevnetChain& chain);
    Task<Result<void>> await_ready(std::string url, std::string what);
    // A key for each scheduler, which its spending cap names.
    Task<Result<void>> make_api_keys(Deployment deployment);
    Task<Result<void>> make_api_key(Deployment deployment, std::uint16_t shard);
    Task<bool> has_good_key(std::string file);
    Result<codec::JsonArray> scheduler_facts() const;
    Result<void> write_client_settings(const DevnetChain& chain) const;
    Result<void> write_facts() const;
    void on_change(const std::string& name, const std::string& what);
    std::string key_file(std::uint16_t shard = 0) const {
        return layout_.file(shard == 0 ? "api-key" : fmt::format("api-key-{}", shard + 1));
    }

    DevnetOptions options_;
    DevnetLayout layout_;
    adapters::AsioRuntime runtime_;
    Supervisor supervisor_;
    Progress progress_{"devnet", kSteps};
    DevnetChain chain_;
    bool is_up_ = false;
    bool stopping_ = false;
};

void Devnet::on_change(const std::string& name, const std::string& what) {
    fmt::print(stderr, "{}: {}\n", name, what);
    if (is_up_) {
        const Result<void> written = write_facts();
        if (!written) fmt::print(stderr, "{}\n", written.error().message);
    }
}

Task<Result<void>> Devnet::start_chain(std::string* rpc) {
    *rpc = options_.rpc;
    if (options_.rpc.empty()) {
        *rpc = layout_.url(layout_.anvil_port());
        CO_TRY_OK(supervisor_.start(anvil_spec(layout_, options_)));
    }
    co_return Result<void>{};
}

Task<Result<void>> Devnet::await_ready(std::string url, std::string what) {
    const TimePoint deadline = runtime_.now() + kReadyPatience;
    wiring::ApiClient client{&runtime_, std::move(url), ""};
    while (!stopping_) {
        const Result<Json> answer = co_await client.get("/readyz");
        if (answer) co_return Result<void>{};
        if (runtime_.now() >= deadline) {
            co_return make_error(Errc::kTimeout, fmt::format("the {} is not ready after {} s; its log is {}", what,
                                                             kReadyPatience.count(), layout_.log(what)));
        }
        co_await runtime_.sleep_until(runtime_.now() + kAskEvery);
    }
    co_return make_error(Errc::kUnavailable, "stopped while starting");
}

Task<Result<void>> Devnet::start_roles(const DevnetChain& chain) {
    CO_TRY(const std::vector<RoleProcess> roles, role_processes(layout_, options_, chain.rpc));
    for (const RoleProcess& role : roles) {
        CO_TRY_OK(supervisor_.start(role.spec));
    }
    progress_.step("scheduler, gateway, verifier, indexer and nodes are starting");
    for (const RoleProcess& role : roles) {
        CO_TRY_OK(co_await await_ready(layout_.url(role.ops_port), role.spec.name));
    }
    co_return Result<void>{};
}

Task<bool> Devnet::has_good_key(std::string file) {
    const auto text = read_file(file);
    if (!text) co_return false;
    wiring::ApiClient client{&runtime_, layout_.url(layout_.gateway_port()), *text};
    const Result<Json> models = co_await client.get("/v1/models");
    co_return models.has_value();
}

Task<Result<void>> Devnet::make_api_keys(Deployment deployment) {
    for (std::uint16_t shard = 0; shard < options_.schedulers; ++shard) {
        CO_TRY_OK(co_await make_api_key(deployment, shard));
    }
    co_return Result<void>{};
}

Task<Result<void>> Devnet::make_api_key(Deployment deployment, std::uint16_t shard) {
    std::string file = key_file(shard);
    const bool has_key = co_await has_good_key(file);
    if (has_key) co_return Result<void>{};
    CO_TRY(const crypto::PrivateKey client, load_key(layout_.key("client")));
    CO_TRY(const Address scheduler, keystore_address(layout_.key(DevnetLayout::scheduler_name(shard)).keystore));
    // An open cap locks its limit, and the deposit is for all of them.
    const Usd limit = std::min(kClientCap, Usd{kClientDeposit.micro / options_.schedulers});
    const wiring::CapTerms terms{.scheduler = scheduler, .limit = limit, .days = 365, .nonce = 0};
    CO_TRY(wiring::SignedCapText cap, wiring::sign_cap(deployment, client, terms));
    CO_TRY(const std::string token, read_file(layout_.store("gateway") + "/admin-token"));
    wiring::ApiClient admin{&runtime_, layout_.url(layout_.gateway_port()), token};
    Json body{codec::JsonObject{}};
    body.set("name", shard == 0 ? "devnet" : fmt::format("devnet-{}", shard + 1));
    body.set("cap", std::move(cap.json));
    CO_TRY(const Json answer, co_await admin.post("/admin/keys", std::move(body)));
    const Json* key = answer.find("key");
    if (key == nullptr || key->get_string() == nullptr) co_return make_error(Errc::kCorrupt, "the gateway gave no key");
    co_return write_file(file, *key->get_string() + "\n", 0600);
}

Result<void> Devnet::write_client_settings(const DevnetChain& chain) const {
    const std::string text = fmt::format(
        "# Written by `vcity devnet`; client commands read it.\ngateway = \"{}\"\napi_key_file = \"{}\"\n"
        "deployment = \"{}\"\nrpc = \"{}\"\nindexer = \"{}\"\nkeystore = \"{}\"\npassword_file = \"{}\"\n",
        layout_.url(layout_.gateway_port()), key_file(), layout_.file("deployment.json"), chain.rpc,
        layout_.url(layout_.indexer_port()), layout_.key("client").keystore, layout_.key("client").password_file);
    return write_file(layout_.file("cli.toml"), text, 0600);
}

Result<codec::JsonArray> Devnet::scheduler_facts() const {
    codec::JsonArray all;
    for (std::uint16_t shard = 0; shard < options_.schedulers; ++shard) {
        TRY(const Address address, keystore_address(layout_.key(DevnetLayout::scheduler_name(shard)).keystore));
        TRY(const std::vector<std::string> links, scheduler_links(layout_, options_, shard));
        all.emplace_back(codec::JsonObject{{"address", crypto::to_checksum_address(address)},
                                           {"links", codec::JsonArray(links.begin(), links.end())},
                                           {"api_key_file", key_file(shard)}});
    }
    return all;
}

Result<void> Devnet::write_facts() const {
    Json pids{codec::JsonObject{}};
    for (const auto& [name, pid] : supervisor_.pids()) pids.set(name, static_cast<std::uint64_t>(pid));
    TRY(const Address scheduler, keystore_address(layout_.key("scheduler").keystore));
    Json facts{codec::JsonObject{}};
    facts.set("pid", static_cast<std::uint64_t>(getpid()));
    facts.set("gateway", layout_.url(layout_.gateway_port()));
    facts.set("indexer", layout_.url(layout_.indexer_port()));
    facts.set("api_key_file", key_file());
    facts.set("admin_token_file", layout_.store("gateway") + "/admin-token");
    facts.set("scheduler", crypto::to_checksum_address(scheduler));
    TRY(const std::vector<std::string> links, scheduler_links(layout_, options_, 0));
    codec::JsonArray link_list;
    for (const std::string& link : links) link_list.emplace_back(link);
    facts.set("scheduler_link", links.front());
    facts.set("scheduler_links", std::move(link_list));
    TRY(codec::JsonArray schedulers, scheduler_facts());
    facts.set("schedulers", std::move(schedulers));
    facts.set("rpc", chain_.rpc);
    facts.set("chain_id", chain_.deployment.chain_id);
    facts.set("port_base", static_cast<std::uint64_t>(options_.port_base));
    facts.set("pids", std::move(pids));
    return write_file(layout_.file("devnet.json"), codec::dump_json_pretty(facts) + "\n", 0600);
}

Task<Result<void>> Devnet::bring_up() {
    CO_TRY_OK(prepare_state(layout_, options_));
    std::string rpc;
    CO_TRY_OK(co_await start_chain(&rpc));
    progress_.step("chain is starting");
    CO_TRY(chain_, co_await prepare_chain(&runtime_, options_, rpc));
    progress_.step("contracts are deployed, accounts have their money");
    CO_TRY_OK(write_client_settings(chain_));
    CO_TRY_OK(co_await start_roles(chain_));
    progress_.step("all roles are ready");
    CO_TRY_OK(co_await make_api_keys(chain_.deployment));
    progress_.step(options_.schedulers == 1 ? "API key is made" : "API keys are made");
    CO_TRY_OK(write_facts());
    progress_.step("up");
    is_up_ = true;
    co_return Result<void>{};
}

Task<Result<void>> Devnet::live() {
    const Result<void> up = co_await bring_up();
    if (!up) co_return up.error();
    fmt::print(stderr,
               "\nThe network is up.\n  OpenAI base URL  {}/v1\n  API key          in {}\n  logs             {}\n"
               "  try              vcity chat \"What is free software?\"\nCtrl-C stops it.\n",
               layout_.url(layout_.gateway_port()), key_file(), layout_.file("logs"));
    while (!stopping_) {
        co_await runtime_.sleep_until(runtime_.now() + kAskEvery);
    }
    co_return Result<void>{};
}

Result<Exit> Devnet::run() {
    std::error_code ignored;
    fs::remove(layout_.file("devnet.json"), ignored);
    runtime_.on_shutdown_signal([this] { stopping_ = true; });
    runtime_.spawn(supervisor_.watch());
    const Result<void> lived = wiring::run_task(&runtime_, live());
    fmt::print(stderr, "stopping\n");
    auto stop = [](Supervisor* supervisor, TimePoint deadline) -> Task<Result<void>> {
        co_await supervisor->stop(deadline);
        co_return Result<void>{};
    };
    const Result<void> stopped = wiring::run_task(&runtime_, stop(&supervisor_, runtime_.now() + kStopPatience));
    fs::remove(layout_.file("devnet.json"), ignored);
    if (!lived && !stopping_) return lived.error();
    if (!stopped) return stopped.error();
    return Exit::kOk;
}

}  // namespace

Result<std::vector<std::string>> extra_node_command(DevnetOptions options, const ExtraNode& node) {
    TRY(options, resolve(std::move(options)));
    TRY(const std::string text, read_file(options.state + "/devnet.json"));
    TRY(const Json facts, codec::parse_json(text));
    const Json* rpc = facts.find("rpc");
    std::uint64_t port_base = 0;
    const Json* base = facts.find("port_base");
    if (rpc == nullptr || rpc->get_string() == nullptr || base == nullptr || !base->get_u64(&port_base)) {
        return make_error(Errc::kCorrupt, options.state + "/devnet.json is incomplete");
    }
    options.port_base = static_cast<std::uint16_t>(port_base);
    const DevnetLayout layout{options};
    if (!fs::exists(layout.key(node.name).keystore)) {
        TRY_OK(create_key(layout.key(node.name), KeyCost::kDevelopment));
    }
    adapters::AsioRuntime runtime;
    TRY_OK(wiring::run_task(&runtime, fund_node(&runtime, layout, *rpc->get_string(), node.name)));
    if (!node.worker.empty()) options.worker = fs::absolute(node.worker).string();
    if (!node.model.empty()) options.model = fs::absolute(node.model).string();
    const NodePlan plan{.name = node.name,
                        .model_name = node.model_name,
                        .ops_port = 0,
                        .price_input = node.price_input,
                        .price_output = node.price_output};
    return node_command(layout, options, *rpc->get_string(), plan);
}

Result<Exit> prepare_devnet(DevnetOptions options) {
    TRY(options.artifacts, find_artifacts(options));
    if (options.state.empty()) options.state = default_state_path() + "/devnet";
    options.state = fs::absolute(options.state).string();
    const std::string rpc = options.rpc;
    if (options.funder_keystore.empty()) options.rpc.clear();
    adapters::AsioRuntime runtime;
    TRY_OK(wiring::run_task(&runtime, prepare_chain(&runtime, options, rpc)));
    return Exit::kOk;
}

Result<Exit> run_devnet(DevnetOptions options) {
    TRY(DevnetOptions resolved, resolve(std::move(options)));
    Devnet devnet{std::move(resolved)};
    return devnet.run();
}

}  // namespace vcity::cli
