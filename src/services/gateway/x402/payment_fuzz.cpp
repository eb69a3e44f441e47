// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/x402/payment.hpp"

#include <string_view>

#include "codec/base64.hpp"

// A PAYMENT-SIGNATURE header: as it is, and as the base64 of what the fuzzer made.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const vcity::ByteView bytes{data, size};
    vcity::gateway::x402::Terms terms;
    terms.chain_id = 31'337;
    terms.token_name = "Dollar";
    terms.token_version = "1";
    (void)vcity::gateway::x402::read_payment(vcity::as_text(bytes), terms, 1'795'435'200);
    (void)vcity::gateway::x402::read_payment(vcity::codec::to_base64(bytes), terms, 1'795'435'200);
    (void)vcity::gateway::x402::parse_verify_answer(vcity::as_text(bytes));
    (void)vcity::gateway::x402::parse_settle_answer(vcity::as_text(bytes));
    return 0;
}
