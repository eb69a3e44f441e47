// SPDX-License-Identifier: Apache-2.0
// vcity account: what the web page's Account does, for people with a key file and no browser wallet.
#include "account/account.hpp"

#include <chrono>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "account/sign_in.hpp"
#include "base/amount.hpp"
#include "cli/command.hpp"
#include "cli/keys.hpp"
#include "codec/hex.hpp"
#include "market/typed_hashes.hpp"
#include "services/gateway/keys/key_terms.hpp"
#include "wiring/api_client.hpp"
#include "wiring/chain.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

constexpr std::uint64_t kSecondsPerDay = 86'400;

struct AccountOptions {
    std::string keystore;
    std::string password_file;
    std::string name;
    std::string limit;
    std::string out;
    std::string id;
    std::uint64_t days = 30;
    std::vector<std::string> windows;
    std::vector<std::string> models;
};

std::uint64_t now_seconds() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

Result<crypto::PrivateKey> wallet_key(const AccountOptions& options, const Session& session) {
    const KeyFiles files{
        .keystore = options.keystore.empty() ? session.settings.keystore.value : options.keystore,
        .password_file = options.password_file.empty() ? session.settings.password_file.value : options.password_file};
    if (files.keystore.empty()) {
        return make_error(Errc::kInvalid, "no key file: make one with `vcity wallet new`, name it with --keystore");
    }
    return load_key(files);
}

std::string text_at(const Json& json, const char* name) {
    const Json* member = json.find(name);
    return member == nullptr || member->get_string() == nullptr ? std::string{} : *member->get_string();
}

// One request as the account that is signed in.
class AccountCall {
  public:
    static Result<AccountCall> make(const Session& session) {
        const std::string& gateway = session.settings.gateway.value;
        TRY(SavedSession saved, find_session(session_path(), gateway, now_seconds()));
        return AccountCall{gateway, std::move(saved)};
    }
    Result<Json> get(const std::string& path) { return wiring::run_task(runtime_.get(), client_->get(path)); }
    Result<Json> post(const std::string& path, Json body) {
        return wiring::run_task(runtime_.get(), client_->post(path, std::move(body)));
    }
    Result<Json> patch(const std::string& path, Json body) {
        return wiring::run_task(runtime_.get(), client_->patch(path, std::move(body)));
    }
    Result<Json> remove(const std::string& path) { return wiring::run_task(runtime_.get(), client_->remove(path)); }
    const std::string& address() const { return saved_.address; }

  private:
    AccountCall(const std::string& gateway, SavedSession saved)
        : saved_{std::move(saved)},
          runtime_{std::make_unique<adapters::AsioRuntime>()},
          client_{std::make_unique<wiring::ApiClient>(runtime_.get(), gateway, saved_.token)} {}

    SavedSession saved_;
    std::unique_ptr<adapters::AsioRuntime> runtime_;
    std::unique_ptr<wiring::ApiClient> client_;
};

Result<Exit> run_login(const AccountOptions& options, Session* session) {
    const std::string& gateway = session->settings.gateway.value;
    TRY(const crypto::PrivateKey key, wallet_key(options, *session));
    adapters::AsioRuntime runtime;
    wiring::ApiClient client{&runtime, gateway, ""};
    TRY(const Json challenge, wiring::run_task(&runtime, client.get("/api/v1/siwe/nonce")));
    TRY(const std::string message, sign_in_message(challenge, gateway, key.address(), now_seconds()));
    TRY(const Json answer,
        wiring::run_task(&runtime, client.post("/api/v1/siwe/sessions", signed_message(message, key))));
    SavedSession saved{.gateway = gateway,
                       .address = crypto::to_checksum_address(key.address()),
                       .token = text_at(answer, "token"),
                       .expires_at = 0};
    const Json* expires = answer.find("expires_at");
    if (saved.token.empty() || expires == nullptr || !expires->get_u64(&saved.expires_at)) {
        return make_error(Errc::kCorrupt, "the gateway gave no session");
    }
    TRY_OK(save_session(session_path(), saved));
    session->output.print(
        Json{codec::JsonObject{{"address", saved.address}, {"gateway", gateway}, {"expires_at", saved.expires_at}}});
    return Exit::kOk;
}

Result<Exit> run_logout(Session* session) {
    TRY(AccountCall call, AccountCall::make(*session));
    TRY(const Json ended, call.remove("/api/v1/siwe/sessions/current"));
    TRY_OK(forget_session(session_path()));
    session->output.print(ended);
    return Exit::kOk;
}

