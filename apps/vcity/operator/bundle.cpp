// SPDX-License-Identifier: Apache-2.0
#include "operator/bundle.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/settings.hpp"
#include "operator/redact.hpp"
#include "operator/service_unit.hpp"
#include "operator/status.hpp"
#include "operator/tar.hpp"
#include "operator/times.hpp"
#include "wiring/node_admin.hpp"

namespace vcity::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLogBytesMax = 4U << 20U;
constexpr std::size_t kSecretBytesMax = 64U << 10U;
constexpr std::size_t kSaltBytes = 32;

// What a file's last part says; empty when it cannot be read.
std::string tail_of(const std::string& path, std::size_t bytes_max) {
    std::ifstream stream(path, std::ios::binary | std::ios::ate);
    if (!stream) return "";
    const auto size = static_cast<std::size_t>(std::max<std::streamoff>(0, stream.tellg()));
    const std::size_t begin = size > bytes_max ? size - bytes_max : 0;
    stream.seekg(static_cast<std::streamoff>(begin));
    std::string text(size - begin, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    // Half a line could be half a secret.
    if (begin > 0) text.erase(0, std::min(text.find('\n'), text.size() - 1) + 1);
    return text;
}

// A file of /proc has no size.
std::string proc_of(const std::string& path) {
    std::ifstream stream(path);
    std::ostringstream text;
    text << stream.rdbuf();  // which does not throw when the process or the group has just ended
    return text.str();
}

std::string text_or_reason(const Result<std::string>& text) {
    return text ? *text : text.error().message;
}

void learn_secrets(const NodeFolder& folder, Redactor* redactor) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder.path() + "/keys", error)) {
        const Result<std::string> content = read_file(entry.path().string(), kSecretBytesMax);
        if (content) redactor->add_secret(*content);
    }
    const Result<std::string> token = read_file(wiring::ops_token_path(folder.path()), kSecretBytesMax);
    if (token) redactor->add_secret(*token);
}

std::string service_log() {
    return text_or_reason(run_program({"journalctl", "-u", kServiceName, "-n", "5000", "--no-pager"}));
}

}  // namespace

Result<std::string> support_bundle(const NodeFolder& folder, const std::vector<SelfCheck>& checks) {
    Redactor redactor{random_bytes(kSaltBytes)};
    learn_secrets(folder, &redactor);
    std::vector<TarFile> files;
    const auto add = [&](const std::string& name, const std::string& text) {
        if (!text.empty()) files.push_back({"vcity-support/" + name, redactor.redact(text)});
    };
    add("version.txt", std::string{VCITY_VERSION} + "\n" + instant_text(wall_clock_now()) + "\n");
    add("self-test.json", codec::dump_json_pretty(to_json(checks)) + "\n");
    const Result<codec::Json> overview = node_overview(folder);
    add("status.json", overview ? codec::dump_json_pretty(*overview) + "\n" : overview.error().message + "\n");
    add("metrics.txt", text_or_reason(node_metrics(folder)));
    add("node.toml", tail_of(folder.config(), kSecretBytesMax));
    add("deployment.json", tail_of(folder.deployment(), kSecretBytesMax));
    add("node.log", tail_of(folder.log(), kLogBytesMax));
    if (has_systemd()) add("journal.txt", service_log());
    for (const char* name : {"version", "meminfo", "cpuinfo", "mounts", "driver/nvidia/version"}) {
        std::string file{name};
        std::replace(file.begin(), file.end(), '/', '-');
        add("proc-" + file + ".txt", proc_of(std::string{"/proc/"} + name));
    }
    return make_tar(files, wall_clock_now().count() / 1000);
}

}  // namespace vcity::cli
