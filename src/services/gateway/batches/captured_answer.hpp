// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "ports/http.hpp"

namespace vcity::gateway {

// Takes an answer that no client waits for.
class CapturedAnswer final : public ports::HttpResponder {
  public:
    Task<Result<void>> respond(ports::HttpResponse response) override {
        response_ = std::move(response);
        co_return Result<void>{};
    }
    Task<Result<void>> start(ports::HttpResponse head) override {
        response_ = std::move(head);
        co_return Result<void>{};
    }
    Task<Result<void>> write(std::string chunk) override {
        response_.body += chunk;
        co_return Result<void>{};
    }
    Task<Result<void>> finish() override { co_return Result<void>{}; }
    bool is_connected() const override { return true; }

    const ports::HttpResponse& response() const { return response_; }

  private:
    ports::HttpResponse response_{.status = 500, .headers = {}, .body = {}};
};

}  // namespace vcity::gateway
