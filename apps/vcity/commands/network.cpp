// SPDX-License-Identifier: Apache-2.0
// What the platform API of a gateway shows: the network, its nodes, what one holds of it and what it cost.
#include "commands/network.hpp"

#include <chrono>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "base/amount.hpp"
#include "wiring/api_client.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

constexpr std::uint64_t kDaySeconds = 86'400;

struct NodesOptions {
    std::string address;
    std::uint32_t limit = 50;
};

struct UsageOptions {
    std::uint32_t days = 7;
    std::string by = "model";
};

std::string cell(const Json& row, std::string_view name) {
    const Json* value = row.find(name);
    if (value == nullptr || value->is_null()) return "-";
    return value->get_string() != nullptr ? *value->get_string() : codec::dump_json(*value);
}

const codec::JsonArray& rows_of(const Json& answer, std::string_view name) {
    static const codec::JsonArray none;
    const Json* data = answer.find(name);
    return data != nullptr && data->get_array() != nullptr ? *data->get_array() : none;
}

Result<Json> ask(const Session& session, std::string path) {
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, session.settings));
    return wiring::run_task(&runtime, client->get(std::move(path)));
}

Result<Exit> show(Session* session, std::string path) {
    TRY(const Json answer, ask(*session, std::move(path)));
    session->output.print(answer);
    return Exit::kOk;
}

Result<Exit> list_nodes(const NodesOptions& options, Session* session) {
    TRY(const Json answer, ask(*session, fmt::format("/api/v1/nodes?limit={}", options.limit)));
    if (session->output.is_json()) {
        session->output.print(answer);
        return Exit::kOk;
    }
    Table table{.titles = {"Address", "Role", "Kind", "GPUs", "Model", "VRAM MiB", "Region", "Stake VCAI", "Slashed"},
                .rows = {}};
    for (const Json& node : rows_of(answer, "data")) {
        table.rows.push_back({cell(node, "address"), cell(node, "role"), cell(node, "kind"), cell(node, "gpu_count"),
                              cell(node, "gpu_model"), cell(node, "vram_mib"), cell(node, "region"),
                              cell(node, "stake"), cell(node, "slashed")});
    }
    session->output.print(table);
    return Exit::kOk;
}

Result<Exit> list_leases(Session* session) {
    TRY(const Json answer, ask(*session, "/api/v1/leases"));
    if (session->output.is_json()) {
        session->output.print(answer);
        return Exit::kOk;
    }
    Table table{.titles = {"Job", "Step", "State", "Node", "Unit", "$/hr", "Charged"}, .rows = {}};
    for (const Json& lease : rows_of(answer, "data")) {
        table.rows.push_back({cell(lease, "job_name"), cell(lease, "step"), cell(lease, "state"), cell(lease, "node"),
                              cell(lease, "unit"), cell(lease, "hourly"), cell(lease, "charged")});
    }
    session->output.print(table);
    return Exit::kOk;
}

// Dollars by day and by what they were for, and the tokens beside them.
Result<Exit> show_usage(const UsageOptions& options, Session* session) {
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    const std::uint64_t today = static_cast<std::uint64_t>(now.count()) / kDaySeconds * kDaySeconds;
    const std::uint64_t start = today - (options.days - 1) * kDaySeconds;
    const bool by_key = options.by == "key";
    const std::string query = fmt::format("?start_time={}&limit={}&group_by=", start, options.days);
    TRY(const Json costs, ask(*session, "/v1/organization/costs" + query + (by_key ? "api_key_id" : "line_item")));
    if (session->output.is_json()) {
        session->output.print(costs);
        return Exit::kOk;
    }
    Table table{.titles = {"Day", by_key ? "Key" : "For", "USD"}, .rows = {}};
    for (const Json& bucket : rows_of(costs, "data")) {
        std::uint64_t from = 0;
        if (const Json* begin = bucket.find("start_time"); begin == nullptr || !begin->get_u64(&from)) continue;
        const std::chrono::year_month_day day{
            std::chrono::sys_days{std::chrono::days{static_cast<int>(from / kDaySeconds)}}};
        for (const Json& result : rows_of(bucket, "results")) {
            const Json* amount = result.find("amount");
            std::uint64_t micro = 0;
            if (amount == nullptr || amount->find("micro_usd") == nullptr) continue;
            if (!amount->find("micro_usd")->get_u64(&micro)) continue;
            table.rows.push_back({fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                                              static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day())),
                                  cell(result, by_key ? "api_key_id" : "line_item"), to_string(Usd{micro})});
        }
    }
    session->output.print(table);
    return Exit::kOk;
}

}  // namespace

void add_network_commands(CLI::App* root, Commands* commands) {
    CLI::App* network = root->add_subcommand("network", "the chain, its contracts and the gateway");
    commands->on(network, [](Session* session) { return show(session, "/api/v1/network"); });
    auto nodes_options = std::make_shared<NodesOptions>();
    CLI::App* nodes = root->add_subcommand("nodes", "identities that are registered on chain");
    nodes->require_subcommand(1);
    CLI::App* list = nodes->add_subcommand("list", "all of them");
    list->add_option("--limit", nodes_options->limit, "rows at most")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    commands->on(list, [nodes_options](Session* session) { return list_nodes(*nodes_options, session); });
    CLI::App* one = nodes->add_subcommand("show", "one of them, with its stake and vote lock");
    one->add_option("address", nodes_options->address, "its address")->required();
    commands->on(
        one, [nodes_options](Session* session) { return show(session, "/api/v1/stakes/" + nodes_options->address); });
    CLI::App* leases = root->add_subcommand("leases", "units that your jobs hold now");
    commands->on(leases, [](Session* session) { return list_leases(session); });
    auto usage_options = std::make_shared<UsageOptions>();
    CLI::App* usage = root->add_subcommand("usage", "what your account spent, by day");
    usage->add_option("--days", usage_options->days, "so many, today among them")
        ->capture_default_str()
        ->check(CLI::Range(1, 180));
    usage->add_option("--by", usage_options->by, "model (and jobs) or key")
        ->capture_default_str()
        ->check(CLI::IsMember({"model", "key"}));
    commands->on(usage, [usage_options](Session* session) { return show_usage(*usage_options, session); });
}

}  // namespace vcity::cli
