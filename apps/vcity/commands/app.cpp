// SPDX-License-Identifier: Apache-2.0
// App files: what is wrong with one, what job it is, and one made of another format.
#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "app/convert.hpp"
#include "cli/app_file.hpp"
#include "cli/command.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

struct AppWords {
    std::vector<std::string> files;
    std::vector<std::string> answers;
    std::string from;
    std::string service;
};

Json problems_json(const LoadedApp& loaded) {
    codec::JsonArray list;
    for (const auto& [file, problem] : loaded.problems) {
        list.push_back(codec::JsonObject{{"file", file},
                                         {"line", problem.place.line},
                                         {"column", problem.place.column},
                                         {"field", problem.field},
                                         {"message", problem.message}});
    }
    return list;
}

Json notes_json(const LoadedApp& loaded) {
    codec::JsonArray list;
    for (const std::string& note : loaded.notes) list.emplace_back(note);
    return list;
}

Result<Exit> run_check(const AppWords& words, Session* session) {
    bool is_good = true;
    codec::JsonArray answers;
    for (const std::string& file : words.files) {
        TRY(const LoadedApp loaded, load_app({.path = file, .answers = words.answers, .is_check = true}));
        const bool is_fine = loaded.problems.empty();
        is_good = is_good && is_fine;
        answers.push_back(codec::JsonObject{{"file", file},
                                            {"ok", is_fine},
                                            {"kind", std::string{app::to_string(loaded.spec.kind)}},
                                            {"problems", problems_json(loaded)},
                                            {"notes", notes_json(loaded)}});
        if (session->output.is_json()) continue;
        session->output.print_text(is_fine ? fmt::format("{}: a {}, fine\n", file, app::to_string(loaded.spec.kind))
                                           : problem_lines(loaded));
        for (const std::string& note : loaded.notes) session->output.note(fmt::format("{}: note: {}", file, note));
    }
    if (session->output.is_json()) session->output.print(Json{codec::JsonObject{{"apps", std::move(answers)}}});
    return is_good ? Exit::kOk : Exit::kUsage;
}

// Secrets do not belong on a screen.
void hide_secrets(LoadedApp* loaded) {
    for (StepGroup& group : loaded->order.spec.groups) {
        for (std::string& variable : group.environment) {
            const std::string name = variable.substr(0, variable.find('='));
            for (const app::Variable& known : loaded->spec.variables) {
                if (known.is_secret && known.name == name) variable = name + "=***";
            }
        }
    }
}

Result<Exit> run_show(const AppWords& words, Session* session) {
    TRY(LoadedApp loaded, load_app({.path = words.files.front(), .answers = words.answers, .is_check = true}));
    if (!loaded.problems.empty()) {
        fmt::print(stderr, "{}", problem_lines(loaded));
        return Exit::kUsage;
    }
    hide_secrets(&loaded);
    for (app::Attachment& attachment : loaded.order.attachments) {
        attachment.file_id = fmt::format("{} ({} bytes)", attachment.file.path, attachment.content.size());
    }
    const codec::Json order = app::is_deployment(loaded.spec) ? app::deployment_json(loaded.spec, loaded.order)
                                                              : app::order_json(loaded.order);
    session->output.print_text(codec::dump_json_pretty(order) + "\n");
    return Exit::kOk;
}

Result<Exit> run_convert(const AppWords& words, Session* session) {
    const std::optional<app::Format> format = app::parse_format(words.from);
    if (!format) return make_error(Errc::kInvalid, "--from: it must be sdl, skypilot or runpod");
    const std::string& path = words.files.front();
    TRY(const std::string text, read_file(path == "-" ? "/dev/stdin" : path));
    const auto converted = app::convert(*format, text, words.service);
    if (const auto* problems = std::get_if<std::vector<app::Problem>>(&converted)) {
        for (const app::Problem& problem : *problems) fmt::print(stderr, "{}\n", app::to_text(path, problem));
        return Exit::kUsage;
    }
    session->output.print_text(std::get<std::string>(converted));
    return Exit::kOk;
}

}  // namespace

void add_app_commands(CLI::App* root, Commands* commands) {
    auto words = std::make_shared<AppWords>();
    CLI::App* noun = root->add_subcommand("app", "app files: pods, services, trainings, batches, films (docs/apps.md)");
    noun->require_subcommand(1);
    CLI::App* check = noun->add_subcommand("check", "what is wrong with an app file: file, line, column, field");
    check->add_option("files", words->files, "app.yaml")->required();
    check->add_option("--set", words->answers, "KEY=value for the app's template (repeat)");
    commands->on(check, [words](Session* session) { return run_check(*words, session); });
    CLI::App* show = noun->add_subcommand("show", "the job that an app is, as POST /v1/jobs takes it");
    show->add_option("file", words->files, "app.yaml")->required()->expected(1);
    show->add_option("--set", words->answers, "KEY=value for the app's template (repeat)");
    commands->on(show, [words](Session* session) { return run_show(*words, session); });
    CLI::App* convert = noun->add_subcommand("convert", "an app file from that of another network, on standard output");
    convert->add_option("--from", words->from, "sdl (Akash), skypilot or runpod (template)")->required();
    convert->add_option("--service", words->service, "which service of an SDL, when it has several");
    convert->add_option("file", words->files, "the file; - for standard input")->required()->expected(1);
    commands->on(convert, [words](Session* session) { return run_convert(*words, session); });
}

}  // namespace vcity::cli
