// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/x402/payment_book.hpp"

namespace vcity::gateway::x402 {

bool PaymentBook::take(const Payment& payment, std::uint64_t now_unix_seconds) {
    if (taken_.size() >= payments_max_) {
        std::erase_if(taken_, [&](const auto& entry) { return entry.second <= now_unix_seconds; });
    }
    if (taken_.size() >= payments_max_) return false;
    const auto [place, is_new] = taken_.try_emplace({payment.payer, payment.nonce}, payment.valid_before_unix_seconds);
    return is_new;
}

}  // namespace vcity::gateway::x402
