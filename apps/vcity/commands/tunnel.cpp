// SPDX-License-Identifier: Apache-2.0
// Ways into running steps: a terminal, ssh, forwarded ports (docs/pods.md).
#include <charconv>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "cli/command.hpp"
#include "tunnels/tunnel_client.hpp"
#include "wiring/api_client.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

struct SshOptions {
    std::string job;
    std::string step;
    std::vector<std::string> command;
    bool is_proxy = false;
    bool with_openssh = false;
    bool prints_config = false;
};
struct ForwardOptions {
    std::string job;
    std::string step;
    std::vector<std::string> ports;
};

std::string text_of(const Json& json, const char* name) {
    const Json* member = json.find(name);
    return member != nullptr && member->get_string() != nullptr ? *member->get_string() : "";
}

template <class Number>
bool read_number(std::string_view text, Number* out) {
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), *out);
    return code == std::errc{} && stop == text.data() + text.size();
}

// "GROUP" or "GROUP/INDEX".
Result<void> read_step(const std::string& text, wiring::TunnelName* name) {
    const std::size_t slash = text.find('/');
    name->group = text.substr(0, slash);
    const bool has_index = slash != std::string::npos;
    if (!has_index || read_number(std::string_view{text}.substr(slash + 1), &name->index)) return {};
    return make_error(Errc::kInvalid, "'" + text + "' is no step: name it like 'main/0'");
}

// The step that is meant where none is named: the first one that runs.
Result<wiring::TunnelName> find_step(adapters::AsioRuntime* runtime,
                                     const Session& session,
                                     const std::string& job,
                                     const std::string& step) {
    wiring::TunnelName name;
    name.job = job;
    if (!step.empty()) {
        TRY_OK(read_step(step, &name));
        return name;
    }
    TRY(const auto client, wiring::gateway_client(runtime, session.settings));
    TRY(const Json known, wiring::run_task(runtime, client->get("/v1/jobs/" + job)));
    const Json* steps = known.find("steps");
    if (steps == nullptr || steps->get_array() == nullptr) return make_error(Errc::kNotFound, "the job has no steps");
    for (const Json& one : *steps->get_array()) {
        if (text_of(one, "state") != "running") continue;
        TRY_OK(read_step(text_of(one, "name"), &name));
        return name;
    }
    return make_error(Errc::kConflict, "no step of this job runs now; see 'vcity job status " + job + "'");
}

// What ssh must run instead of dialling.
std::string proxy_command(const Session& session, const wiring::TunnelName& name) {
    std::error_code error;
    const std::string self = std::filesystem::read_symlink("/proc/self/exe", error).string();
    std::string command = fmt::format("'{}' ", self);
    if (!session.config_path.empty()) command += fmt::format("--settings '{}' ", session.config_path);
    return command + fmt::format("ssh --proxy {} --step {}/{}", name.job, name.group, name.index);
}

