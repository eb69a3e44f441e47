// SPDX-License-Identifier: Apache-2.0
// Deployments: docs/serve.md.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/app_file.hpp"
#include "cli/command.hpp"
#include "cli/job_view.hpp"
#include "upload/file_form.hpp"
#include "wiring/api_client.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

constexpr std::string_view kPath = "/api/v1/deployments";

struct DeployWords {
    std::string name;
    std::string month;
    std::optional<unsigned> least;
    std::optional<unsigned> most;
    std::optional<unsigned> requests;
    std::string budget;
    AppQuestion question;
};

struct Link {
    adapters::AsioRuntime runtime;
    std::unique_ptr<wiring::ApiClient> client;

    Result<void> open(const Session& session) {
        TRY(client, wiring::gateway_client(&runtime, session.settings));
        return {};
    }
    Result<Json> get(const std::string& rest) {
        return wiring::run_task(&runtime, client->get(std::string{kPath} + rest));
    }
    Result<Json> post(const std::string& rest) {
        return wiring::run_task(&runtime, client->post(std::string{kPath} + rest, Json{codec::JsonObject{}}));
    }
    Result<Json> patch(const std::string& name, Json body) {
        return wiring::run_task(&runtime, client->patch(fmt::format("{}/{}", kPath, name), std::move(body)));
    }
};

const codec::JsonArray& rows_of(const Json& answer, std::string_view name) {
    static const codec::JsonArray kNone;
    const Json* list = answer.find(name);
    return list == nullptr || list->get_array() == nullptr ? kNone : *list->get_array();
}

std::vector<std::string> row_of(const Json& deployment) {
    const Json* replicas = deployment.find("replicas");
    const std::string ready = replicas == nullptr ? ""
                                                  : fmt::format("{}/{}", number_member(*replicas, "ready"),
                                                                number_member(*replicas, "wanted"));
    return {text_member(deployment, "name"),
            text_member(deployment, "state"),
            ready,
            std::to_string(number_member(deployment, "version")),
            text_member(deployment, "charged"),
            text_member(deployment, "budget"),
            text_member(deployment, "url")};
}

Result<Exit> print_row(const Json& deployment, Session* session) {
    session->output.print(deployment);
    return Exit::kOk;
}

Result<Exit> run_list(Session* session) {
    Link link;
    TRY_OK(link.open(*session));
    TRY(const Json answer, link.get(""));
    Table table{.titles = {"Name", "State", "Ready", "Version", "Charged", "Budget", "Url"}, .rows = {}};
    for (const Json& deployment : rows_of(answer, "data")) table.rows.push_back(row_of(deployment));
    session->output.print(table);
    return Exit::kOk;
}

Result<Exit> run_show(const DeployWords& words, Session* session) {
    Link link;
    TRY_OK(link.open(*session));
    TRY(const Json deployment, link.get("/" + words.name));
    return print_row(deployment, session);
}

Result<Exit> run_events(const DeployWords& words, Session* session) {
    Link link;
    TRY_OK(link.open(*session));
    TRY(const Json answer, link.get("/" + words.name + "/events"));
    Table table{.titles = {"Number", "At", "Kind", "Text"}, .rows = {}};
    for (const Json& event : rows_of(answer, "data")) {
        double at = 0;
        const Json* time = event.find("at");
        if (time != nullptr) static_cast<void>(time->get_double(&at));
        table.rows.push_back({std::to_string(number_member(event, "number")), fmt::format("{:.3f}", at),
                              text_member(event, "kind"), text_member(event, "text")});
    }
    session->output.print(table);
    return Exit::kOk;
}

Result<Exit> run_sla(const DeployWords& words, Session* session) {
    Link link;
    TRY_OK(link.open(*session));
    TRY(const Json report, link.get("/" + words.name + "/sla" + (words.month.empty() ? "" : "?month=" + words.month)));
    session->output.print(report);
    return Exit::kOk;
}

Result<Exit> run_scale(const DeployWords& words, Session* session) {
    Json scale{codec::JsonObject{}};
    if (words.least) scale.set("min", *words.least);
    if (words.most) scale.set("max", *words.most);
    if (words.requests) scale.set("requests_per_replica", *words.requests);
    Json body{codec::JsonObject{}};
    if (!scale.get_object()->empty()) body.set("scale", std::move(scale));
    if (!words.budget.empty()) body.set("budget", words.budget);
    if (body.get_object()->empty()) {
        return make_error(Errc::kInvalid, "say --min, --max, --requests-per-replica or --budget");
    }
    Link link;
    TRY_OK(link.open(*session));
    TRY(const Json deployment, link.patch(words.name, std::move(body)));
    return print_row(deployment, session);
}

