// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "services/gateway/x402/payment.hpp"

namespace vcity::gateway::x402 {

// Payments that are at work or were made, so that none is used for two calls at the same time. The token contract takes
// each only once for good; what is kept here bridges the time until a settlement is on chain, and is forgotten once the
// payment's time has passed.
class PaymentBook {
  public:
    explicit PaymentBook(std::size_t payments_max) : payments_max_{payments_max} {}

    // False: it is here already, or there are too many.
    bool take(const Payment& payment, std::uint64_t now_unix_seconds);
    // The call was not delivered: the payment may be used again.
    void release(const Payment& payment) { taken_.erase({payment.payer, payment.nonce}); }
    std::size_t size() const { return taken_.size(); }

  private:
    std::size_t payments_max_;
    std::map<std::pair<Address, Hash>, std::uint64_t> taken_;  // until when it is valid, unix seconds
};

}  // namespace vcity::gateway::x402
