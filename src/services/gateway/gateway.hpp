// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/task_group.hpp"
#include "base/secret.hpp"
#include "ports/blobs.hpp"
#include "ports/http.hpp"
#include "ports/link.hpp"
#include "ports/signer.hpp"
#include "ports/store.hpp"
#include "services/gateway/accounts/accounts_api.hpp"
#include "services/gateway/accounts/routes.hpp"
#include "services/gateway/batches/batch_api.hpp"
#include "services/gateway/deployments/deployment_api.hpp"
#include "services/gateway/exchange.hpp"
#include "services/gateway/files/files_api.hpp"
#include "services/gateway/finetune/finetune_api.hpp"
#include "services/gateway/media/media_api.hpp"
#include "services/gateway/platform/account_work.hpp"
#include "services/gateway/platform/platform_api.hpp"
#include "services/gateway/state/room.hpp"
#include "services/gateway/tunnels/tunnel_api.hpp"
#include "services/gateway/usage/delivery_log.hpp"
#include "services/gateway/usage/usage_api.hpp"
#include "services/gateway/webhooks/webhook_api.hpp"
#include "services/gateway/work/work_api.hpp"
#include "services/gateway/x402/desk.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace vcity::gateway {

struct GatewayDeps {
    Runtime* runtime = nullptr;
    ports::Store* store = nullptr;
    ports::LinkDialer* dialer = nullptr;
    ports::Signer* signer = nullptr;  // the gateway's own identity, on the scheduler's allow-list
    MetricRegistry* metrics = nullptr;
    Log log;
    Deployment deployment;
    SecretBytes key_pepper;             // at least 32 bytes, from a file that only the gateway reads
    SecretBytes admin_token;            // what 'Authorization: Bearer' must hold on /admin; empty: no admin endpoints
    ports::BlobStore* blobs = nullptr;  // contents of files; null: this gateway keeps none
    ports::HttpClient* http = nullptr;  // for the indexer; null: nothing of the chain is shown
    // For the URLs of strangers: it must refuse all but public addresses. Null: no webhooks.
    ports::HttpClient* webhook_http = nullptr;
    std::string openapi = {};  // the text of docs/api/openapi.json; empty: it is not served
};

// The OpenAI-compatible front of the network (docs/api/openai.md). Knows API keys and their spending caps, turns
// requests into jobs on one scheduler, checks the signed receipt of each before it vouches for the answer.
// Its endpoints: accounts/routes.hpp.
class Gateway final : public ports::HttpHandler {
  public:
    Gateway(GatewayDeps deps, GatewayOptions options);
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;

    // Reads what the store holds; requests may come once it succeeded.
    Task<Result<void>> start();
    // Keeps the scheduler link and writes behind, until stop(). Returns when both have ended.
    Task<void> run();
    // Ends run(). Requests under way end with errors.
    void stop();
    // Linked to a scheduler with at least one model on offer.
    bool is_ready() const;

    Task<void> handle(ports::HttpRequest request, ports::HttpResponder* responder) override;
    std::optional<std::uint64_t> streams_body(const ports::HttpRequest& head) const override;

