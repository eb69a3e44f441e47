// SPDX-License-Identifier: Apache-2.0
#include "grammar/form.hpp"

#include <string_view>

#include "base/check.hpp"

// A form, a line break, a text that is read with it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kTextMax = 512;
    const std::string_view input{reinterpret_cast<const char*>(data), size};
    const std::size_t line = input.find('\n');
    const auto form = vcity::grammar::Form::parse(input.substr(0, line));
    if (!form || line == std::string_view::npos) return 0;
    vcity::grammar::FormState state = form->start();
    for (const char byte : input.substr(line + 1, kTextMax)) {
        state = form->next(state, static_cast<std::uint8_t>(byte));
        CHECK(form->distance(state) > 0 || vcity::grammar::Form::may_end(state));
    }
    return 0;
}