Result<Exit> run_openssh(const SshOptions& options, const Session& session, const wiring::TunnelName& name) {
    std::vector<std::string> words{"ssh", "-o", "ProxyCommand=" + proxy_command(session, name)};
    // Each pod has a key of its own, which nobody has seen before; the tunnel says whose pod it is.
    for (const char* option : {"StrictHostKeyChecking=accept-new", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"}) {
        words.insert(words.end(), {"-o", option});
    }
    words.push_back("pod@" + name.job);
    words.insert(words.end(), options.command.begin(), options.command.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execvp("ssh", arguments.data());
    return make_error(Errc::kNotFound, "ssh is not installed; without --openssh none is needed");
}

Result<Exit> run_ssh(const SshOptions& options, Session* session) {
    adapters::AsioRuntime runtime;
    TRY(wiring::TunnelName name, find_step(&runtime, *session, options.job, options.step));
    if (options.prints_config) {
        session->output.print_text(
            fmt::format("Host {0}\n    User pod\n    ProxyCommand {1}\n    StrictHostKeyChecking accept-new\n"
                        "    UserKnownHostsFile /dev/null\n",
                        name.job, proxy_command(*session, name)));
        return Exit::kOk;
    }
    if (options.with_openssh) return run_openssh(options, *session, name);
    TRY(const auto client, wiring::TunnelClient::make(&runtime, session->settings));
    if (options.is_proxy) {
        name.end = "ssh";
        TRY_OK(wiring::run_proxy(&runtime, client.get(), name));
        return Exit::kOk;
    }
    name.end = "shell";
    name.arguments = options.command;
    name.has_terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
    TRY(const int status, wiring::run_terminal(&runtime, client.get(), name));
    // The command's own, as ssh gives it.
    return static_cast<Exit>(status);
}

// "8888", "8888:80" or "0.0.0.0:8888:80".
Result<wiring::Forwarding> read_forwarding(const std::string& text, const wiring::TunnelName& step) {
    wiring::Forwarding forwarding;
    forwarding.to = step;
    std::string_view rest = text;
    const std::size_t last = rest.rfind(':');
    forwarding.to.end = last == std::string_view::npos ? text : text.substr(last + 1);
    std::string_view local = rest.substr(0, last == std::string_view::npos ? rest.size() : last);
    const std::size_t address = local.rfind(':');
    if (address != std::string_view::npos) {
        forwarding.address = local.substr(0, address);
        local.remove_prefix(address + 1);
    }
    std::uint16_t remote = 0;
    if (!read_number(local, &forwarding.local) || !read_number(forwarding.to.end, &remote) || remote == 0) {
        return make_error(Errc::kInvalid, "'" + text + "' is no pair of ports: write LOCAL:REMOTE, such as 8888:8888");
    }
    return forwarding;
}

Result<Exit> run_forward(const ForwardOptions& options, Session* session) {
    adapters::AsioRuntime runtime;
    TRY(const wiring::TunnelName name, find_step(&runtime, *session, options.job, options.step));
    std::vector<wiring::Forwarding> forwardings;
    for (const std::string& text : options.ports) {
        TRY(wiring::Forwarding forwarding, read_forwarding(text, name));
        forwardings.push_back(std::move(forwarding));
    }
    TRY(const auto client, wiring::TunnelClient::make(&runtime, session->settings));
    TRY_OK(wiring::run_forwarding(&runtime, client.get(), std::move(forwardings), [session](const auto& forwarding) {
        session->output.note(fmt::format("{}:{} -> {}/{} port {}; Ctrl-C ends it", forwarding.address, forwarding.local,
                                         forwarding.to.group, forwarding.to.index, forwarding.to.end));
    }));
    return Exit::kOk;
}

}  // namespace

void add_tunnel_commands(CLI::App* root, Commands* commands) {
    static SshOptions ssh;
    CLI::App* shell = root->add_subcommand("ssh", "a terminal, or one command, beside a running step of your job");
    shell->add_option("job", ssh.job, "the job's id")->required();
    shell->add_option("command", ssh.command, "what to run instead of a shell; after --");
    shell->add_option("--step", ssh.step, "GROUP/INDEX (default: the first one that runs)");
    shell->add_flag("--openssh", ssh.with_openssh, "through the ssh program, to the pod's SSH server");
    shell->add_flag("--proxy", ssh.is_proxy, "standard input and output are the connection: for ssh's ProxyCommand");
    shell->add_flag("--config", ssh.prints_config, "print the lines for ~/.ssh/config and end");
    commands->on(shell, [](Session* session) { return run_ssh(ssh, session); });

    static ForwardOptions forward;
    CLI::App* ports = root->add_subcommand("port-forward", "reach ports of a running step under ports of this machine");
    ports->add_option("job", forward.job, "the job's id")->required();
    ports->add_option("ports", forward.ports, "[ADDRESS:]LOCAL:REMOTE, or one port for both; local 0: any free one")
        ->required();
    ports->add_option("--step", forward.step, "GROUP/INDEX (default: the first one that runs)");
    commands->on(ports, [](Session* session) { return run_forward(forward, session); });
}

}  // namespace vcity::cli