  private:
    Task<void> answer(Exchange* exchange);
    Task<void> serve(Exchange* exchange, Caller caller, const RouteSpec& route);  // who may have it
    Task<void> generate(Exchange* exchange, KeyRecord key, Route route);
    // A call without a key, paid by itself.
    Task<void> sell(Exchange* exchange, Route route);
    Task<void> deliver_sold(Exchange* exchange, x402::Sale sale, x402::Payment payment, Route route);
    Task<void> generate_choices(Exchange* exchange, KeyRecord key, GenerationRequest request);
    Task<ApiResult<ports::HttpResponse>> embeddings(Exchange* exchange, KeyRecord key);
    Task<void> serve_tunnel(Exchange* exchange, std::optional<KeyRecord> owner);
    Task<void> serve_deployment(Exchange* exchange, KeyRecord key, Route route);
    Task<ApiResult<ports::HttpResponse>> answer_open(Exchange* exchange, Route route);
    Task<ApiResult<ports::HttpResponse>> answer_keyed(Exchange* exchange, KeyRecord key, Route route);
    Task<ApiResult<ports::HttpResponse>> answer_account(Exchange* exchange, Caller caller, Route route);
    Task<ApiResult<ports::HttpResponse>> answer_operator(Exchange* exchange, Route route);
    Task<void> send(Exchange* exchange, ApiResult<ports::HttpResponse> response);
    Task<ApiResult<ports::HttpResponse>> generation(Exchange* exchange, KeyRecord key);
    Task<ApiResult<ports::HttpResponse>> admin_keys(Exchange* exchange);
    Task<ApiResult<ports::HttpResponse>> admin_key(Exchange* exchange);
    Task<void> keep_counters();
    // Asks what became of jobs whose end somebody awaits.
    Task<void> watch_jobs();
    bool is_end_awaited(const Address& account, const JobId& job_id) const;
    void note_job_end(const WorkNote& note, WorkState state, Usd charged);
    void note_key_event(const KeyEvent& event);

    ApiResult<Caller> identify(Exchange* exchange, const RouteSpec& route);  // who asks
    static ApiError no_room();
    // That the caller may: rates, addresses, scopes.
    Refusal admit(Exchange* exchange, const RouteSpec& route, const Caller& caller);
    // The bearer of a key, or of a session where the route takes one.
    ApiResult<Caller> authenticate(const Exchange& exchange, Access access);
    ApiResult<GenerationRequest> read_generation(Exchange* exchange, Route route);
    Refusal take_rate(Exchange* exchange, const Caller& caller);
    Refusal check_admin(const Exchange& exchange) const;
    ApiResult<ports::HttpResponse> model(const Exchange& exchange, const KeyRecord& key) const;
    ports::HttpResponse readiness() const;

    Runtime* runtime_;
    ports::Store* store_;
    Deployment deployment_;
    GatewayOptions options_;
    SecretBytes admin_token_;
    Hash sessions_secret_;  // these two from the pepper: they must survive a restart and never be known
    Hash files_secret_;
    Log log_;
    Metrics metrics_;
    Schedulers schedulers_;
    KeyRing keys_;
    SessionBook sessions_;
    WriteBehind writes_;
    GenerationLog generations_;
    IdempotencyBook idempotency_;
    WorkLog work_log_;
    FinetuneBook finetune_book_;
    UsageBook usage_;
    ReceiptIndex receipts_;
    PriceBoard prices_{&writes_};
    DeliveryLog deliveries_{&usage_, &receipts_};
    RateLimiter auth_failures_{10'000};
    RateLimiter session_rates_{100'000};
    TaskGroup tasks_;
    Notifier stopped_;
    bool stopping_ = false;
    Room room_;
    std::unique_ptr<FileBook> files_;  // null: it keeps no files
    Shared shared_;
    WebhookDesk webhook_desk_;
    WebhookApi webhook_api_{&shared_, &webhook_desk_};
    AccountsApi accounts_api_;
    FilesApi files_api_;
    BatchDesk batch_desk_;
    BatchApi batch_api_{&shared_, &batch_desk_};
    WorkApi work_api_{&shared_};
    MediaApi media_api_{&shared_, &work_api_};
    PlatformApi platform_api_;
    AccountWork account_work_{&shared_, &work_api_};
    UsageApi usage_api_{&shared_, &usage_};
    FinetuneApi finetune_api_{&shared_, &work_api_, &finetune_book_};
    TunnelBook tunnel_book_;
    TunnelApi tunnel_api_;
    DeploymentDesk deployment_desk_;
    DeploymentApi deployment_api_{&shared_, &deployment_desk_};
    x402::Desk x402_desk_;
};

}  // namespace vcity::gateway
