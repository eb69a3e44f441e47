// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/accounts/caller.hpp"
#include "services/gateway/exchange.hpp"
#include "services/gateway/usage/usage_book.hpp"

namespace vcity::gateway {

// GET /v1/organization/usage/completions, /embeddings and /v1/organization/costs in OpenAI's shape, for the account of
// a session or of a key with the scope billing:read.
class UsageApi {
  public:
    UsageApi(const Shared* shared, const UsageBook* usage) : shared_{shared}, usage_{usage} {}

    Task<ApiResult<ports::HttpResponse>> answer(Exchange* exchange, Caller caller);

  private:
    const Shared* shared_;
    const UsageBook* usage_;
};

}  // namespace vcity::gateway
