// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace vcity::studio {

struct ProgramRun {
    std::vector<std::string> command;      // command[0]: an absolute path
    std::vector<std::string> environment;  // all of it
    std::string input;                     // on standard input; written by a process of its own
    // Of standard output and error together, without its end; what is longer than 64 KiB comes in pieces.
    std::function<void(std::string_view line)> on_line = [](std::string_view) {};
};

// Runs another program to its end; its exit status, 128 + n for signal n. kNotFound: there is no such program.
Result<int> run_program(const ProgramRun& run);

// What a program needs that should behave alike everywhere: no settings of the user, no locale, no clock zone, one
// thread in the libraries of mathematics.
std::vector<std::string> plain_environment();

}  // namespace vcity::studio
