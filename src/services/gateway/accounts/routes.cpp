// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/accounts/routes.hpp"

#include <array>

namespace vcity::gateway {
namespace {

constexpr Scopes kAny = Scopes::all();
constexpr Scopes kModels = Scope::kInference;
constexpr Scopes kRent = Scope::kRent;
constexpr Scopes kBilling = Scope::kBilling | Scope::kAdmin;
constexpr Scopes kNone{};

constexpr std::array kTable = {
    RouteSpec{"POST", "/v1/chat/completions", Route::kChat, Access::kKey, kModels},
    RouteSpec{"POST", "/v1/completions", Route::kCompletions, Access::kKey, kModels},
    RouteSpec{"POST", "/v1/responses", Route::kResponses, Access::kKey, kModels},
    RouteSpec{"POST", "/v1/embeddings", Route::kEmbeddings, Access::kKey, kModels},
    RouteSpec{"GET", "/v1/models", Route::kModels, Access::kKey, kAny},
    RouteSpec{"GET", "/v1/models/{id...}", Route::kModel, Access::kKey, kAny},
    RouteSpec{"GET", "/v1/generation", Route::kGeneration, Access::kKey, Scope::kInference | Scope::kBilling},
    RouteSpec{"GET", "/v1/key", Route::kOwnKey, Access::kKey, kAny},

    RouteSpec{"POST", "/v1/audio/speech", Route::kMedia, Access::kKey, kModels},
    RouteSpec{"POST", "/v1/images/generations", Route::kMedia, Access::kKey, kModels},

    RouteSpec{"GET", "/v1/batches", Route::kBatches, Access::kKey, kModels},
    RouteSpec{"POST", "/v1/batches", Route::kBatches, Access::kKey, kModels},
    RouteSpec{"GET", "/v1/batches/{id}", Route::kBatches, Access::kKey, kModels},
    RouteSpec{"POST", "/v1/batches/{id}/cancel", Route::kBatches, Access::kKey, kModels},

    RouteSpec{"GET", "/v1/files", Route::kFiles, Access::kKey, kModels | kRent},
    RouteSpec{"POST", "/v1/files", Route::kFiles, Access::kKey, kModels | kRent},
    RouteSpec{"GET", "/v1/files/{id}", Route::kFiles, Access::kKey, kModels | kRent},
    RouteSpec{"DELETE", "/v1/files/{id}", Route::kFiles, Access::kKey, kModels | kRent},
    RouteSpec{"GET", "/v1/files/{id}/content", Route::kFiles, Access::kKey, kModels | kRent},

    RouteSpec{"GET", "/v1/fine_tuning/jobs", Route::kFinetune, Access::kKey, kRent},
    RouteSpec{"POST", "/v1/fine_tuning/jobs", Route::kFinetune, Access::kKey, kRent},
    RouteSpec{"GET", "/v1/fine_tuning/jobs/{id}", Route::kFinetune, Access::kKey, kRent},
    RouteSpec{"GET", "/v1/fine_tuning/jobs/{id}/events", Route::kFinetune, Access::kKey, kRent},
    RouteSpec{"GET", "/v1/fine_tuning/jobs/{id}/checkpoints", Route::kFinetune, Access::kKey, kRent},
    RouteSpec{"POST", "/v1/fine_tuning/jobs/{id}/cancel", Route::kFinetune, Access::kKey, kRent},

    RouteSpec{"GET", "/v1/offers", Route::kWork, Access::kKey, kAny},
    RouteSpec{"GET", "/v1/jobs", Route::kWork, Access::kKey, kRent},
    RouteSpec{"POST", "/v1/jobs", Route::kWork, Access::kKey, kRent},
    RouteSpec{"GET", "/v1/jobs/{id}", Route::kWork, Access::kKey, kRent},
    RouteSpec{"DELETE", "/v1/jobs/{id}", Route::kWork, Access::kKey, kRent},
    RouteSpec{"GET", "/v1/jobs/{id}/logs", Route::kWork, Access::kKey, kRent},
    RouteSpec{"GET", "/v1/jobs/{id}/explain", Route::kWork, Access::kKey, kRent},
    RouteSpec{"GET", "/v1/jobs/{id}/files", Route::kWork, Access::kKey, kRent},
    RouteSpec{"GET", "/v1/jobs/{id}/files/{name...}", Route::kWork, Access::kKey, kRent},
    RouteSpec{"POST", "/v1/jobs/{id}/links", Route::kTunnel, Access::kKey, kRent},
    RouteSpec{"*", "/v1/jobs/{id}/ports/{place...}", Route::kTunnel, Access::kKey, kRent},

    RouteSpec{"GET", "/api/v1/deployments", Route::kDeployments, Access::kAccount, kRent},
    RouteSpec{"POST", "/api/v1/deployments", Route::kDeployments, Access::kKey, kRent},
    RouteSpec{"GET", "/api/v1/deployments/{name}", Route::kDeployments, Access::kAccount, kRent},
    RouteSpec{"PATCH", "/api/v1/deployments/{name}", Route::kDeployments, Access::kAccount, kRent},
    RouteSpec{"DELETE", "/api/v1/deployments/{name}", Route::kDeployments, Access::kAccount, kRent},
    RouteSpec{"POST", "/api/v1/deployments/{name}/pause", Route::kDeployments, Access::kAccount, kRent},
    RouteSpec{"POST", "/api/v1/deployments/{name}/resume", Route::kDeployments, Access::kAccount, kRent},
    RouteSpec{"GET", "/api/v1/deployments/{name}/events", Route::kDeployments, Access::kAccount, kRent},
    RouteSpec{"GET", "/api/v1/deployments/{name}/sla", Route::kDeployments, Access::kAccount, kRent},
    RouteSpec{"*", "/d/{place...}", Route::kDoor, Access::kKey, kModels | kRent},

    RouteSpec{"GET", "/api/v1/siwe/nonce", Route::kSignIn, Access::kPublic, kNone},
    RouteSpec{"POST", "/api/v1/siwe/sessions", Route::kSignIn, Access::kPublic, kNone},
    RouteSpec{"DELETE", "/api/v1/siwe/sessions/current", Route::kAccounts, Access::kSession, kNone},
    RouteSpec{"GET", "/api/v1/account", Route::kAccounts, Access::kAccount, kBilling},
    RouteSpec{"GET", "/api/v1/cap/terms", Route::kAccounts, Access::kAccount, Scope::kAdmin},
    RouteSpec{"GET", "/api/v1/keys", Route::kAccounts, Access::kAccount, Scope::kAdmin},
    RouteSpec{"POST", "/api/v1/keys", Route::kAccounts, Access::kAccount, Scope::kAdmin},
    RouteSpec{"GET", "/api/v1/keys/{id}", Route::kAccounts, Access::kAccount, Scope::kAdmin},
    RouteSpec{"PATCH", "/api/v1/keys/{id}", Route::kAccounts, Access::kAccount, Scope::kAdmin},
    RouteSpec{"DELETE", "/api/v1/keys/{id}", Route::kAccounts, Access::kAccount, Scope::kAdmin},

    RouteSpec{"GET", "/api/v1/webhooks", Route::kWebhooks, Access::kAccount, Scope::kAdmin},
    RouteSpec{"POST", "/api/v1/webhooks", Route::kWebhooks, Access::kAccount, Scope::kAdmin},
    RouteSpec{"GET", "/api/v1/webhooks/{id}", Route::kWebhooks, Access::kAccount, Scope::kAdmin},
    RouteSpec{"PATCH", "/api/v1/webhooks/{id}", Route::kWebhooks, Access::kAccount, Scope::kAdmin},
    RouteSpec{"DELETE", "/api/v1/webhooks/{id}", Route::kWebhooks, Access::kAccount, Scope::kAdmin},
    RouteSpec{"POST", "/api/v1/webhooks/{id}/secret", Route::kWebhooks, Access::kAccount, Scope::kAdmin},
    RouteSpec{"POST", "/api/v1/webhooks/{id}/test", Route::kWebhooks, Access::kAccount, Scope::kAdmin},
    RouteSpec{"GET", "/api/v1/webhooks/{id}/deliveries", Route::kWebhooks, Access::kAccount, Scope::kAdmin},
    RouteSpec{"POST", "/api/v1/webhooks/{id}/deliveries/{delivery}/resend", Route::kWebhooks, Access::kAccount,
              Scope::kAdmin},

    RouteSpec{"*", "/p/{link...}", Route::kTunnel, Access::kToken, kNone},
    RouteSpec{"*", "/tunnels/{secret...}", Route::kTunnel, Access::kToken, kNone},
    RouteSpec{"GET", "/files/{token}/{sha256...}", Route::kNodeFiles, Access::kToken, kNone},
    RouteSpec{"HEAD", "/files/{token}/{sha256...}", Route::kNodeFiles, Access::kToken, kNone},
    RouteSpec{"PUT", "/files/{token}/{sha256...}", Route::kNodeFiles, Access::kToken, kNone},

    RouteSpec{"GET", "/health", Route::kHealth, Access::kPublic, kNone},
    RouteSpec{"GET", "/ready", Route::kReady, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/network", Route::kPlatform, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/offers", Route::kPlatform, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/nodes", Route::kExplorer, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/nodes/{address}", Route::kExplorer, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/batches", Route::kExplorer, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/events", Route::kExplorer, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/totals", Route::kExplorer, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/accounts/{address}", Route::kExplorer, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/caps/{id}", Route::kExplorer, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/offers/history", Route::kPlatform, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/receipts/{hash}", Route::kPlatform, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/stakes/{address}", Route::kExplorer, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/proposals", Route::kExplorer, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/proposals/{id}", Route::kExplorer, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/proposals/{id}/votes", Route::kExplorer, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/incentives", Route::kExplorer, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/fees", Route::kExplorer, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/cases", Route::kExplorer, Access::kPublic, kNone},
    RouteSpec{"GET", "/api/v1/cases/{id}", Route::kExplorer, Access::kPublic, kNone},
    RouteSpec{"GET", "/openapi.json", Route::kPlatform, Access::kPublic, kNone},

    RouteSpec{"GET", "/v1/organization/usage/completions", Route::kUsage, Access::kAccount, Scope::kBilling},
    RouteSpec{"GET", "/v1/organization/usage/embeddings", Route::kUsage, Access::kAccount, Scope::kBilling},
    RouteSpec{"GET", "/v1/organization/costs", Route::kUsage, Access::kAccount, Scope::kBilling},
    RouteSpec{"GET", "/api/v1/jobs", Route::kAccountWork, Access::kAccount, kRent},
    RouteSpec{"GET", "/api/v1/jobs/{id}", Route::kAccountWork, Access::kAccount, kRent},
    RouteSpec{"DELETE", "/api/v1/jobs/{id}", Route::kAccountWork, Access::kAccount, kRent},
    RouteSpec{"GET", "/api/v1/jobs/{id}/logs", Route::kAccountWork, Access::kAccount, kRent},
    RouteSpec{"GET", "/api/v1/jobs/{id}/explain", Route::kAccountWork, Access::kAccount, kRent},
    RouteSpec{"GET", "/api/v1/jobs/{id}/files", Route::kAccountWork, Access::kAccount, kRent},
    RouteSpec{"GET", "/api/v1/jobs/{id}/files/{name...}", Route::kAccountWork, Access::kAccount, kRent},
    RouteSpec{"GET", "/api/v1/leases", Route::kAccountWork, Access::kAccount, kRent},

    RouteSpec{"GET", "/admin/keys", Route::kAdminKeys, Access::kOperator, kNone},
    RouteSpec{"POST", "/admin/keys", Route::kAdminKeys, Access::kOperator, kNone},
    RouteSpec{"DELETE", "/admin/keys/{id}", Route::kAdminKey, Access::kOperator, kNone},
};

// Takes what stands before the next '/', and that.
std::string_view take_segment(std::string_view* text) {
    const std::size_t slash = text->find('/');
    const std::string_view segment = text->substr(0, slash);
    text->remove_prefix(slash == std::string_view::npos ? text->size() : slash + 1);
    return segment;
}

bool ends_after(std::string_view text, std::string_view segment) {
    return text.size() == segment.size();
}

}  // namespace

std::span<const RouteSpec> route_table() {
    return kTable;
}

bool matches_pattern(std::string_view pattern, std::string_view path) {
    while (true) {
        const std::string_view wanted_text = pattern;
        const std::string_view given_text = path;
        const std::string_view wanted = take_segment(&pattern);
        if (wanted.ends_with("...}")) return !given_text.empty();
        const std::string_view given = take_segment(&path);
        if (wanted.starts_with('{') ? given.empty() : wanted != given) return false;
        const bool pattern_ends = ends_after(wanted_text, wanted);
        const bool path_ends = ends_after(given_text, given);
        if (pattern_ends || path_ends) return pattern_ends && path_ends;
    }
}

ApiResult<RouteSpec> find_route(std::string_view method, std::string_view path) {
    std::string methods;
    for (const RouteSpec& row : kTable) {
        if (!matches_pattern(row.pattern, path)) continue;
        if (row.method == method || row.method == "*") return row;
        methods += (methods.empty() ? "" : ", ") + std::string{row.method};
    }
    ApiError error;
    error.code = methods.empty() ? ErrorCode::kRouteNotFound : ErrorCode::kMethodNotAllowed;
    const std::string shown{path.substr(0, 128)};
    error.message = methods.empty() ? "there is nothing at " + shown
                                    : shown + " takes " + methods + ", not " + std::string{method.substr(0, 16)};
    return error;
}

}  // namespace vcity::gateway
