// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ports/http.hpp"

namespace vcity::adapters {

enum class BodyFraming : std::uint8_t {
    kLength,   // Content-Length, all at once
    kChunked,  // Transfer-Encoding: chunked
    kNone,     // no body can follow: 204, 304
    kToEnd,    // the body ends with the connection: streams to HTTP/1.0
};

struct HeadOptions {
    BodyFraming framing = BodyFraming::kLength;
    std::size_t body_bytes = 0;  // for kLength
    bool keep_alive = true;
    std::string_view date;    // of now, as HTTP writes it
    std::string_view reason;  // phrase for the status
};

// The head of a response as it goes onto the wire. Framing fields are ours: Content-Length, Transfer-Encoding,
// Connection and Date of the handler are left out. kInvalid when a name or value would break the header.
Result<std::string> serialize_head(const ports::HttpResponse& response, const HeadOptions& options);

// Whether names and values of these fields can stand in a header without adding to it.
Result<void> check_fields(const ports::HttpHeaders& headers);

// IMF-fixdate (RFC 9110, 5.6.7), e.g. "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::uint64_t unix_seconds);

// The line before a chunk of that many bytes.
std::string chunk_head(std::size_t bytes);

}  // namespace vcity::adapters
