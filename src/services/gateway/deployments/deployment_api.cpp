// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/deployments/deployment_api.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "codec/hex.hpp"
#include "services/common/http_text.hpp"
#include "services/gateway/files/files_api.hpp"
#include "services/gateway/work/spec_reader.hpp"
#include "services/gateway/work/work_json.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;

constexpr std::size_t kEventsMax = 500;

ApiError no_such(std::string_view name) {
    return spec::refusal(ErrorCode::kDeploymentNotFound, "name",
                         fmt::format("no deployment '{}' belongs to this key's client", name.substr(0, 64)));
}

ApiError to_api_error(const Error& error) {
    if (error.code == Errc::kConflict) return spec::refusal(ErrorCode::kDeploymentExists, "name", error.message);
    if (error.code == Errc::kExhausted) return spec::refusal(ErrorCode::kGatewayOverloaded, "", error.message);
    return spec::refusal(ErrorCode::kInternalError, "", "the deployment cannot be written down");
}

// "" when there is no such member.
std::string text_of(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    return value == nullptr || value->get_string() == nullptr ? std::string{} : *value->get_string();
}

// The name of the deployment that a body's "model" names; empty for any other.
std::string model_deployment(const Json& body) {
    const std::string model = text_of(body, "model");
    return model.starts_with(kDeploymentModel) ? model.substr(kDeploymentModel.size()) : std::string{};
}

bool read_number(std::string_view text, std::uint64_t* out) {
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), *out);
    return code == std::errc{} && stop == text.data() + text.size();
}

// A budget that is spent or bound already cannot be taken back.
Refusal check_budget(const Fleet& fleet, const FleetTerms& terms) {
    const Usd bound{fleet.spent.micro + fleet.reserved().micro};
    if (terms.budget >= bound) return std::nullopt;
    return spec::refusal(ErrorCode::kInvalidValue, "budget",
                         fmt::format("the budget of ${} is less than the ${} that are spent and reserved already",
                                     to_string(terms.budget), to_string(bound)));
}

}  // namespace

Task<DeploymentApi::Response> DeploymentApi::answer(Exchange* exchange, Caller caller) {
    const std::string path{services::path_of(exchange->request.target)};
    const Address client = caller.account;
    if (path == kDeploymentsPath) {
        if (exchange->request.method == "POST") {
            co_return co_await create(exchange, *std::move(caller.key));
        }
        codec::JsonArray data;
        for (const Fleet* fleet : desk_->of(client)) data.push_back(fleet_json(*fleet, shared_->options->public_url));
        co_return services::json_response(codec::JsonObject{{"object", "list"}, {"data", std::move(data)}});
    }
    const std::string rest = path.substr(kDeploymentPath.size());
    const std::size_t slash = rest.find('/');
    const std::string name = services::percent_decoded(rest.substr(0, slash));
    const Fleet* fleet = desk_->find(client, name);
    if (fleet == nullptr) co_return no_such(name);
    std::string id = fleet->id;
    if (slash != std::string::npos) {
        std::string inner = rest.substr(slash + 1);
        co_return co_await part(exchange, client, std::move(id), std::move(inner));
    }
    if (exchange->request.method == "PATCH") {
        co_return co_await patch(exchange, std::move(caller), std::move(id));
    }
    if (exchange->request.method == "DELETE") {
        co_return co_await remove(std::move(id));
    }
    if (exchange->request.method != "GET") {
        co_return spec::refusal(ErrorCode::kMethodNotAllowed, "", "a deployment takes GET, PATCH and DELETE");
    }
    co_return services::json_response(fleet_json(*fleet, shared_->options->public_url));
}

Task<DeploymentApi::Response> DeploymentApi::part(Exchange* exchange,
                                                  Address client,
                                                  std::string id,
                                                  std::string rest) {
    const bool is_get = exchange->request.method == "GET";
    if (rest == "events" && is_get) {
        co_return co_await events(exchange, std::move(id));
    }
    if (rest == "sla" && is_get) co_return sla(*exchange, *desk_->find(client, id));
    if ((rest == "pause" || rest == "resume") && exchange->request.method == "POST") {
        const Result<void> done = co_await desk_->pause(id, rest == "pause");
        if (!done) co_return to_api_error(done.error());
        co_return show(id, client);
    }
    co_return spec::refusal(ErrorCode::kRouteNotFound, "",
                            "a deployment has GET /events and /sla, and POST /pause and /resume");
}

DeploymentApi::Response DeploymentApi::show(const std::string& id, const Address& client) const {
    const Fleet* fleet = desk_->find(client, id);
    if (fleet == nullptr) return no_such(id);
    return services::json_response(fleet_json(*fleet, shared_->options->public_url));
}

// --- making and changing

