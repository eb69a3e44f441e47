// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/command.hpp"

namespace vcity::cli {
namespace {

struct Words {
    std::string path;                // "wallet new"
    std::vector<std::string> words;  // what may follow it
};

void collect(const CLI::App& app, const std::string& path, std::vector<Words>* out) {
    Words here{.path = path, .words = {}};
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
        here.words.push_back(sub->get_name());
        collect(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), out);
    }
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) here.words.push_back("--" + name);
    }
    out->push_back(std::move(here));
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

std::string bash_script(const std::vector<Words>& all) {
    std::string cases;
    for (const Words& words : all)
        cases += fmt::format("        \"{}\") words=\"{}\" ;;\n", words.path, joined(words.words));
    return fmt::format(R"(_vcity() {{
    local path="" word words=""
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$word" in -*) ;; *) path="${{path:+$path }}$word" ;; esac
    done
    case "$path" in
{}    esac
    COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _vcity vcity
)",
                       cases);
}

std::string fish_script(const std::vector<Words>& all) {
    std::string text = "complete -c vcity -f\n";
    for (const Words& words : all) {
        const std::string condition =
            words.path.empty() ? "__fish_use_subcommand" : "__fish_seen_subcommand_from " + words.path;
        for (const std::string& word : words.words) {
            const bool is_option = word.starts_with("--");
            text += fmt::format("complete -c vcity -n '{}' {} {}\n", condition, is_option ? "-l" : "-a",
                                is_option ? word.substr(2) : word);
        }
    }
    return text;
}

}  // namespace

void add_completion_commands(CLI::App* root, Commands* commands) {
    auto shell = std::make_shared<std::string>();
    CLI::App* completion = root->add_subcommand("completion", "print a completion script for your shell");
    completion->add_option("shell", *shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    commands->on(completion, [root, shell](Session* session) -> Result<Exit> {
        std::vector<Words> all;
        collect(*root, "", &all);
        // zsh runs bash completions through its own bridge.
        if (*shell == "zsh") session->output.print_text("autoload -Uz bashcompinit && bashcompinit\n");
        session->output.print_text(*shell == "fish" ? fish_script(all) : bash_script(all));
        return Exit::kOk;
    });
}

}  // namespace vcity::cli
