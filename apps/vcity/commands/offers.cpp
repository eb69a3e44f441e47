// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/command.hpp"
#include "services/gateway/work/offer_search.hpp"
#include "wiring/api_client.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

struct OffersOptions {
    std::string query;
    std::string order = "dph";
    std::uint32_t limit = 20;
};

std::string percent_encoded(std::string_view text) {
    std::string encoded;
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        const bool is_plain = std::isalnum(byte) != 0 || character == '-' || character == '_' || character == '.';
        encoded += is_plain ? std::string{character} : fmt::format("%{:02X}", byte);
    }
    return encoded;
}

std::string cell(const Json& offer, const char* name) {
    const Json* value = offer.find(name);
    if (value == nullptr || value->is_null()) return "-";
    if (value->get_string() != nullptr) return *value->get_string();
    double number = 0;
    return value->get_double(&number) ? fmt::format("{:.6g}", number) : codec::dump_json(*value);
}

void print_offers(const Json& answer, Session* session) {
    if (session->output.is_json()) return session->output.print(answer);
    const Json* data = answer.find("data");
    const codec::JsonArray* offers = data == nullptr ? nullptr : data->get_array();
    Table table{.titles = {"Node", "Unit", "N", "Model", "VRAM GiB", "Cores", "Free", "RAM GiB", "Disk GiB", "$/hr",
                           "Min bid", "R", "Level", "Kind", "Region"},
                .rows = {}};
    for (const Json& offer : offers == nullptr ? codec::JsonArray{} : *offers) {
        const bool has_gpus = cell(offer, "num_gpus") != "0";
        table.rows.push_back(
            {cell(offer, "node").substr(0, 10), cell(offer, "unit"), cell(offer, "num_gpus"), cell(offer, "gpu_name"),
             cell(offer, "gpu_ram"), cell(offer, "cpu_cores"), cell(offer, has_gpus ? "gpus_free" : "cpu_cores_free"),
             cell(offer, "cpu_ram"), cell(offer, "disk_space"), cell(offer, "dph"), cell(offer, "min_bid"),
             cell(offer, "reliability"), cell(offer, "verification"), cell(offer, "kind"), cell(offer, "geolocation")});
    }
    session->output.print(table);
    if (table.rows.empty()) {
        session->output.note(
            "No unit matches. 'vcity offers search \"\"' lists all, 'vcity offers fields' what can be "
            "searched by.");
    }
}

Result<Exit> run_search(const OffersOptions& options, Session* session) {
    // A typing error is told without a network.
    const auto search = gateway::parse_offer_search(options.query, options.order, std::to_string(options.limit));
    if (!search) return make_error(Errc::kInvalid, search.error().message);
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, session->settings));
    const std::string path = fmt::format("/v1/offers?q={}&order={}&limit={}", percent_encoded(options.query),
                                         percent_encoded(options.order), options.limit);
    TRY(const Json answer, wiring::run_task(&runtime, client->get(path)));
    print_offers(answer, session);
    return Exit::kOk;
}

Result<Exit> run_fields(Session* session) {
    Table table{.titles = {"Field", "Type", "Meaning"}, .rows = {}};
    for (const search::Field& field : gateway::offer_fields()) {
        std::string type;
        switch (field.type) {
            case search::FieldType::kNumber: type = "number"; break;
            case search::FieldType::kFlag: type = "true or false"; break;
            case search::FieldType::kText: type = "text"; break;
        }
        table.rows.push_back({std::string{field.name}, type, std::string{field.meaning}});
    }
    session->output.print(table);
    return Exit::kOk;
}

}  // namespace

void add_offers_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<OffersOptions>();
    CLI::App* offers = root->add_subcommand("offers", "units that can be had now");
    offers->require_subcommand(1);
    CLI::App* search = offers->add_subcommand("search", "units that fulfil all conditions, the cheapest first");
    search->add_option("query", options->query, "e.g. 'num_gpus>=1 gpu_name in [H100_SXM,H200] dph<2 verified=true'");
    search->add_option("--order", options->order, "fields by importance, '-' behind one for descending")
        ->capture_default_str();
    search->add_option("--limit", options->limit, "rows at most")->capture_default_str()->check(CLI::Range(1, 1000));
    commands->on(search, [options](Session* session) { return run_search(*options, session); });
    CLI::App* fields = offers->add_subcommand("fields", "what units can be searched by, with units of measure");
    commands->on(fields, [](Session* session) { return run_fields(session); });
}

}  // namespace vcity::cli