ApiResult<Json> DeploymentApi::read_body(const Exchange& exchange) const {
    const std::string_view type = exchange.request.headers.get("content-type");
    if (!type.empty() && type.find("json") == std::string_view::npos) {
        return spec::refusal(ErrorCode::kUnsupportedMediaType, "", "the body must be application/json");
    }
    RequestLimits limits = shared_->options->limits;
    limits.body_bytes_max = shared_->options->work_body_bytes_max;
    return parse_body(exchange.request.body, limits);
}

ApiResult<FleetRequest> DeploymentApi::parse(const Json& body, const Caller& caller) const {
    ApiResult<FleetRequest> request =
        parse_fleet_request(body, [this, &caller](const std::string& id, const std::string& path) {
            return shared_->files->resolve(caller.account, id, path);
        });
    if (!request || !caller.key) return request;
    const Usd limit = caller.key->terms.cap.cap.limit;
    if (request->terms.budget <= limit) return request;
    return spec::refusal(ErrorCode::kInsufficientBalance, "budget",
                         fmt::format("the budget of ${} is above the whole spending cap of ${}",
                                     to_string(request->terms.budget), to_string(limit)));
}

Task<DeploymentApi::Response> DeploymentApi::create(Exchange* exchange, KeyRecord key) {
    if (!key.terms.models.empty()) {
        co_return spec::refusal(ErrorCode::kWorkNotAllowed, "",
                                "this key is for calls of the models that it names only");
    }
    ApiResult<Json> body = read_body(*exchange);
    if (!body) co_return std::move(body).error();
    const Caller caller{.account = key.terms.cap.cap.client, .key = key};
    ApiResult<FleetRequest> request = parse(*body, caller);
    if (!request) co_return std::move(request).error();
    Fleet fleet;
    fleet.name = request->name;
    fleet.owner = key.digest;
    fleet.client = key.terms.cap.cap.client;
    fleet.request = *std::move(body);
    fleet.terms = request->terms;
    fleet.is_enterprise = request->is_enterprise;
    fleet.availability_bp = request->availability_bp;
    const Address client = fleet.client;
    FleetVersion version = std::move(request->version);
    const Result<std::string> id = co_await desk_->add(std::move(fleet), std::move(version));
    if (!id) co_return to_api_error(id.error());
    Response response = show(*id, client);
    if (response) response->status = 201;
    if (response) exchange->headers.set("location", std::string{kDeploymentPath} + *id);
    co_return response;
}

Task<DeploymentApi::Response> DeploymentApi::patch(Exchange* exchange, Caller caller, std::string id) {
    const Address client = caller.account;
    const Fleet* fleet = desk_->find(client, id);
    if (fleet->is_removed) co_return no_such(fleet->name);
    const ApiResult<Json> body = read_body(*exchange);
    if (!body) co_return body.error();
    ApiResult<Json> whole = patched_request(fleet->request, *body);
    if (!whole) co_return std::move(whole).error();
    ApiResult<FleetRequest> request = parse(*whole, caller);
    if (!request) co_return std::move(request).error();
    if (request->is_enterprise != fleet->is_enterprise || request->availability_bp != fleet->availability_bp) {
        co_return spec::refusal(ErrorCode::kInvalidValue, "kind", "kind and sla of a deployment stay what they are");
    }
    if (Refusal refused = check_budget(*fleet, request->terms)) co_return *std::move(refused);
    FleetTerms terms = request->terms;
    FleetVersion version = std::move(request->version);
    Json kept = *std::move(whole);
    const Result<void> changed = co_await desk_->change(id, std::move(kept), terms, std::move(version));
    if (!changed) co_return to_api_error(changed.error());
    co_return show(id, client);
}

Task<DeploymentApi::Response> DeploymentApi::remove(std::string id) {
    const Result<void> removed = co_await desk_->remove(id);
    if (!removed) co_return to_api_error(removed.error());
    co_return services::json_response(codec::JsonObject{{"id", id}, {"object", "deployment"}, {"deleted", true}});
}

// --- what happened, and how well it went

Task<DeploymentApi::Response> DeploymentApi::events(Exchange* exchange, std::string id) {
    std::uint64_t after = 0;
    const std::string text = services::percent_decoded(services::query_of(exchange->request.target, "after"));
    if (!text.empty() && !read_number(text, &after)) {
        co_return spec::refusal(ErrorCode::kInvalidValue, "after", Json{text.substr(0, 32)}, "the number of an event");
    }
    const Result<std::vector<StoredEvent>> list = co_await desk_->events(std::move(id), after, kEventsMax);
    if (!list) co_return to_api_error(list.error());
    codec::JsonArray data;
    constexpr double kMillis = 1000;
    for (const StoredEvent& stored : *list) {
        data.emplace_back(codec::JsonObject{{"number", stored.number},
                                            {"at", static_cast<double>(stored.event.at.count()) / kMillis},
                                            {"kind", stored.event.kind},
                                            {"text", stored.event.text}});
    }
    co_return services::json_response(codec::JsonObject{{"object", "list"}, {"data", std::move(data)}});
}

