// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "adapters/http/failure.hpp"

namespace vcity::adapters {

struct HeadEnd {
    std::size_t length = 0;  // of the head with its empty line; 0 while it is incomplete
    bool is_broken = false;  // a line end that is not CR LF: no valid head can come of this
};

// Looks for the end of a request's head. Bytes before `from` were looked at by an earlier call.
HeadEnd find_head_end(std::string_view bytes, std::size_t from);

// What the head must be before a lenient parser may see it, so that nothing in front of us or behind us can read it
// another way (request smuggling; RFC 9112, sections 2.2, 3, 5.1 and 6.3). One line per field, CR LF only, names and
// lengths without freedom, one Host, at most one Content-Length or one "Transfer-Encoding: chunked".
std::optional<HttpFailure> check_request_head(std::string_view head);

}  // namespace vcity::adapters
