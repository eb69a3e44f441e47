// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "services/gateway/batches/batch_desk.hpp"

namespace vcity::gateway {

inline constexpr std::string_view kBatchesPath = "/v1/batches";
inline constexpr std::string_view kBatchPath = "/v1/batches/";

// OpenAI's batches for the holders of API keys (docs/api/batches.md).
class BatchApi {
  public:
    BatchApi(const Shared* shared, BatchDesk* desk) : shared_{shared}, desk_{desk} {}

    // exchange: of one of the paths above, with a method that the route takes.
    Task<ApiResult<ports::HttpResponse>> answer(Exchange* exchange, KeyRecord key);

  private:
    using Response = ApiResult<ports::HttpResponse>;

    Task<Response> create(Exchange* exchange, KeyRecord key);
    Task<Response> cancel(KeyRecord key, std::string id);
    ApiResult<BatchRecord> read(const Exchange& exchange, const KeyRecord& key) const;
    Response list(const Exchange& exchange, const KeyRecord& key) const;

    const Shared* shared_;
    BatchDesk* desk_;
};

}  // namespace vcity::gateway
