// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ports/http.hpp"
#include "services/monitor/monitor.hpp"

namespace vcity::monitor {

// Whom a listener is for. What the node asks for costs the machine's honesty, so it has a listener of its own, which
// serves loopback peers only.
enum class Face : std::uint8_t { kVerifiers, kNode };

// The monitor over HTTP (docs/monitor.md). Verifiers: GET /v1/monitor, POST /v1/evidence, GET /v1/tpm,
// POST /v1/tpm/activate, GET /v1/seals/0x<job>. Node: GET /v1/monitor, POST /v1/seals. Errors are
// {"error":{"code","message"}}.
class MonitorApi final : public ports::HttpHandler {
  public:
    MonitorApi(Monitor* monitor, Face face) : monitor_{monitor}, face_{face} {}

    Task<void> handle(ports::HttpRequest request, ports::HttpResponder* responder) override;

  private:
    Task<Result<codec::Json>> answer(ports::HttpRequest request);
    Task<Result<codec::Json>> answer_verifier(ports::HttpRequest request);
    Result<codec::Json> answer_node(const ports::HttpRequest& request);

    Monitor* monitor_;
    Face face_;
};

}  // namespace vcity::monitor
