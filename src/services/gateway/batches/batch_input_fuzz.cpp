// SPDX-License-Identifier: Apache-2.0
// Input files of batches from strangers: requests where they are, or faults, the same however the file is cut.
#include "services/gateway/batches/batch_input.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace gateway = vcity::gateway;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    constexpr gateway::BatchInputLimits kLimits{.requests_max = 8, .line_bytes_max = 4096, .faults_max = 8};
    gateway::BatchScanner whole{"/v1/chat/completions", {}, kLimits};
    gateway::BatchScanner pieces{"/v1/chat/completions", {}, kLimits};
    whole.feed(text);
    for (std::size_t at = 0; at < text.size(); at += 7) pieces.feed(text.substr(at, 7));
    whole.finish();
    pieces.finish();
    if (whole.faults() != pieces.faults() || whole.faults().size() > kLimits.faults_max) __builtin_trap();
    for (const gateway::BatchLine& line : whole.take_lines()) {
        const auto parsed = gateway::parse_batch_line(text.substr(line.offset, line.bytes), "/v1/chat/completions", {});
        if (!std::holds_alternative<gateway::BatchRequest>(parsed)) __builtin_trap();
    }
    static_cast<void>(gateway::parse_batch_record(text));
    return 0;
}
