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
#include "services/gateway/batches/batch_api.hpp"
#include "services/gateway/exchange.hpp"
#include "services/gateway/files/files_api.hpp"
#include "services/gateway/finetune/finetune_api.hpp"
#include "services/gateway/tunnels/tunnel_api.hpp"
#include "services/gateway/work/work_api.hpp"
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
};

// The OpenAI-compatible front of the network (docs/api/openai.md). Knows API keys and their spending caps, turns
// requests into jobs on one scheduler, checks the signed receipt of each before it vouches for the answer.
//
//   GET  /v1/models, /v1/models/{id}        POST /v1/chat/completions, /v1/completions
//   GET  /v1/generation?id=, /v1/key        GET  /health, /ready
//   GET, POST /v1/jobs   GET, DELETE /v1/jobs/{id}   GET /v1/jobs/{id}/logs, /v1/jobs/{id}/explain, /v1/offers
//   GET /v1/jobs/{id}/ports/{group}/{index}/{port|shell|ssh}, POST /v1/jobs/{id}/links, /p/{link}/, /tunnels/{secret}
//   GET, POST /v1/files   GET, DELETE /v1/files/{id}   GET /v1/files/{id}/content, /v1/jobs/{id}/files
//   GET, POST /v1/fine_tuning/jobs   GET /v1/fine_tuning/jobs/{id}, .../events, .../checkpoints, POST .../cancel
//   GET, HEAD, PUT /files/{token}/{sha256} for nodes
//   GET, POST /v1/batches   GET /v1/batches/{id}   POST /v1/batches/{id}/cancel
//   GET, POST /admin/keys, DELETE /admin/keys/{id}
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
    // Linked to its scheduler, with at least one model on offer.
    bool is_ready() const;

    Task<void> handle(ports::HttpRequest request, ports::HttpResponder* responder) override;
    std::optional<std::uint64_t> streams_body(const ports::HttpRequest& head) const override;

  private:
    enum class Route : std::uint8_t {
        kHealth,
        kReady,
        kModels,
        kModel,
        kChat,
        kCompletions,
        kGeneration,
        kOwnKey,
        kWork,
        kFiles,
        kFinetune,
        kNodeFiles,
        kBatches,
        kAdminKeys,
        kAdminKey,
    };

    Task<void> answer(Exchange* exchange);
    Task<void> generate(Exchange* exchange, Route route);
    Task<void> serve_tunnel(Exchange* exchange);
    Task<ApiResult<ports::HttpResponse>> answer_plain(Exchange* exchange, Route route);
    Task<ApiResult<ports::HttpResponse>> answer_keyed(Exchange* exchange, KeyRecord key, Route route);
    Task<void> send(Exchange* exchange, ApiResult<ports::HttpResponse> response);
    Task<ApiResult<ports::HttpResponse>> generation(Exchange* exchange);
    Task<ApiResult<ports::HttpResponse>> admin_keys(Exchange* exchange);
    Task<ApiResult<ports::HttpResponse>> admin_key(Exchange* exchange);
    Task<void> keep_counters();

    ApiResult<Route> route_of(const Exchange& exchange) const;
    ApiResult<KeyRecord> authenticate(const Exchange& exchange);
    ApiResult<GenerationRequest> read_generation(Exchange* exchange, Route route);
    Refusal take_rate(Exchange* exchange, const KeyRecord& key);
    Refusal check_admin(const Exchange& exchange) const;
    ApiResult<ports::HttpResponse> model(const Exchange& exchange) const;
    ports::HttpResponse readiness() const;

    Runtime* runtime_;
    ports::Store* store_;
    Deployment deployment_;
    GatewayOptions options_;
    SecretBytes admin_token_;
    Hash files_secret_;  // from the pepper: both must survive a restart and never be known
    Log log_;
    Metrics metrics_;
    SchedulerLink link_;
    KeyRing keys_;
    WriteBehind writes_;
    GenerationLog generations_;
    IdempotencyBook idempotency_;
    WorkLog work_log_;
    FinetuneBook finetune_book_;
    RateLimiter auth_failures_{10'000};
    TaskGroup tasks_;
    Notifier stopped_;
    bool stopping_ = false;
    std::size_t running_ = 0;
    std::unique_ptr<FileBook> files_;  // null: it keeps no files
    Shared shared_;
    FilesApi files_api_;
    BatchDesk batch_desk_;
    BatchApi batch_api_{&shared_, &batch_desk_};
    WorkApi work_api_{&shared_};
    FinetuneApi finetune_api_{&shared_, &work_api_, &finetune_book_};
    TunnelBook tunnel_book_;
    TunnelApi tunnel_api_;
};

}  // namespace vcity::gateway