Result<Exit> run_show(Session* session) {
    TRY(AccountCall call, AccountCall::make(*session));
    TRY(const Json account, call.get("/api/v1/account"));
    session->output.print(account);
    return Exit::kOk;
}

std::string shown(const Json& key, const char* name) {
    const Json* member = key.find(name);
    if (member == nullptr || member->is_null()) return "";
    return member->get_string() != nullptr ? *member->get_string() : codec::dump_json(*member);
}

std::string budgets_text(const Json& key) {
    std::string text;
    const Json* budgets = key.find("budgets");
    if (budgets == nullptr || budgets->get_array() == nullptr) return text;
    for (const Json& budget : *budgets->get_array()) {
        if (!text.empty()) text += ", ";
        text += fmt::format("{} {}/{}", text_at(budget, "window"), shown(budget, "spent"), text_at(budget, "usd"));
    }
    return text;
}

Result<Exit> run_list(Session* session) {
    TRY(AccountCall call, AccountCall::make(*session));
    TRY(const Json page, call.get("/api/v1/keys?limit=200"));
    const Json* keys = page.find("data");
    if (keys == nullptr || keys->get_array() == nullptr) return make_error(Errc::kCorrupt, "the gateway sent no keys");
    Table table{.titles = {"Id", "Name", "Last4", "Enabled", "Budgets"}, .rows = {}};
    for (const Json& key : *keys->get_array()) {
        table.rows.push_back(
            {shown(key, "id"), shown(key, "name"), shown(key, "last4"), shown(key, "enabled"), budgets_text(key)});
    }
    session->output.print(table);
    return Exit::kOk;
}

// "1d=5.00" as the API writes it; the gateway knows the windows.
Result<Json> budgets_of(const std::vector<std::string>& windows) {
    codec::JsonArray budgets;
    for (const std::string& text : windows) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos) return make_error(Errc::kInvalid, "a budget is WINDOW=DOLLARS, such as 1d=5");
        TRY(const Usd amount, parse_usd(text.substr(equals + 1)));
        budgets.push_back(codec::JsonObject{{"window", text.substr(0, equals)}, {"usd", to_string(amount)}});
    }
    return Json{std::move(budgets)};
}

// The contracts that the cap is for: those of the deployment file where one is set; the gateway is believed otherwise.
Result<Deployment> escrow_of(const Json& terms, const Session& session) {
    Deployment named;
    const Json* domain = terms.find("domain");
    if (domain == nullptr) return make_error(Errc::kCorrupt, "the gateway sent no terms of a cap");
    const Json* chain = domain->find("chainId");
    if (chain == nullptr || !chain->get_u64(&named.chain_id)) {
        return make_error(Errc::kCorrupt, "the terms of the cap name no chain");
    }
    TRY(named.escrow, crypto::parse_address(text_at(*domain, "verifyingContract")));
    if (session.settings.deployment.value.empty()) return named;
    TRY(const Deployment known, wiring::load_deployment(session.settings));
    if (known.chain_id == named.chain_id && known.escrow == named.escrow) return named;
    return make_error(Errc::kDenied, "the gateway wants a cap for another contract than the deployment file has");
}

Result<Json> signed_cap(const AccountOptions& options,
                        const Session& session,
                        const crypto::PrivateKey& key,
                        const Json& terms) {
    TRY(const Deployment deployment, escrow_of(terms, session));
    TRY(const Usd limit, parse_usd(options.limit));
    Json message = terms.find("message") == nullptr ? Json{} : *terms.find("message");
    message.set("limit", std::to_string(limit.micro));
    message.set("expiry", now_seconds() + options.days * kSecondsPerDay);
    TRY(const SpendingCap cap, gateway::parse_cap_message(message));
    if (cap.client != key.address()) {
        return make_error(Errc::kDenied, "the session is of another wallet; run `vcity account login`");
    }
    const Signature signature = key.sign(market::cap_digest(deployment, cap));
    return Json{
        codec::JsonObject{{"cap", gateway::cap_message_json(cap)}, {"cap_signature", codec::to_hex(signature)}}};
}

