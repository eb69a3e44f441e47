// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cstdio>
#include <string_view>

#include "serve.hpp"

namespace {

// Nothing else but digits; -1 otherwise.
int number_of(std::string_view text) {
    int number = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? number : -1;
}

}  // namespace

// vcity-init serve DESCRIPTOR COMMAND...   the first program of a sandbox that can be reached
// vcity-init dial PORT                     standard input and output become a connection to a local port
int main(int count, char** arguments) {
    const std::string_view mode = count > 2 ? arguments[1] : "";
    const int number = count > 2 ? number_of(arguments[2]) : -1;
    if (mode == "serve" && count > 3 && number > 2) return vcity::init::serve(number, arguments + 3);
    const bool is_port = number > 0 && number < 65'536;
    if (mode == "dial" && count == 3 && is_port) return vcity::init::dial(static_cast<unsigned>(number));
    std::fputs("vcity-init runs inside sandboxes: serve DESCRIPTOR COMMAND... | dial PORT\n", stderr);
    return 64;
}
