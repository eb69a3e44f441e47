// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/command.hpp"
#include "services/gateway/work/offer_search.hpp"
#include "wiring/api_client.hpp"
#include "wiring/run.hpp"
#include "work/price_text.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

struct OffersOptions {
    std::string query;
    std::string order = "dph";
    std::uint32_t limit = 20;
};

struct ExplainOptions {
    std::string node;
    std::uint32_t unit = 0;
    std::uint32_t gpus = 0;  // 0: all of the unit
    double cpus = 0;         // 0: all of the unit
    std::uint32_t seconds = 3600;
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

double number_of(const Json& offer, const char* name) {
    const Json* value = offer.find(name);
    double number = 0;
    return value != nullptr && value->get_double(&number) ? number : 0;
}

// Dollars as the search tells them; it made them of whole millionths.
Usd usd_of(double dollars) {
    constexpr double kMicro = 1e6;
    return Usd{static_cast<std::uint64_t>(std::llround(dollars * kMicro))};
}

// The unit of a node whose address begins so. kNotFound; kInvalid when several nodes' do.
Result<Json> find_offer(const Json& answer, const ExplainOptions& options) {
    const Json* data = answer.find("data");
    const codec::JsonArray* offers = data == nullptr ? nullptr : data->get_array();
    std::vector<Json> found;
    for (const Json& offer : offers == nullptr ? codec::JsonArray{} : *offers) {
        if (cell(offer, "node").starts_with(options.node)) found.push_back(offer);
    }
    if (found.empty()) {
        return make_error(Errc::kNotFound, fmt::format("no unit {} of a node {}: 'vcity offers search' lists all",
                                                       options.unit, options.node));
    }
    if (found.size() > 1) {
        return make_error(Errc::kInvalid, fmt::format("{} nodes begin with {}", found.size(), options.node));
    }
    return std::move(found.front());
}

Result<work::PriceQuestion> question_of(const Json& offer, const ExplainOptions& options) {
    constexpr double kMilli = 1000;
    work::PriceQuestion question;
    question.seconds_max = options.seconds;
    question.offered = usd_of(number_of(offer, "dph_each"));
    const double gpus = number_of(offer, "num_gpus");
    const double cores = number_of(offer, "cpu_cores");
    if (options.gpus > gpus) return make_error(Errc::kInvalid, fmt::format("the unit has {} GPUs", gpus));
    if (options.cpus > cores) return make_error(Errc::kInvalid, fmt::format("the unit has {} cores", cores));
    question.ask.gpus = options.gpus > 0 ? options.gpus : static_cast<std::uint32_t>(gpus);
    question.ask.cpu_milli =
        static_cast<std::uint32_t>(std::lround((options.cpus > 0 ? options.cpus : cores) * kMilli));
    const double parts = gpus > 0 ? gpus : cores;
    const Json* bid = offer.find("min_bid");
    if (bid != nullptr && !bid->is_null() && parts > 0) {
        question.spot_offered = usd_of(number_of(offer, "min_bid") / parts);
    }
    return question;
}

Result<Exit> run_offer_explain(const ExplainOptions& options, Session* session) {
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, session->settings));
    const std::string query = percent_encoded(fmt::format("unit={}", options.unit));
    TRY(const Json answer, wiring::run_task(&runtime, client->get("/v1/offers?limit=1000&q=" + query)));
    TRY(const Json offer, find_offer(answer, options));
    TRY(const work::PriceQuestion question, question_of(offer, options));
    TRY(const work::PriceExplanation found, work::explain_price(question));
    if (session->output.is_json()) {
        codec::JsonArray reasons;
        for (const std::string& line : found.lines) reasons.emplace_back(line);
        session->output.print(Json{codec::JsonObject{
            {"node", cell(offer, "node")},
            {"unit", options.unit},
            {"hourly", to_string(found.hourly)},
            {"most", to_string(found.quote)},
            {"least_bid", found.spot_floor ? Json{to_string(*found.spot_floor)} : Json{}},
            {"reasons", std::move(reasons)},
        }});
        return Exit::kOk;
    }
    std::string text;
    for (const std::string& line : found.lines) text += line + "\n";
    session->output.print_text(text);
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
    auto price = std::make_shared<ExplainOptions>();
    CLI::App* explain = offers->add_subcommand("explain", "how the price of work on a unit comes about");
    explain->add_option("node", price->node, "address of the node, or how it begins")->required();
    explain->add_option("--unit", price->unit, "number of the node's unit")->capture_default_str();
    explain->add_option("--gpus", price->gpus, "whole GPUs; default: all of the unit");
    explain->add_option("--cpus", price->cpus, "cores; default: all of the unit")->check(CLI::Range(0.001, 1e6));
    explain->add_option("--seconds", price->seconds, "time that the work may take")
        ->capture_default_str()
        ->check(CLI::Range(1, 31'536'000));
    commands->on(explain, [price](Session* session) { return run_offer_explain(*price, session); });
    CLI::App* fields = offers->add_subcommand("fields", "what units can be searched by, with units of measure");
    commands->on(fields, [](Session* session) { return run_fields(session); });
}

}  // namespace vcity::cli