// "2026-11"; without one, all months.
DeploymentApi::Response DeploymentApi::sla(const Exchange& exchange, const Fleet& fleet) const {
    constexpr std::size_t kMonthText = 7;
    const std::string text = services::percent_decoded(services::query_of(exchange.request.target, "month"));
    codec::JsonArray data;
    for (const SlaMonth& month : desk_->months(fleet.id)) {
        data.push_back(sla_report(month, fleet.name, fleet.availability_bp));
    }
    if (text.empty()) return services::json_response(codec::JsonObject{{"object", "list"}, {"data", std::move(data)}});
    std::uint64_t year = 0;
    std::uint64_t month = 0;
    const bool is_month = text.size() == kMonthText && text[4] == '-' && read_number(text.substr(0, 4), &year) &&
                          read_number(text.substr(5), &month) && month >= 1 && month <= 12;
    if (!is_month) {
        return spec::refusal(ErrorCode::kInvalidValue, "month", Json{text.substr(0, 32)}, "a month such as 2026-11");
    }
    for (const Json& report : data) {
        if (text_of(report, "month") == text) return services::json_response(report);
    }
    SlaMonth empty;
    empty.month = static_cast<std::uint32_t>(year * 100 + month);
    return services::json_response(sla_report(empty, fleet.name, fleet.availability_bp));
}

// --- requests for what is deployed

// A key for some models is for those deployments only that it names among them.
Refusal DeploymentApi::check_key(const KeyRecord& key, const std::string& name) {
    const std::vector<std::string>& models = key.terms.models;
    const std::string model = std::string{kDeploymentModel} + name;
    if (models.empty() || std::ranges::find(models, model) != models.end()) return std::nullopt;
    return spec::refusal(ErrorCode::kModelNotAllowed, "model", fmt::format("this key may not use {}", model));
}

Task<Refusal> DeploymentApi::enter(Exchange* exchange, KeyRecord key) {
    const std::string_view target = exchange->request.target;
    const std::string_view inner = target.substr(kDoorPath.size());
    const std::size_t end = inner.find_first_of("/?");
    std::string name = services::percent_decoded(inner.substr(0, end));
    std::string rest = end == std::string_view::npos ? "/" : std::string{inner.substr(end)};
    if (rest.front() == '?') rest.insert(rest.begin(), '/');
    Refusal refused = check_key(key, name);
    if (refused) co_return refused;
    const Address client = key.terms.cap.cap.client;
    co_return co_await desk_->forward(exchange, client, std::move(name), std::move(rest));
}

bool DeploymentApi::is_for_deployment(const ports::HttpRequest& request) {
    // Cheap, and no body without this text is for one.
    if (request.body.find("\"deployment/") == std::string::npos) return false;
    const Result<Json> body = codec::parse_json(request.body);
    return body && !model_deployment(*body).empty();
}

Task<Refusal> DeploymentApi::serve_model(Exchange* exchange, KeyRecord key) {
    Result<Json> body = codec::parse_json(exchange->request.body);
    if (!body) co_return spec::refusal(ErrorCode::kInvalidJson, "", "the body is no JSON");
    std::string name = model_deployment(*body);
    Refusal refused = check_key(key, name);
    if (refused) co_return refused;
    const Address client = key.terms.cap.cap.client;
    const Fleet* fleet = desk_->find(client, name);
    const FleetVersion* version = fleet == nullptr ? nullptr : fleet->version(fleet->stable);
    if (version == nullptr || version->openai_model.empty()) {
        co_return spec::refusal(
            ErrorCode::kModelNotFound, "model",
            fmt::format("no deployment '{}' of this key's client serves the OpenAI API; it must say "
                        "so with 'openai'",
                        name.substr(0, 64)));
    }
    body->set("model", version->openai_model);
    exchange->request.body = codec::dump_json(*body);
    std::string rest{services::path_of(exchange->request.target)};
    co_return co_await desk_->forward(exchange, client, std::move(name), std::move(rest));
}

void DeploymentApi::add_models(const Address& client, Json* models) const {
    const Json* listed = models->find("data");
    if (listed == nullptr || listed->get_array() == nullptr) return;
    codec::JsonArray data = *listed->get_array();
    for (const Fleet* fleet : desk_->of(client)) {
        const FleetVersion* version = fleet->version(fleet->stable);
        if (fleet->is_removed || version == nullptr || version->openai_model.empty()) continue;
        data.emplace_back(codec::JsonObject{{"id", std::string{kDeploymentModel} + fleet->name},
                                            {"object", "model"},
                                            {"created", fleet->created_at.count() / 1000},
                                            {"owned_by", codec::to_hex(fleet->client)}});
    }
    models->set("data", std::move(data));
}

}  // namespace vcity::gateway
