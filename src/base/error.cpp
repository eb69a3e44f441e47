// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include "base/check.hpp"

namespace vcity {

std::string_view to_string(Errc code) {
    switch (code) {
        case Errc::kInvalid: return "invalid";
        case Errc::kNotFound: return "not_found";
        case Errc::kConflict: return "conflict";
        case Errc::kDenied: return "denied";
        case Errc::kExhausted: return "exhausted";
        case Errc::kUnavailable: return "unavailable";
        case Errc::kTimeout: return "timeout";
        case Errc::kCorrupt: return "corrupt";
        case Errc::kInternal: return "internal";
    }
    unreachable();
}

}  // namespace vcity
