// SPDX-License-Identifier: Apache-2.0
#include "operator/node_folder.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/settings.hpp"
#include "wiring/api_client.hpp"
#include "wiring/http_client.hpp"
#include "wiring/node_admin.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

namespace fs = std::filesystem;
using codec::Json;

constexpr const char* kSystemFolder = "/var/lib/vcity/node";
constexpr std::size_t kProgramOutputMax = 64U << 10U;
constexpr int kNotStarted = 127;
constexpr std::chrono::seconds kPatience{10};

struct NodeAddress {
    std::string url;
    std::string token;
};

Result<NodeAddress> address_of(const NodeFolder& folder) {
    const Result<std::string> text = read_file(wiring::ops_facts_path(folder.path()));
    const Result<Json> facts = text ? codec::parse_json(*text) : text.error();
    const Json* url = facts ? facts->find("url") : nullptr;
    if (url == nullptr || url->get_string() == nullptr) {
        return make_error(Errc::kUnavailable, "no node runs from " + folder.path());
    }
    TRY(std::string token, read_file(wiring::ops_token_path(folder.path()), 1024));
    return NodeAddress{*url->get_string(), std::move(token)};
}

// What the node says of itself when it answers, and that it does not run when nobody does.
Error failure_of(const NodeFolder& folder, const Error& error) {
    if (error.code != Errc::kUnavailable && error.code != Errc::kTimeout) return error;
    return make_error(Errc::kUnavailable,
                      fmt::format("the node in {} does not answer: {}", folder.path(), error.message));
}

Task<Result<std::string>> fetch_text(Runtime* runtime, std::string url) {
    const auto http = wiring::make_http_client(runtime);
    ports::HttpRequest request{.method = "GET", .target = std::move(url), .headers = {}, .body = {}, .remote = {}};
    CO_TRY(ports::HttpResponse response, co_await http->send(std::move(request), runtime->now() + kPatience));
    if (response.status != 200) co_return make_error(Errc::kUnavailable, "the node gives no metrics");
    co_return std::move(response.body);
}

std::string text_or(const Json& json, const char* name) {
    const Json* value = json.find(name);
    return value != nullptr && value->get_string() != nullptr ? *value->get_string() : "";
}

double number_or(const Json& json, const char* name) {
    const Json* value = json.find(name);
    double number = 0;
    return value != nullptr && value->get_double(&number) ? number : 0;
}

}  // namespace

std::string node_folder_path(const std::string& named) {
    if (!named.empty()) return fs::absolute(named).lexically_normal().string();
    const char* environment = std::getenv("VCITY_NODE_STATE");
    if (environment != nullptr && *environment != '\0') return fs::absolute(environment).string();
    if (geteuid() == 0 || exists(std::string{kSystemFolder} + "/node.json")) return kSystemFolder;
    return default_state_path() + "/node";
}

codec::Json to_json(const NodeFacts& facts) {
    Json record{codec::JsonObject{}};
    record.set("rpc", facts.rpc);
    record.set("deployment", facts.deployment);
    record.set("identity", facts.identity);
    record.set("scheduler", facts.scheduler);
    record.set("gateway", facts.gateway);
    record.set("service", facts.service);
    record.set("is_user_service", facts.is_user_service);
    record.set("power_watts", facts.power_watts);
    record.set("power_price_kwh", facts.power_price_kwh);
    return record;
}

Result<NodeFacts> load_facts(const NodeFolder& folder) {
    if (!exists(folder.facts())) {
        return make_error(Errc::kNotFound, "no node has joined from " + folder.path() +
                                               ": `vcity node join` does, and "
                                               "--state names another folder");
    }
    TRY(const std::string text, read_file(folder.facts()));
    const Result<Json> json = codec::parse_json(text);
    if (!json) return make_error(Errc::kInvalid, folder.facts() + ": " + json.error().message);
    NodeFacts facts;
    facts.rpc = text_or(*json, "rpc");
    facts.deployment = text_or(*json, "deployment");
    facts.identity = text_or(*json, "identity");
    facts.scheduler = text_or(*json, "scheduler");
    facts.gateway = text_or(*json, "gateway");
    facts.service = text_or(*json, "service");
    const Json* is_user = json->find("is_user_service");
    facts.is_user_service = is_user != nullptr && is_user->get_bool() != nullptr && *is_user->get_bool();
    facts.power_watts = number_or(*json, "power_watts");
    facts.power_price_kwh = number_or(*json, "power_price_kwh");
    if (facts.rpc.empty() || facts.identity.empty()) {
        return make_error(Errc::kInvalid, folder.facts() + ": \"rpc\" and \"identity\" must be there");
    }
    return facts;
}

Result<codec::Json> ask_node(const NodeFolder& folder, const std::string& path) {
    TRY(const NodeAddress address, address_of(folder));
    adapters::AsioRuntime runtime;
    wiring::ApiClient client{&runtime, address.url, address.token};
    Result<Json> answer = wiring::run_task(&runtime, client.get(path));
    if (!answer) return failure_of(folder, answer.error());
    return answer;
}

Result<codec::Json> tell_node(const NodeFolder& folder, const std::string& path, codec::Json body) {
    TRY(const NodeAddress address, address_of(folder));
    adapters::AsioRuntime runtime;
    wiring::ApiClient client{&runtime, address.url, address.token};
    Result<Json> answer = wiring::run_task(&runtime, client.post(path, std::move(body)));
    if (!answer) return failure_of(folder, answer.error());
    return answer;
}

Result<std::string> node_metrics(const NodeFolder& folder) {
    TRY(const NodeAddress address, address_of(folder));
    adapters::AsioRuntime runtime;
    return wiring::run_task(&runtime, fetch_text(&runtime, address.url + "/metrics"));
}

Result<std::string> run_program(const std::vector<std::string>& words) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return make_error(Errc::kUnavailable, "no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    std::vector<std::string> copy = words;
    std::vector<char*> arguments;
    for (std::string& word : copy) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t pid = 0;
    const int failed = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    std::string output;
    std::array<char, 4096> piece{};
    ssize_t size = 0;
    while (failed == 0 && (size = read(ends[0], piece.data(), piece.size())) > 0) {
        const std::size_t room = kProgramOutputMax - output.size();
        output.append(piece.data(), std::min(room, static_cast<std::size_t>(size)));
    }
    close(ends[0]);
    int status = 0;
    if (failed != 0 || waitpid(pid, &status, 0) != pid || (WIFEXITED(status) && WEXITSTATUS(status) == kNotStarted)) {
        return make_error(Errc::kNotFound, words.front() + " is not there");
    }
    while (!output.empty() && output.back() == '\n') output.pop_back();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return make_error(Errc::kUnavailable, fmt::format("{} failed: {}", words.front(), output));
    }
    return output;
}

void pause_for(std::chrono::milliseconds span) {
    poll(nullptr, 0, static_cast<int>(span.count()));
}

}  // namespace vcity::cli
