// SPDX-License-Identifier: Apache-2.0
#include "devnet/layout.hpp"

#include <cstdlib>
#include <filesystem>

#include <fmt/core.h>
#include <sys/stat.h>

#include "cli/settings.hpp"
#include "codec/hex.hpp"

namespace vcity::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPasswordBytes = 24;

Result<std::string> first_existing(const std::vector<std::string>& candidates, const std::string& what) {
    for (const std::string& candidate : candidates) {
        if (!candidate.empty() && fs::exists(candidate)) return fs::absolute(candidate).string();
    }
    return make_error(Errc::kNotFound, what);
}

std::string program_folder() {
    std::error_code error;
    return fs::read_symlink("/proc/self/exe", error).parent_path().string();
}

std::string on_path(const std::string& name) {
    const char* path = std::getenv("PATH");
    std::string rest = path == nullptr ? "" : path;
    while (!rest.empty()) {
        const std::size_t end = rest.find(':');
        const std::string candidate = rest.substr(0, end) + "/" + name;
        if (fs::exists(candidate)) return candidate;
        rest = end == std::string::npos ? "" : rest.substr(end + 1);
    }
    return {};
}

}  // namespace

std::string DevnetLayout::url(std::uint16_t port_number) const {
    return fmt::format("http://127.0.0.1:{}", port_number);
}

std::string DevnetLayout::node_name(std::uint16_t index) {
    return fmt::format("node-{}", index + 1);
}

std::string DevnetLayout::scheduler_name(std::uint16_t index) {
    return index == 0 ? "scheduler" : fmt::format("scheduler-{}", index + 1);
}

Result<std::vector<std::string>> prepare_state(const DevnetLayout& layout, const DevnetOptions& options) {
    std::error_code error;
    for (const char* folder : {"keys", "logs", "stores"}) {
        fs::create_directories(layout.file(folder), error);
        if (error)
            return make_error(Errc::kDenied, fmt::format("cannot make {}: {}", layout.file(folder), error.message()));
        chmod(layout.file(folder).c_str(), 0700);
    }
    const std::string password = layout.file("keys/password");
    if (!fs::exists(password)) {
        TRY_OK(write_file(password, codec::to_hex(random_bytes(kPasswordBytes)).substr(2) + "\n", 0600));
    }
    std::vector<std::string> names{"deployer",  "foundation", "guardian", "client",
                                   "scheduler", "verifier",   "gateway",  "keeper"};
    for (std::uint16_t index = 0; index < options.nodes; ++index) names.push_back(DevnetLayout::node_name(index));
    for (std::uint16_t index = 1; index < options.schedulers; ++index) {
        names.push_back(DevnetLayout::scheduler_name(index));
    }
    names.insert(names.end(), options.identities.begin(), options.identities.end());
    for (const std::string& name : names) {
        if (fs::exists(layout.key(name).keystore)) continue;
        TRY_OK(create_key(layout.key(name), KeyCost::kDevelopment));
    }
    return names;
}

Result<std::string> find_artifacts(const DevnetOptions& options) {
    return first_existing({options.artifacts, std::string{VCITY_SOURCE_DIR} + "/contracts/deployments"},
                          "no contract artifacts; name their folder with --artifacts");
}

Result<DevnetOptions> resolve(DevnetOptions options) {
    const std::string source = VCITY_SOURCE_DIR;
    if (options.state.empty()) options.state = default_state_path() + "/devnet";
    options.state = fs::absolute(options.state).string();
    TRY(options.worker, first_existing({options.worker, program_folder() + "/vcity-worker",
                                        program_folder() + "/../worker/vcity-worker"},
                                       "vcity-worker not found beside vcity; name it with --worker"));
    TRY(options.model, first_existing({options.model, source + "/models/vcity-mini-bilingual"},
                                      "no model; name a Hugging Face folder with --model"));
    TRY(options.artifacts, find_artifacts(options));
    if (options.web.empty() && fs::exists(source + "/web/dist/index.html")) options.web = source + "/web/dist";
    if (options.rpc.empty()) {
        TRY(options.anvil,
            first_existing({options.anvil, source + "/contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil",
                            on_path("anvil")},
                           "anvil not found: run `tools/dev setup`, name it with --anvil, or use a chain with --rpc"));
    }
    return options;
}

}  // namespace vcity::cli
