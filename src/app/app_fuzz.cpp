// SPDX-License-Identifier: Apache-2.0
// App files from strangers: problems with places inside the file, or a job that the network would take.
#include <cstddef>
#include <cstdint>
#include <string>

#include "app/compile.hpp"
#include "app/convert.hpp"
#include "app/requests.hpp"
#include "work/spec_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace app = vcity::app;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    static_cast<void>(app::prepare_requests(text));
    for (const auto format : {app::Format::kSdl, app::Format::kSkypilot, app::Format::kRunpod}) {
        const auto converted = app::convert(format, text, "");
        const auto* result = std::get_if<std::string>(&converted);
        if (result != nullptr && !app::read_app(*result).app) __builtin_trap();
    }
    const app::AppReading reading = app::read_app(text);
    if (reading.app.has_value() == !reading.problems.empty()) __builtin_trap();
    if (reading.problems.size() > app::kProblemsMax) __builtin_trap();
    if (!reading.app) return 0;
    const auto compiled = app::compile(*reading.app, {});
    if (const auto* order = std::get_if<app::AppOrder>(&compiled)) {
        if (!vcity::work::check(order->spec)) __builtin_trap();
        static_cast<void>(app::order_json(*order));
    }
    return 0;
}
