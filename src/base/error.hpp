// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace vcity {

// One code per reaction a caller can have, not one per cause; the cause is in the message.
enum class Errc : unsigned char {
    kInvalid,      // The input is wrong; sending it again will not help.
    kNotFound,     // The thing named does not exist.
    kConflict,     // The state moved under the caller; read again, then retry.
    kDenied,       // The caller may not do this.
    kExhausted,    // A limit was hit; retry later or ask for less.
    kUnavailable,  // The other side cannot be reached; retry with backoff.
    kTimeout,      // The deadline passed; the effect is unknown.
    kCorrupt,      // Bytes failed their check; drop the source.
    kInternal,     // A bug on our side.
};

std::string_view to_string(Errc code);

struct Error {
    Errc code;
    std::string message;
    std::source_location where;
};

inline Error make_error(Errc code, std::string message, std::source_location where = std::source_location::current()) {
    return Error{code, std::move(message), where};
}

}  // namespace vcity
