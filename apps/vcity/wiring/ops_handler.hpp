// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "ports/http.hpp"

namespace vcity::wiring {

// The health port of a role: /healthz (alive), /readyz (can serve), /metrics (Prometheus text), and for a scheduler
// /status (its shards). Loopback by default; nothing on it changes anything.
class OpsHandler final : public ports::HttpHandler {
  public:
    explicit OpsHandler(std::function<std::string()> expose_metrics) : expose_metrics_{std::move(expose_metrics)} {}

    void set_ready(std::function<bool()> is_ready) { is_ready_ = std::move(is_ready); }
    // What /status answers, as JSON; without it there is none.
    void set_status(std::function<std::string()> status) { status_ = std::move(status); }
    Task<void> handle(ports::HttpRequest request, ports::HttpResponder* responder) override;

  private:
    ports::HttpResponse answer(const ports::HttpRequest& request) const;

    std::function<std::string()> expose_metrics_;
    std::function<bool()> is_ready_;
    std::function<std::string()> status_;
};

}  // namespace vcity::wiring
