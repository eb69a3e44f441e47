// SPDX-License-Identifier: Apache-2.0
// Sign-in messages of strangers: refused, or with every field within its alphabet.
#include "services/gateway/accounts/siwe_message.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto message = vcity::gateway::parse_siwe_message(text);
    if (message) {
        if (text.find('\r') != std::string_view::npos || text.find('\0') != std::string_view::npos) __builtin_trap();
        if (message->domain.empty() || message->nonce.size() < 8 || text.ends_with('\n')) __builtin_trap();
        if (text.find(message->nonce) == std::string_view::npos) __builtin_trap();
    }
    const auto time = vcity::gateway::parse_rfc3339(text.substr(0, 64));
    if (time) {
        const auto again = vcity::gateway::parse_rfc3339(vcity::gateway::to_rfc3339(*time));
        if (!again || *again != *time) __builtin_trap();
    }
    return 0;
}
