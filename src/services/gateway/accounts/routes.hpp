// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "services/gateway/api/api_error.hpp"
#include "services/gateway/keys/scopes.hpp"

namespace vcity::gateway {

// Which part of the gateway answers.
enum class Route : std::uint8_t {
    kHealth,
    kReady,
    kModels,
    kModel,
    kChat,
    kCompletions,
    kEmbeddings,
    kResponses,
    kGeneration,
    kOwnKey,
    kWork,
    kFiles,
    kFinetune,
    kNodeFiles,
    kBatches,
    kMedia,
    kTunnel,
    kDeployments,
    kDoor,
    kPlatform,
    kExplorer,
    kUsage,
    kAccountWork,
    kAdminKeys,
    kAdminKey,
    kSignIn,
    kAccounts,
    kWebhooks,
};

// Who must show what before a request is looked at.
enum class Access : std::uint8_t {
    kPublic,   // nothing
    kToken,    // a proof within the path itself, which the route's own part checks
    kKey,      // an API key with one of the route's scopes
    kAccount,  // a session, or an API key with one of the route's scopes
    kSession,  // a session
    kOperator  // the admin token of this gateway
};

// Whether requests are counted and bounded. What anybody may ask for, and what the operator and nodes ask for, costs
// little and is needed under load too.
constexpr bool takes_seat(Access access) {
    return access == Access::kKey || access == Access::kAccount || access == Access::kSession;
}

struct RouteSpec {
    std::string_view method;   // "*": every method
    std::string_view pattern;  // {name}: one segment that is not empty; {name...} at the end: at least one byte
    Route route;
    Access access;
    Scopes scopes;  // of kKey and kAccount: one of them is enough
};

// A text from a language model, in one of the forms of OpenAI's API.
constexpr bool is_model_call(Route route) {
    return route == Route::kChat || route == Route::kCompletions || route == Route::kResponses;
}

// Every endpoint of the gateway: the routing, the access control and the test of all rights read the same table.
std::span<const RouteSpec> route_table();

bool matches_pattern(std::string_view pattern, std::string_view path);
// kRouteNotFound, kMethodNotAllowed.
ApiResult<RouteSpec> find_route(std::string_view method, std::string_view path);

}  // namespace vcity::gateway
