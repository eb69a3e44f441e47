// SPDX-License-Identifier: Apache-2.0
// Models on offer, fine-tunings and batches of one's API key; all are made with app files (`vcity up`) or any client.
#include <chrono>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/command.hpp"
#include "cli/trust.hpp"
#include "wiring/api_client.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

std::string cell(const Json* value) {
    if (value == nullptr || value->is_null()) return "-";
    return value->get_string() != nullptr ? *value->get_string() : codec::dump_json(*value);
}

std::string time_cell(const Json* value) {
    std::uint64_t seconds = 0;
    return value != nullptr && value->get_u64(&seconds) ? time_text(seconds) : "-";
}

// A price of one token, "0.00000014", as one of a million: "0.14".
std::string per_million(const Json* price) {
    const std::string text = cell(price);
    const std::size_t point = text.find('.');
    if (point == std::string::npos) return text;
    std::string digits = text.substr(point + 1);
    digits.resize(std::max<std::size_t>(digits.size(), 6), '0');
    std::string whole = text.substr(0, point) + digits.substr(0, 6);
    std::string rest = digits.substr(6);
    while (whole.size() > 1 && whole.front() == '0') whole.erase(0, 1);
    while (rest.size() > 2 && rest.back() == '0') rest.pop_back();
    return rest.empty() ? whole : whole + "." + rest;
}

enum class Method { kGet, kCancel };

Result<Json> ask(const Session& session, std::string path, Method method = Method::kGet) {
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, session.settings));
    if (method == Method::kCancel)
        return wiring::run_task(&runtime, client->post(std::move(path), codec::JsonObject{}));
    return wiring::run_task(&runtime, client->get(std::move(path)));
}

Result<Exit> print(Session* session, std::string path, Method method = Method::kGet) {
    TRY(const Json answer, ask(*session, std::move(path), method));
    session->output.print(answer);
    return Exit::kOk;
}

using Row = std::vector<std::string> (*)(const Json&);

// A list of the API as a table; as it came, for machines.
Result<Exit> print_list(Session* session, std::string path, std::vector<std::string> titles, Row row) {
    TRY(const Json answer, ask(*session, std::move(path)));
    if (session->output.is_json()) {
        session->output.print(answer);
        return Exit::kOk;
    }
    Table table{.titles = std::move(titles), .rows = {}};
    const Json* data = answer.find("data");
    if (data != nullptr && data->get_array() != nullptr) {
        for (const Json& each : *data->get_array()) table.rows.push_back(row(each));
    }
    session->output.print(table);
    return Exit::kOk;
}

std::vector<std::string> model_row(const Json& model) {
    const Json* pricing = model.find("pricing");
    const Json* endpoints = model.find("endpoints");
    const bool has_list = endpoints != nullptr && endpoints->get_array() != nullptr;
    return {cell(model.find("id")), cell(model.find("context_length")),
            per_million(pricing == nullptr ? nullptr : pricing->find("prompt")),
            per_million(pricing == nullptr ? nullptr : pricing->find("completion")),
            has_list ? std::to_string(endpoints->get_array()->size()) : "-"};
}

std::vector<std::string> tune_row(const Json& tune) {
    return {cell(tune.find("id")), cell(tune.find("status")), cell(tune.find("model")),
            cell(tune.find("fine_tuned_model")), time_cell(tune.find("created_at"))};
}

std::vector<std::string> event_row(const Json& event) {
    return {time_cell(event.find("created_at")), cell(event.find("level")), cell(event.find("message"))};
}

std::vector<std::string> batch_row(const Json& batch) {
    const Json* counts = batch.find("request_counts");
    const auto count = [&](const char* name) { return cell(counts == nullptr ? nullptr : counts->find(name)); };
    return {cell(batch.find("id")), cell(batch.find("status")),         count("total"), count("completed"),
            count("failed"),        time_cell(batch.find("created_at"))};
}

// show, cancel and (where path ends it) more, of one thing with an id.
void on_one(CLI::App* noun, Commands* commands, std::string name, std::string help, std::string path, Method method) {
    CLI::App* verb = noun->add_subcommand(std::move(name), std::move(help));
    const auto id = std::make_shared<std::string>();
    verb->add_option("id", *id, "of one of them")->required();
    commands->on(verb, [id, path = std::move(path), method](Session* session) {
        std::string target = path;
        target.replace(target.find('*'), 1, *id);
        return print(session, std::move(target), method);
    });
}

void add_tune_commands(CLI::App* root, Commands* commands) {
    CLI::App* tune = root->add_subcommand("tune", "fine-tunings of your API key (begin one with `vcity up`)");
    tune->require_subcommand(1);
    commands->on(tune->add_subcommand("list", "all of them"), [](Session* session) {
        return print_list(session, "/v1/fine_tuning/jobs", {"Id", "Status", "Model", "Tuned model", "Begun"}, tune_row);
    });
    on_one(tune, commands, "show", "one of them", "/v1/fine_tuning/jobs/*", Method::kGet);
    on_one(tune, commands, "cancel", "stop it; what it used is charged", "/v1/fine_tuning/jobs/*/cancel",
           Method::kCancel);
    CLI::App* events = tune->add_subcommand("events", "how its loss went");
    const auto id = std::make_shared<std::string>();
    events->add_option("id", *id, "of a fine-tuning")->required();
    commands->on(events, [id](Session* session) {
        return print_list(session, "/v1/fine_tuning/jobs/" + *id + "/events?limit=100", {"Time", "Level", "Message"},
                          event_row);
    });
}

}  // namespace

void add_model_commands(CLI::App* root, Commands* commands) {
    CLI::App* models = root->add_subcommand("models", "models that nodes offer now, with their prices");
    models->require_subcommand(1);
    commands->on(models->add_subcommand("list", "all of them"), [](Session* session) {
        return print_list(session, "/v1/models", {"Model", "Context", "Input $/M", "Output $/M", "Nodes"}, model_row);
    });
    on_one(models, commands, "show", "one of them, with its nodes", "/v1/models/*", Method::kGet);
    add_tune_commands(root, commands);
    CLI::App* batch = root->add_subcommand("batch", "batches of model calls of your API key (docs/api/batches.md)");
    batch->require_subcommand(1);
    commands->on(batch->add_subcommand("list", "all of them"), [](Session* session) {
        return print_list(session, "/v1/batches", {"Id", "Status", "Calls", "Done", "Failed", "Begun"}, batch_row);
    });
    on_one(batch, commands, "show", "one of them", "/v1/batches/*", Method::kGet);
    on_one(batch, commands, "cancel", "stop it; what was answered is kept", "/v1/batches/*/cancel", Method::kCancel);
}

}  // namespace vcity::cli
