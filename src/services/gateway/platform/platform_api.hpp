// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "services/gateway/accounts/routes.hpp"
#include "services/gateway/exchange.hpp"
#include "services/gateway/platform/explorer_link.hpp"
#include "services/gateway/platform/price_board.hpp"
#include "services/gateway/platform/receipt_index.hpp"
#include "services/gateway/work/work_api.hpp"

namespace vcity::gateway {

// What anybody may read about the network, without a key (docs/api/platform.md): where its contracts are, its nodes,
// what units cost, receipts and batches, stakes, proposals, incentives. What the chain knows comes from the indexer.
class PlatformApi {
  public:
    struct Deps {
        const Shared* shared = nullptr;
        WorkApi* work = nullptr;
        ports::HttpClient* http = nullptr;  // null: no explorer
        PriceBoard* prices = nullptr;
        ReceiptIndex* receipts = nullptr;
        std::string openapi = {};  // the text of docs/api/openapi.json; empty: it is not served
        Address signer;            // the gateway's own
    };
    explicit PlatformApi(Deps deps);

    // route: kPlatform or kExplorer.
    Task<ApiResult<ports::HttpResponse>> answer(Exchange* exchange, Route route);
    // Writes down what units cost, until stop().
    Task<void> watch();
    void stop();

  private:
    using Response = ApiResult<ports::HttpResponse>;

    Refusal take_rate(const Exchange& exchange);
    codec::Json network() const;
    Response openapi() const;
    Response history(const Exchange& exchange) const;
    Task<Response> receipt(std::string hash);

    const Shared* shared_;
    WorkApi* work_;
    PriceBoard* prices_;
    ReceiptIndex* receipts_;
    std::string openapi_;
    Address signer_;
    ExplorerLink explorer_;
    RateLimiter rates_{10'000};
    Notifier stopped_;
    bool stopping_ = false;
};

}  // namespace vcity::gateway
