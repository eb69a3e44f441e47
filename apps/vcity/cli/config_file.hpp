// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace vcity::cli {

// The words of a command line after those of a role's TOML file (--config FILE) have been put in: `unit-cores = 2`
// becomes `--unit-cores 2`, `accept-commands = true` the flag, a list the option again and again. What stands on the
// command line itself beats the file. Words without --config come back as they are; only `NOUN run` and `node VERB`
// read such files. kInvalid with file and line: no TOML, or a value that is no text, number, boolean or list of these.
Result<std::vector<std::string>> with_config_file(std::vector<std::string> words);

}  // namespace vcity::cli
