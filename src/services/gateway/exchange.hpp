// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "async/runtime.hpp"
#include "ports/http.hpp"
#include "services/gateway/api/request.hpp"
#include "services/gateway/files/file_book.hpp"
#include "services/gateway/keys/key_ring.hpp"
#include "services/gateway/metrics.hpp"
#include "services/gateway/platform/platform_options.hpp"
#include "services/gateway/schedulers.hpp"
#include "services/gateway/state/generation_log.hpp"
#include "services/gateway/state/idempotency.hpp"
#include "services/gateway/state/write_behind.hpp"
#include "services/gateway/tunnels/tunnel_book.hpp"
#include "services/gateway/webhooks/webhook_desk.hpp"
#include "services/gateway/work/work_log.hpp"
#include "services/gateway/x402/options.hpp"

namespace vcity::gateway {

class FilesApi;

inline constexpr std::string_view kModelPath = "/v1/models/";
inline constexpr std::string_view kAdminKeyPath = "/admin/keys/";

struct GatewayOptions {
    SchedulerLinkOptions link;
    std::vector<std::vector<std::string>> further_schedulers;  // endpoints of each beside that of `link`
    RequestLimits limits;
    std::uint32_t output_tokens_default = 256;  // of a chat without a limit; never above half the model's context
    Duration request_deadline = std::chrono::minutes{5};
    // The head of a stream waits this long for the first token, so that a refusal can still have its own status.
    Duration head_wait = std::chrono::seconds{5};
    Duration keep_alive = std::chrono::seconds{15};
    Duration disconnect_poll = std::chrono::milliseconds{250};
    // After a cancel: how long the node may take to sign what it delivered.
    Duration cancel_wait = std::chrono::seconds{20};
    std::size_t running_max = 2'000;
    std::size_t generations_max = 20'000;
    std::size_t idempotent_max = 10'000;
    std::size_t finetunes_max = 5'000;                  // records of fine-tuning jobs
    Usd finetune_budget{5'000'000};                     // of one that names none
    std::size_t jobs_max = 20'000;                      // notes of ordered jobs
    std::size_t work_body_bytes_max = 7U << 20U;        // an order with its files; one frame of a link takes 8 MiB
    Duration work_patience = std::chrono::seconds{10};  // for the scheduler's answer about work
    std::uint64_t auth_failures_per_minute = 60;        // from one address
    bool admin_loopback_only = true;
    std::string public_url;  // how nodes and browsers reach this gateway, "https://host" without a slash at its end
    TunnelOptions tunnels;
    WebhookOptions webhooks;
    FileLimits files;
    PlatformOptions platform;
    x402::Options x402;
};

// One HTTP request and where its answer goes.
struct Exchange {
    std::string request_id;
    TimePoint started;
    ports::HttpRequest request;
    ports::HttpResponder* responder = nullptr;
    ports::HttpHeaders headers;  // on every response, whatever happens
    bool is_answered = false;    // in pieces, by whoever was asked; nothing more may be sent
    Log log{nullptr, "gateway"};
};

// What all requests share. Owned by the Gateway, which outlives them.
struct Shared {
    Runtime* runtime = nullptr;
    const Deployment* deployment = nullptr;
    const GatewayOptions* options = nullptr;
    SchedulerLink* link = nullptr;     // to the first scheduler, that of the caps this gateway makes itself
    Schedulers* schedulers = nullptr;  // all of them
    KeyRing* keys = nullptr;
    GenerationLog* generations = nullptr;
    IdempotencyBook* idempotency = nullptr;
    WorkLog* work = nullptr;
    FilesApi* files = nullptr;
    Metrics* metrics = nullptr;
    WebhookDesk* webhooks = nullptr;
    // Of a job that is seen to have ended: its note, and how.
    std::function<void(const WorkNote& note, WorkState state, Usd charged)> on_job_ended;
    Log log;
};

}  // namespace vcity::gateway
