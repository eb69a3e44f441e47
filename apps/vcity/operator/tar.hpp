// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace vcity::cli {

struct TarFile {
    std::string name;  // at most 100 bytes, relative
    std::string content;
};
// A POSIX ustar archive of plain files, mode 0600, without owners. kInvalid: a name that does not fit.
Result<std::string> make_tar(const std::vector<TarFile>& files, std::uint64_t unix_seconds);

}  // namespace vcity::cli
