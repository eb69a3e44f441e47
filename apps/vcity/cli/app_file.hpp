// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "app/compile.hpp"
#include "base/result.hpp"

// App files on this machine: docs/apps.md.
namespace vcity::cli {

struct AppQuestion {
    std::string path;                  // "-": standard input
    std::vector<std::string> answers;  // KEY=value, for the app's template
    bool is_check = false;             // a variable without a value is no problem
};

// An app as it would be ordered, with the content of its files; or problems, each with the file that has it.
struct LoadedApp {
    app::AppSpec spec;
    app::AppOrder order;
    std::vector<std::string> notes;
    std::vector<std::pair<std::string, app::Problem>> problems;
};
// kNotFound: there is no such file. kInvalid: an answer that is no KEY=value.
Result<LoadedApp> load_app(const AppQuestion& question);

// "FILE:LINE:COLUMN: FIELD: MESSAGE" lines.
std::string problem_lines(const LoadedApp& loaded);

}  // namespace vcity::cli
