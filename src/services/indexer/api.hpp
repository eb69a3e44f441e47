// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "codec/json.hpp"
#include "ports/http.hpp"
#include "ports/store.hpp"
#include "telemetry/log.hpp"

namespace vcity::indexer {

// The read model over HTTP (docs/api/indexer.md): /api/v1/{nodes,batches,events,totals}, /api/v1/accounts/{address},
// /api/v1/caps/{id}, locks and stake, proposals, incentives, cases, /health. Amounts are micro-dollars. Lists come in
// pages of `limit` (100, at most 1,000) with an opaque `next_cursor`. Refusals are application/problem+json (RFC 9457).
class IndexerApi final : public ports::HttpHandler {
  public:
    // Reads only; the store is the indexer's.
    IndexerApi(ports::Store* store, Log log) : store_{store}, log_{std::move(log)} {}

    Task<void> handle(ports::HttpRequest request, ports::HttpResponder* responder) override;

  private:
    Task<Result<codec::Json>> answer(std::string target);
    Task<Result<codec::Json>> list(std::string prefix, std::string target);
    Task<Result<codec::Json>> one(std::string key);
    Task<Result<codec::Json>> totals();
    Task<Result<codec::Json>> events(std::string target);
    Task<Result<codec::Json>> stakes(std::string address);
    Task<Result<codec::Json>> proposals(std::string target);
    Task<Result<codec::Json>> proposal(std::string rest, std::string target);
    Task<Result<codec::Json>> incentives(std::string target);
    Task<Result<codec::Json>> court_case(std::string id);
    // Unix seconds of the chain when it was last read.
    Task<Result<std::uint64_t>> chain_time();

    ports::Store* store_;
    Log log_;
};

}  // namespace vcity::indexer
