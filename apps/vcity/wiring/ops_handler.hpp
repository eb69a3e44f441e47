// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "codec/json.hpp"
#include "ports/http.hpp"

namespace vcity::wiring {

// One call to the part of the health port that is for the owner of the machine.
struct AdminCall {
    std::string method;  // "GET", "POST"
    std::string target;  // "/admin/drain", with its query
    codec::Json body;    // null without one
};

// The health port of a role: /healthz (alive), /readyz (can serve), /metrics (Prometheus text), and for some roles
// /status. Loopback by default; none of these changes anything. A role may also answer /admin/..., to callers on this
// machine that show the token, as "Authorization: Bearer <token>".
class OpsHandler final : public ports::HttpHandler {
  public:
    using Admin = std::function<Task<Result<codec::Json>>(AdminCall)>;

    explicit OpsHandler(std::function<std::string()> expose_metrics) { expose_.push_back(std::move(expose_metrics)); }

    void set_ready(std::function<bool()> is_ready) { is_ready_ = std::move(is_ready); }
    // What /status answers, as JSON; without it there is none.
    void set_status(std::function<std::string()> status) { status_ = std::move(status); }
    // More of /metrics, in the text format 0.0.4: for values whose labels come and go.
    void add_metrics(std::function<std::string()> expose) { expose_.push_back(std::move(expose)); }
    // An empty token lets nobody in.
    void set_admin(SecretBytes token, Admin admin);
    Task<void> handle(ports::HttpRequest request, ports::HttpResponder* responder) override;

  private:
    ports::HttpResponse answer(const ports::HttpRequest& request) const;
    Task<ports::HttpResponse> answer_admin(ports::HttpRequest request);
    Result<void> check_admin(const ports::HttpRequest& request) const;

    std::vector<std::function<std::string()>> expose_;
    std::function<bool()> is_ready_;
    std::function<std::string()> status_;
    SecretBytes token_;
    Admin admin_;
};

}  // namespace vcity::wiring
