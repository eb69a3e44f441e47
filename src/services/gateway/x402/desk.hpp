// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ports/http.hpp"
#include "services/gateway/exchange.hpp"
#include "services/gateway/keys/limits.hpp"
#include "services/gateway/x402/payment.hpp"
#include "services/gateway/x402/payment_book.hpp"

namespace vcity::gateway::x402 {

// One call as it is sold: what it costs, and the key that orders it.
struct Sale {
    Terms terms;
    KeyRecord key;
};

// Sells single calls of models. The order of things: accept() finds a payment good before the work, settle() takes it
// after the answer is whole and before it is delivered; a call that fails is not paid.
class Desk {
  public:
    // http: for the facilitator; null: nothing is sold.
    Desk(const Shared* shared, ports::HttpClient* http);

    // A call without a key, while calls are sold.
    bool takes(const ports::HttpRequest& request) const;
    // kUnsupportedParameter for what is not sold call by call: streams, and fallback models.
    ApiResult<Sale> price(const Exchange& exchange, const GenerationRequest& request);
    // The refusal of a call that is not paid, with what it costs.
    ports::HttpResponse unpaid(const Exchange& exchange, const Sale& sale, const ApiError& error) const;
    // kPaymentRefused, kInvalidValue, kFacilitatorUnavailable. The payment is taken until release().
    Task<ApiResult<Payment>> accept(std::string header, Terms terms);
    void release(const Payment& payment) { book_.release(payment); }
    // The value of PAYMENT-RESPONSE. kPaymentRefused: it was not made. kFacilitatorUnavailable: nobody knows.
    Task<ApiResult<std::string>> settle(Payment payment, Terms terms);

  private:
    ApiResult<KeyRecord> house_key() const;
    ApiResult<Usd> quote(const KeyRecord& key, const GenerationRequest& request) const;
    Task<Result<std::string>> ask(std::string path, std::string body);

    const Shared* shared_;
    const Options* options_;
    ports::HttpClient* http_;
    PaymentBook book_;
    RateLimiter rates_{10'000};
};

}  // namespace vcity::gateway::x402
