// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/request_head.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"
#include "base/check.hpp"

// The end is found wherever the search was interrupted, and an accepted head has no line end but CR LF and no second
// empty line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes = vcity::as_text({data, size});
    const auto whole = vcity::adapters::find_head_end(bytes, 0);
    if (!whole.is_broken && whole.length == 0) return 0;
    for (std::size_t half = 1; half < bytes.size() && !whole.is_broken; half += 1 + half / 2) {
        const auto first = vcity::adapters::find_head_end(bytes.substr(0, half), 0);
        const auto found = first.length > 0 ? first : vcity::adapters::find_head_end(bytes, half);
        CHECK(found.length == whole.length);
    }
    if (whole.is_broken) return 0;
    const std::string_view head = bytes.substr(0, whole.length);
    if (vcity::adapters::check_request_head(head)) return 0;
    CHECK(head.find("\r\n\r\n") == head.size() - 4);
    for (std::size_t at = 0; at < head.size(); ++at) {
        if (head[at] == '\n') CHECK(head[at - 1] == '\r');
        if (head[at] == '\r') CHECK(head[at + 1] == '\n');
    }
    return 0;
}