Result<Exit> run_new(const AccountOptions& options, Session* session) {
    if (!options.out.empty() && exists(options.out)) {
        return make_error(Errc::kConflict, options.out + " is there already");
    }
    TRY(AccountCall call, AccountCall::make(*session));
    TRY(const crypto::PrivateKey key, wallet_key(options, *session));
    TRY(const Json terms, call.get("/api/v1/cap/terms"));
    TRY(Json body, signed_cap(options, *session, key, terms));
    body.set("name", options.name);
    TRY(Json budgets, budgets_of(options.windows));
    body.set("budgets", std::move(budgets));
    codec::JsonArray models;
    for (const std::string& model : options.models) models.push_back(model);
    body.set("models", std::move(models));
    TRY(Json made, call.post("/api/v1/keys", std::move(body)));
    if (!options.out.empty()) {
        TRY_OK(write_file(options.out, text_at(made, "key") + "\n", 0600));
        made.set("key", "in " + options.out);
    }
    session->output.print(made);
    if (options.out.empty()) session->output.note("The key is shown this once.");
    return Exit::kOk;
}

Result<Exit> run_change(const AccountOptions& options, Session* session, Json change) {
    TRY(AccountCall call, AccountCall::make(*session));
    TRY(const Json key, call.patch("/api/v1/keys/" + options.id, std::move(change)));
    session->output.print(key);
    return Exit::kOk;
}

Result<Exit> run_budget(const AccountOptions& options, Session* session) {
    TRY(Json budgets, budgets_of(options.windows));
    return run_change(options, session, Json{codec::JsonObject{{"budgets", std::move(budgets)}}});
}

Result<Exit> run_remove(const AccountOptions& options, Session* session) {
    TRY(AccountCall call, AccountCall::make(*session));
    TRY(const Json ended, call.remove("/api/v1/keys/" + options.id));
    session->output.print(ended);
    return Exit::kOk;
}

void add_key_commands(CLI::App* account, Commands* commands, const std::shared_ptr<AccountOptions>& options) {
    CLI::App* keys = account->add_subcommand("keys", "API keys of the account");
    keys->require_subcommand(1);
    commands->on(keys->add_subcommand("list", "every key, with its budgets and what is spent of them"),
                 [](Session* session) { return run_list(session); });

    CLI::App* make = keys->add_subcommand("new", "sign a spending cap and make a key on it");
    make->add_option("limit", options->limit, "dollars that may be charged on it in all, e.g. 25")->required();
    make->add_option("--name", options->name, "for people")->required();
    make->add_option("--days", options->days, "the cap is valid for this long")->check(CLI::Range(1, 365));
    make->add_option("--budget", options->windows, "at most so much in a window: 1h=, 1d=, 7d=, 30d=DOLLARS; repeat");
    make->add_option("--model", options->models, "only this model; repeat");
    make->add_option("--out", options->out, "write the key to this file instead of showing it");
    commands->on(make, [options](Session* session) { return run_new(*options, session); });

    const auto add = [&](const char* name, const char* help, Action action) {
        CLI::App* command = keys->add_subcommand(name, help);
        command->add_option("id", options->id, "id of the key, 16 digits")
            ->required()
            ->check(CLI::Validator{[](const std::string& text) {
                                       const bool is_hex = text.find_first_not_of("0123456789abcdef") == text.npos;
                                       return is_hex && text.size() == 16 ? std::string{} : "no id of a key: " + text;
                                   },
                                   "ID"});
        commands->on(command, std::move(action));
        return command;
    };
    add("enable", "switch a key on", [options](Session* session) {
        return run_change(*options, session, Json{codec::JsonObject{{"enabled", true}}});
    });
    add("disable", "switch a key off", [options](Session* session) {
        return run_change(*options, session, Json{codec::JsonObject{{"enabled", false}}});
    });
    add("remove", "end a key for good", [options](Session* session) { return run_remove(*options, session); });
    CLI::App* budget = add("budget", "set the budgets of a key; without --budget: none",
                           [options](Session* session) { return run_budget(*options, session); });
    budget->add_option("--budget", options->windows, "1h=, 1d=, 7d= or 30d=DOLLARS; repeat");
}

}  // namespace

void add_account_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<AccountOptions>();
    CLI::App* account = root->add_subcommand("account", "your account at the gateway, from a key file");
    account->require_subcommand(1);
    account->add_option("--keystore", options->keystore, "key file (Web3 Secret Storage)");
    account->add_option("--password-file", options->password_file, "file with the key's password");
    commands->on(account->add_subcommand("login", "sign in with the key (EIP-4361); nothing is sent but a signature"),
                 [options](Session* session) { return run_login(*options, session); });
    commands->on(account->add_subcommand("logout", "end the session"),
                 [](Session* session) { return run_logout(session); });
    commands->on(account->add_subcommand("show", "balance, caps and spending"),
                 [](Session* session) { return run_show(session); });
    add_key_commands(account, commands, options);
}

}  // namespace vcity::cli