// The whole of the app file takes the place of what is there.
Result<Exit> run_update(const DeployWords& words, Session* session) {
    TRY(LoadedApp loaded, load_app(words.question));
    if (!loaded.problems.empty()) {
        fmt::print(stderr, "{}", problem_lines(loaded));
        return Exit::kUsage;
    }
    if (!app::is_deployment(loaded.spec)) {
        return make_error(Errc::kInvalid, "only apps of kind serve or enterprise are deployments");
    }
    for (const std::string& note : loaded.notes) session->output.note("note: " + note);
    Link link;
    TRY_OK(link.open(*session));
    constexpr std::size_t kInlineBytesMax = 64U << 10U;
    constexpr std::chrono::hours kUploadPatience{1};
    for (app::Attachment& attachment : loaded.order.attachments) {
        if (attachment.content.size() <= kInlineBytesMax) continue;
        upload::FileForm form{attachment.file.name, "job", attachment.content};
        TRY(const Json file,
            wiring::run_task(&link.runtime, link.client->upload("/v1/files", form.content_type(), &form,
                                                                link.runtime.now() + kUploadPatience)));
        attachment.file_id = text_member(file, "id");
    }
    TRY(const Json deployment, link.patch(loaded.order.spec.name, app::deployment_json(loaded.spec, loaded.order)));
    return print_row(deployment, session);
}

Result<Exit> run_turn(const DeployWords& words, const std::string& verb, Session* session) {
    Link link;
    TRY_OK(link.open(*session));
    TRY(const Json deployment, link.post("/" + words.name + "/" + verb));
    return print_row(deployment, session);
}

Result<Exit> run_delete(const DeployWords& words, Session* session) {
    Link link;
    TRY_OK(link.open(*session));
    TRY(const Json answer,
        wiring::run_task(&link.runtime, link.client->remove(fmt::format("{}/{}", kPath, words.name))));
    session->output.print(answer);
    return Exit::kOk;
}

}  // namespace

void add_deploy_commands(CLI::App* root, Commands* commands) {
    CLI::App* deploy = root->add_subcommand("deploy", "services with replicas behind one address (docs/serve.md)");
    deploy->require_subcommand(1);
    const auto words = std::make_shared<DeployWords>();
    const auto add = [&](const char* name, const char* text, Result<Exit> (*run)(const DeployWords&, Session*)) {
        CLI::App* command = deploy->add_subcommand(name, text);
        command->add_option("name", words->name, "of the deployment")->required();
        commands->on(command, [words, run](Session* session) { return run(*words, session); });
        return command;
    };
    commands->on(deploy->add_subcommand("list", "your deployments"), run_list);
    add("show", "one, with its replicas", run_show);
    add("events", "what happened to it", run_events);
    add("delete", "ends its replicas and forgets it", run_delete);
    add("pause", "ends its replicas until it is resumed",
        [](const DeployWords& given, Session* session) { return run_turn(given, "pause", session); });
    add("resume", "starts its replicas again",
        [](const DeployWords& given, Session* session) { return run_turn(given, "resume", session); });
    add("sla", "availability and latency as they were measured, and what is owed back", run_sla)
        ->add_option("--month", words->month, "2026-11 (default: all)");
    CLI::App* scale = add("scale", "how many replicas, and its budget", run_scale);
    scale->add_option("--min", words->least, "replicas at least; 0: none while nobody asks");
    scale->add_option("--max", words->most, "replicas at most");
    scale->add_option("--requests-per-replica", words->requests, "at a time, that one serves well");
    scale->add_option("--budget", words->budget, "dollars in all, from the beginning");
    CLI::App* update = deploy->add_subcommand("update", "rolls out what an app file says now");
    update->add_option("file", words->question.path, "app.yaml")->required();
    update->add_option("--set", words->question.answers, "KEY=value for the app's template (repeat)");
    commands->on(update, [words](Session* session) { return run_update(*words, session); });
}

}  // namespace vcity::cli
