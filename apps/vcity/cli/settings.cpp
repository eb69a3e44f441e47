// SPDX-License-Identifier: Apache-2.0
#include "cli/settings.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

namespace vcity::cli {
namespace {

namespace fs = std::filesystem;

std::string environment_or(const char* name, std::string fallback) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? std::string{value} : std::move(fallback);
}

std::string home() {
    return environment_or("HOME", "/");
}

Result<void> apply_file(const std::string& path, const std::string& label, Settings* settings) {
    TRY(const std::string text, read_file(path));
    try {
        const toml::table table = toml::parse(text, path);
        for (const auto& [key, value] : table) {
            bool known = false;
            for (Setting* setting : settings->all()) {
                if (setting->name != key.str()) continue;
                known = true;
                if (!value.is_string()) {
                    return make_error(Errc::kInvalid, fmt::format("{}: {} must be a string", path, setting->name));
                }
                setting->value = value.value_or(std::string{});
                setting->source = label;
            }
            if (!known) return make_error(Errc::kInvalid, fmt::format("{}: unknown key {}", path, key.str()));
        }
    } catch (const toml::parse_error& error) {
        return make_error(Errc::kInvalid,
                          fmt::format("{}:{}: {}", path, error.source().begin.line, std::string{error.description()}));
    }
    return {};
}

}  // namespace

std::string default_config_path() {
    return environment_or("XDG_CONFIG_HOME", home() + "/.config") + "/vcity/config.toml";
}

std::string default_state_path() {
    return environment_or("XDG_STATE_HOME", home() + "/.local/state") + "/vcity";
}

Result<Settings> load_settings(const std::string& config_path) {
    Settings settings;
    settings.gateway.value = "http://127.0.0.1:8080";
    for (Setting* setting : settings.all()) setting->source = "default";
    // A devnet writes the same keys into its own file, so that its client commands need no flags.
    const std::string devnet = default_state_path() + "/devnet/cli.toml";
    if (exists(devnet)) {
        TRY_OK(apply_file(devnet, "devnet " + devnet, &settings));
    }
    const bool is_default = config_path.empty();
    const std::string path = is_default ? default_config_path() : config_path;
    if (!is_default || exists(path)) {
        TRY_OK(apply_file(path, "file " + path, &settings));
    }
    for (Setting* setting : settings.all()) {
        const char* value = std::getenv(setting->environment.c_str());
        if (value == nullptr || *value == '\0') continue;
        setting->value = value;
        setting->source = "environment " + setting->environment;
    }
    return settings;
}

bool exists(const std::string& path) {
    std::error_code error;
    return fs::exists(path, error);
}

Result<std::string> read_bytes(const std::string& path, std::size_t max_bytes) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) return make_error(Errc::kNotFound, fmt::format("cannot read {}", path));
    std::string text(max_bytes + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (text.size() > max_bytes)
        return make_error(Errc::kInvalid, fmt::format("{} is larger than {}", path, max_bytes));
    return text;
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
    TRY(std::string text, read_bytes(path, max_bytes));
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

Result<void> write_file(const std::string& path, std::string_view content, unsigned mode) {
    const std::string beside = path + ".new";
    const int file = open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (file < 0) return make_error(Errc::kDenied, fmt::format("cannot write {}", beside));
    std::size_t written = 0;
    while (written < content.size()) {
        const ssize_t count = write(file, content.data() + written, content.size() - written);
        if (count <= 0) break;
        written += static_cast<std::size_t>(count);
    }
    const bool good = written == content.size() && fchmod(file, mode) == 0 && fsync(file) == 0;
    close(file);
    if (!good || rename(beside.c_str(), path.c_str()) != 0) {
        return make_error(Errc::kUnavailable, fmt::format("cannot write {}", path));
    }
    return {};
}

}  // namespace vcity::cli
