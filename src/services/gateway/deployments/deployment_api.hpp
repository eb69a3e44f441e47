// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/gateway/accounts/caller.hpp"
#include "services/gateway/deployments/deployment_desk.hpp"
#include "services/gateway/deployments/fleet_request.hpp"

namespace vcity::gateway {

inline constexpr std::string_view kDeploymentsPath = "/api/v1/deployments";
inline constexpr std::string_view kDeploymentPath = "/api/v1/deployments/";
inline constexpr std::string_view kDoorPath = "/d/";
inline constexpr std::string_view kDeploymentModel = "deployment/";  // in front of its name: a model of the OpenAI API

// Deployments (docs/serve.md). Every session and every key of a client sees and changes that client's deployments, and
// every key may call them; the key that made one pays for it.
class DeploymentApi {
  public:
    DeploymentApi(const Shared* shared, DeploymentDesk* desk) : shared_{shared}, desk_{desk} {}

    // exchange: of one of the first two paths, with a method that the route takes.
    Task<ApiResult<ports::HttpResponse>> answer(Exchange* exchange, Caller caller);

    // exchange: of kDoorPath; answers, or says what the answer is.
    Task<Refusal> enter(Exchange* exchange, KeyRecord key);

    // Whether the body of an OpenAI request names a deployment; if so serve_model() answers it.
    static bool is_for_deployment(const ports::HttpRequest& request);
    Task<Refusal> serve_model(Exchange* exchange, KeyRecord key);
    // As GET /v1/models lists them.
    void add_models(const Address& client, codec::Json* models) const;

  private:
    using Response = ApiResult<ports::HttpResponse>;

    Task<Response> create(Exchange* exchange, KeyRecord key);
    Task<Response> patch(Exchange* exchange, Caller caller, std::string id);
    Task<Response> remove(std::string id);
    Task<Response> events(Exchange* exchange, std::string id);
    Response sla(const Exchange& exchange, const Fleet& fleet) const;
    Task<Response> part(Exchange* exchange, Address client, std::string id, std::string rest);

    static Refusal check_key(const KeyRecord& key, const std::string& name);
    ApiResult<codec::Json> read_body(const Exchange& exchange) const;
    ApiResult<FleetRequest> parse(const codec::Json& body, const Caller& caller) const;
    Response show(const std::string& id, const Address& client) const;

    const Shared* shared_;
    DeploymentDesk* desk_;
};

// The object of the API.
codec::Json fleet_json(const Fleet& fleet, const std::string& public_url);

}  // namespace vcity::gateway
