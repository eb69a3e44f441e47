// SPDX-License-Identifier: Apache-2.0
// Datasets from strangers: turns that can be learned from, or a reason; a bounded number of problems that name lines.
#include "app/chat_lines.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "app/app_spec.hpp"

namespace {

namespace app = vcity::app;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto turns = app::parse_chat_line(text.substr(0, text.find('\n')));
    const bool is_learned = turns && std::ranges::any_of(*turns, &app::ChatTurn::is_learned);
    if (turns && (!is_learned || turns->size() > app::kChatMessagesMax)) __builtin_trap();
    if (!turns && turns.error().message.empty()) __builtin_trap();
    const auto lines = static_cast<std::uint32_t>(std::ranges::count(text, '\n')) + 1;
    const auto problems = app::check_chat_lines(text);
    if (problems.size() > app::kProblemsMax) __builtin_trap();
    for (const app::Problem& problem : problems) {
        if (problem.place.line == 0 || problem.place.line > lines) __builtin_trap();
    }
    return 0;
}
