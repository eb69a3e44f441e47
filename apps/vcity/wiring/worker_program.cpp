// SPDX-License-Identifier: Apache-2.0
#include "wiring/worker_program.hpp"

#include <filesystem>

namespace vcity::wiring {

namespace fs = std::filesystem;

Result<std::string> worker_program(const std::string& named) {
    std::error_code error;
    const fs::path beside = fs::read_symlink("/proc/self/exe", error).parent_path();
    for (const fs::path& candidate : {fs::path{named}, beside / "vcity-worker", beside / "../worker/vcity-worker"}) {
        if (!candidate.empty() && fs::is_regular_file(candidate)) return fs::canonical(candidate).string();
    }
    return make_error(Errc::kNotFound, "vcity-worker is not beside vcity; name it with --worker");
}

}  // namespace vcity::wiring
