// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "async/runtime.hpp"
#include "ports/http.hpp"
#include "services/gateway/api/api_error.hpp"

namespace vcity::gateway {

// The indexer behind the gateway (docs/api/indexer.md): one origin that the operator names, never a client. Only what
// asks for a page is passed on, and only with the letters that the indexer itself would write.
class ExplorerLink {
  public:
    struct Options {
        std::string origin;  // "http://127.0.0.1:8090" without a slash at its end; empty: there is no indexer
        Duration patience = std::chrono::seconds{5};
        std::size_t answer_bytes_max = 8U << 20U;
    };

    // client: null when there is none; borrowed.
    ExplorerLink(Runtime* runtime, ports::HttpClient* client, Options options)
        : runtime_{runtime}, client_{client}, options_{std::move(options)} {}

    bool is_there() const { return client_ != nullptr && !options_.origin.empty(); }
    // The answer of GET <origin><path of target>?<its known parameters>, as the indexer wrote it. What the indexer
    // refuses becomes our own refusal; what it cannot answer is kExplorerUnavailable.
    Task<ApiResult<ports::HttpResponse>> pass(std::string target);
    // The same as JSON. An absent record is kRecordNotFound.
    Task<ApiResult<codec::Json>> read(std::string target);

  private:
    Runtime* runtime_;
    ports::HttpClient* client_;
    Options options_;
};

// The path and the parameters that the indexer knows; nullopt when one holds letters that it never gives.
std::optional<std::string> explorer_target(std::string_view target);

}  // namespace vcity::gateway
