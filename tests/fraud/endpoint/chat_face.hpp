// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "endpoint/endpoint.hpp"
#include "ports/http.hpp"

namespace vcity::blackbox {

// The endpoint as an OpenAI-compatible server: POST with one message; answers with log probabilities, always.
class ChatFace final : public ports::HttpHandler {
  public:
    explicit ChatFace(Endpoint* endpoint) : endpoint_{endpoint} {}
    Task<void> handle(ports::HttpRequest request, ports::HttpResponder* responder) override;

  private:
    Result<std::string> answer(const std::string& body);

    Endpoint* endpoint_;
};

}  // namespace vcity::blackbox
