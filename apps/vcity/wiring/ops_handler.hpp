// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "ports/http.hpp"

namespace vcity::wiring {

// The health port of a role: /healthz (alive), /readyz (can serve), /metrics (Prometheus text). Loopback by default;
// nothing on it changes anything.
class OpsHandler final : public ports::HttpHandler {
  public:
    explicit OpsHandler(std::function<std::string()> expose_metrics) : expose_metrics_{std::move(expose_metrics)} {}

    void set_ready(std::function<bool()> is_ready) { is_ready_ = std::move(is_ready); }
    Task<void> handle(ports::HttpRequest request, ports::HttpResponder* responder) override;

  private:
    ports::HttpResponse answer(const ports::HttpRequest& request) const;

    std::function<std::string()> expose_metrics_;
    std::function<bool()> is_ready_;
};

}  // namespace vcity::wiring
