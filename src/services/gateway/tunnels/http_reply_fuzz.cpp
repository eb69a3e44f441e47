// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/tunnels/http_reply.hpp"

#include "base/check.hpp"

// Fed whole or byte by byte, an answer is the same answer, and never longer than its bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{reinterpret_cast<const char*>(data), size};
    vcity::gateway::HttpReplyReader whole{false};
    const bool is_good = whole.feed(text).has_value();
    const std::string body = whole.take_body();
    CHECK(body.size() <= size);
    vcity::gateway::HttpReplyReader parts{false};
    std::string pieces;
    bool is_good_in_parts = true;
    for (std::size_t index = 0; index < size && is_good_in_parts; ++index) {
        is_good_in_parts = parts.feed(std::string_view{text}.substr(index, 1)).has_value();
        pieces += parts.take_body();
    }
    if (is_good) CHECK(is_good_in_parts && pieces == body && parts.is_done() == whole.is_done());
    return 0;
}
