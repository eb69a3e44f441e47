// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "cli/command.hpp"
#include "wiring/http_client.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

constexpr std::chrono::seconds kPatience{5};

struct StatusOptions {
    std::string ops;
    double sample_seconds = 1;
};

struct Reply {
    unsigned status = 0;
    std::string body;
};

struct Asker {
    adapters::AsioRuntime* runtime;
    ports::HttpClient* http;
    std::string base;

    Task<Result<Reply>> get(std::string path) const {
        ports::HttpRequest request;
        request.method = "GET";
        request.target = base + path;
        const TimePoint deadline = runtime->now() + kPatience;
        CO_TRY(ports::HttpResponse response, co_await http->send(std::move(request), deadline));
        co_return Reply{response.status, std::move(response.body)};
    }
};

// Samples without labels of the Prometheus text; those with labels add up under their name.
std::map<std::string, double> samples_of(const std::string& text) {
    std::map<std::string, double> samples;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        const std::size_t space = line.rfind(' ');
        if (line.empty() || line.front() == '#' || space == std::string::npos) continue;
        const std::string name = line.substr(0, line.find_first_of("{ "));
        samples[name] += std::strtod(line.c_str() + space + 1, nullptr);
    }
    return samples;
}

Task<Result<Json>> read_status(const Asker* ask, StatusOptions options) {
    CO_TRY(const Reply ready, co_await ask->get("/readyz"));
    CO_TRY(const Reply before, co_await ask->get("/metrics"));
    const auto pause = std::chrono::duration_cast<Duration>(std::chrono::duration<double>{options.sample_seconds});
    if (pause > Duration{}) {
        co_await ask->runtime->sleep_until(ask->runtime->now() + pause);
    }
    CO_TRY(const Reply after, co_await ask->get("/metrics"));
    CO_TRY(const Reply shards, co_await ask->get("/status"));
    auto first = samples_of(before.body);
    auto last = samples_of(after.body);
    if (!last.contains("vcity_scheduler_orders_total")) {
        co_return make_error(Errc::kInvalid,
                             ask->base + " is not a scheduler's health port: give the --ops address of the role");
    }
    Json status{codec::JsonObject{{"ready", ready.status == 200}}};
    const auto add = [&](const char* name, const char* metric) {
        if (last.contains(metric)) status.set(name, static_cast<std::uint64_t>(last[metric]));
    };
    add("nodes", "vcity_scheduler_nodes_connected");
    add("units", "vcity_scheduler_units");
    add("live_calls", "vcity_scheduler_jobs_live");
    add("live_jobs", "vcity_scheduler_work_jobs_live");
    add("orders", "vcity_scheduler_orders_total");
    const double orders = last["vcity_scheduler_orders_total"] - first["vcity_scheduler_orders_total"];
    if (options.sample_seconds > 0) status.set("orders_per_second", orders / options.sample_seconds);
    const Result<Json> hosted = codec::parse_json(shards.body);
    if (shards.status == 200 && hosted) {
        for (const auto& [name, value] : *hosted->get_object()) status.set(name, value);
    }
    co_return status;
}

std::string text_of(const Json& value) {
    return value.get_string() != nullptr ? *value.get_string() : codec::dump_json(value);
}

void print_status(const Json& status, Session* session) {
    if (session->output.is_json()) return session->output.print(status);
    Table table{.titles = {"", ""}, .rows = {}};
    const Json* shards = nullptr;
    for (const auto& [name, value] : *status.get_object()) {
        if (name == "shards")
            shards = &value;
        else
            table.rows.push_back({name, text_of(value)});
    }
    session->output.print(table);
    if (shards == nullptr || shards->get_array() == nullptr || shards->get_array()->empty()) return;
    Table rows;
    for (const Json& shard : *shards->get_array()) {
        if (shard.get_object() == nullptr) continue;
        std::vector<std::string> row;
        for (const auto& [name, value] : *shard.get_object()) {
            if (rows.rows.empty()) rows.titles.push_back(name);
            row.push_back(text_of(value));
        }
        rows.rows.push_back(std::move(row));
    }
    session->output.print_text("\n");
    session->output.print(rows);
}

Result<Exit> run_status(const StatusOptions& options, Session* session) {
    adapters::AsioRuntime runtime;
    const auto http = wiring::make_http_client(&runtime);
    const bool has_scheme = options.ops.find("://") != std::string::npos;
    const Asker ask{&runtime, http.get(), has_scheme ? options.ops : "http://" + options.ops};
    Result<Json> status = wiring::run_task(&runtime, read_status(&ask, options));
    if (!status && status.error().code == Errc::kUnavailable) {
        return make_error(Errc::kUnavailable,
                          fmt::format("no scheduler answers at {}: is the role running with --ops {}? ({})",
                                      options.ops, options.ops, status.error().message));
    }
    if (!status) return std::move(status).error();
    print_status(*status, session);
    const bool* is_ready = status->find("ready")->get_bool();
    return is_ready != nullptr && *is_ready ? Exit::kOk : Exit::kGeneral;
}

}  // namespace

void add_scheduler_status(CLI::App* noun, Commands* commands) {
    auto options = std::make_shared<StatusOptions>();
    CLI::App* status = noun->add_subcommand("status", "readiness, shards, nodes and load of a running scheduler");
    status->add_option("--ops", options->ops, "address:port of the role's health port (its own --ops)")->required();
    status->add_option("--sample", options->sample_seconds, "seconds over which orders are counted")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 60.0));
    commands->on(status, [options](Session* session) { return run_status(*options, session); });
}

}  // namespace vcity::cli
