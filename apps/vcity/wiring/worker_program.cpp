// SPDX-License-Identifier: Apache-2.0
#include "wiring/worker_program.hpp"

#include <filesystem>

namespace vcity::wiring {

namespace fs = std::filesystem;

std::optional<std::string> program_beside(const std::string& installed, const std::string& built) {
    std::error_code error;
    const fs::path beside = fs::read_symlink("/proc/self/exe", error).parent_path();
    for (const fs::path& candidate : {beside / installed, beside / built}) {
        if (fs::is_regular_file(candidate)) return fs::canonical(candidate).string();
    }
    return std::nullopt;
}

Result<std::string> worker_program(const std::string& named) {
    if (!named.empty() && fs::is_regular_file(named)) return fs::canonical(named).string();
    if (const auto beside = program_beside("vcity-worker", "../worker/vcity-worker")) return *beside;
    return make_error(Errc::kNotFound, "vcity-worker is not beside vcity; name it with --worker");
}

}  // namespace vcity::wiring
