// SPDX-License-Identifier: Apache-2.0
// Calls without a key, each paid by itself: x402/desk.hpp.
#include <utility>

#include "services/gateway/batches/captured_answer.hpp"
#include "services/gateway/gateway.hpp"

namespace vcity::gateway {
namespace {

constexpr unsigned kStatusOk = 200;

ApiError payment_needed() {
    ApiError error;
    error.code = ErrorCode::kPaymentNeeded;
    error.message = "pay for this call (x402), or send an API key";
    return error;
}

}  // namespace

Task<void> Gateway::sell(Exchange* exchange, Route route) {
    ApiResult<GenerationRequest> request = read_generation(exchange, route);
    if (!request) {
        ApiError error = request.error();
        co_await send(exchange, std::move(error));
        co_return;
    }
    ApiResult<x402::Sale> sale = x402_desk_.price(*exchange, *request);
    if (!sale) {
        ApiError error = sale.error();
        co_await send(exchange, std::move(error));
        co_return;
    }
    std::string header{exchange->request.headers.get(x402::kSignatureHeader)};
    ApiResult<x402::Payment> payment = payment_needed();
    if (!header.empty()) {
        const x402::Terms terms = sale->terms;
        payment = co_await x402_desk_.accept(std::move(header), terms);
    }
    if (!payment) {
        ports::HttpResponse response = x402_desk_.unpaid(*exchange, *sale, payment.error());
        co_await send(exchange, std::move(response));
        co_return;
    }
    co_await deliver_sold(exchange, *std::move(sale), *std::move(payment), route);
}

Task<void> Gateway::deliver_sold(Exchange* exchange, x402::Sale sale, x402::Payment payment, Route route) {
    CapturedAnswer captured;
    Exchange call = *exchange;
    call.responder = &captured;
    // Names of one customer must mean nothing to the next.
    if (call.request.headers.has("idempotency-key")) call.request.headers.set("idempotency-key", "");
    KeyRecord key = sale.key;
    co_await generate(&call, std::move(key), route);
    ports::HttpResponse answer = captured.response();
    if (answer.status != kStatusOk) {
        x402_desk_.release(payment);
        co_await send(exchange, std::move(answer));
        co_return;
    }
    const x402::Payment made = payment;
    const x402::Terms terms = sale.terms;
    ApiResult<std::string> settled = co_await x402_desk_.settle(made, terms);
    if (!settled) {
        ports::HttpResponse response = x402_desk_.unpaid(*exchange, sale, settled.error());
        co_await send(exchange, std::move(response));
        co_return;
    }
    answer.headers.set(x402::kResponseHeader, *std::move(settled));
    co_await send(exchange, std::move(answer));
}

}  // namespace vcity::gateway
