// SPDX-License-Identifier: Apache-2.0
#include "telemetry/log.hpp"

#include "base/check.hpp"

namespace vcity {

std::string_view to_string(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug: return "debug";
        case LogLevel::kInfo: return "info";
        case LogLevel::kWarn: return "warn";
        case LogLevel::kError: return "error";
    }
    unreachable();
}

}  // namespace vcity
