// SPDX-License-Identifier: Apache-2.0
#include "cli/app_file.hpp"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "app/chat_lines.hpp"
#include "app/requests.hpp"
#include "cli/keys.hpp"
#include "cli/settings.hpp"

namespace vcity::cli {
namespace {

constexpr std::size_t kAppBytesMax = app::YamlLimits{}.bytes_max + 1;
constexpr std::size_t kFileBytesMax = 512U << 20U;  // as much as the gateway takes

class Loader {
  public:
    explicit Loader(const AppQuestion& question) : question_{question} {}

    Result<LoadedApp> load() {
        TRY(const std::string text, read_file(question_.path == "-" ? "/dev/stdin" : question_.path, kAppBytesMax));
        app::AppReading reading = app::read_app(text);
        loaded_.notes = std::move(reading.notes);
        for (app::Problem& problem : reading.problems) add(std::move(problem));
        if (!reading.app) return std::move(loaded_);
        loaded_.spec = *std::move(reading.app);
        TRY(const app::CompileInput input, make_input());
        auto compiled = app::compile(loaded_.spec, input);
        if (auto* problem = std::get_if<app::Problem>(&compiled)) {
            add(std::move(*problem));
            return std::move(loaded_);
        }
        loaded_.order = std::get<app::AppOrder>(std::move(compiled));
        loaded_.notes.insert(loaded_.notes.end(), loaded_.order.notes.begin(), loaded_.order.notes.end());
        for (app::Attachment& attachment : loaded_.order.attachments) read(&attachment);
        return std::move(loaded_);
    }

  private:
    void add(app::Problem problem) { loaded_.problems.emplace_back(question_.path, std::move(problem)); }

    std::filesystem::path beside(const std::string& path) const {
        if (path.starts_with("~/")) {
            const char* home = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe): before anything runs
            return std::filesystem::path{home == nullptr ? "" : home} / path.substr(2);
        }
        return std::filesystem::path{question_.path}.parent_path() / path;
    }

    Result<app::CompileInput> make_input() {
        app::CompileInput input;
        for (const app::Variable& variable : loaded_.spec.variables) {
            if (variable.value) continue;
            const char* value = std::getenv(variable.name.c_str());  // NOLINT(concurrency-mt-unsafe): as above
            if (value != nullptr) input.environment[variable.name] = value;
            if (value == nullptr && question_.is_check) input.environment[variable.name] = "";
        }
        for (const std::string& answer : question_.answers) {
            const std::size_t equals = answer.find('=');
            if (equals == std::string::npos || equals == 0) {
                return make_error(Errc::kInvalid, fmt::format("--set {}: it must be KEY=value", answer));
            }
            input.answers[answer.substr(0, equals)] = answer.substr(equals + 1);
        }
        const bool is_key = loaded_.spec.ssh_key.find(' ') != std::string::npos || loaded_.spec.ssh_key.empty();
        if (!is_key) {
            const Result<std::string> key = read_file(beside(loaded_.spec.ssh_key).string(), 16U << 10U);
            if (key) input.ssh_key = key->substr(0, key->find('\n'));
            if (!key && question_.is_check) input.ssh_key = "ssh-ed25519 of-whoever-orders-it";
        }
        const Bytes seed = random_bytes(sizeof(input.seed));
        std::memcpy(&input.seed, seed.data(), sizeof(input.seed));
        return input;
    }

    void read(app::Attachment* attachment) {
        const std::filesystem::path path = beside(attachment->file.path);
        const auto fail = [&](std::string message) {
            add({attachment->file.place, attachment->file.path, std::move(message)});
        };
        std::error_code error;
        const bool is_file = std::filesystem::is_regular_file(path, error);
        if (!is_file) return fail("is no file that can be read");
        const std::uintmax_t bytes = std::filesystem::file_size(path, error);
        if (error || bytes > kFileBytesMax) {
            return fail(fmt::format("has more than {} bytes, which is the most that is taken", kFileBytesMax));
        }
        std::ifstream stream(path, std::ios::binary);
        attachment->content.assign(std::istreambuf_iterator<char>(stream), {});
        if (!stream) return fail("cannot be read");
        if (attachment->is_chat) {
            for (app::Problem& problem : app::check_chat_lines(as_text(attachment->content))) {
                loaded_.problems.emplace_back(path.string(), std::move(problem));
            }
        }
        if (!attachment->is_requests) return;
        auto prepared = app::prepare_requests(as_text(attachment->content));
        if (auto* lines = std::get_if<std::string>(&prepared)) {
            attachment->content.assign(lines->begin(), lines->end());
            return;
        }
        for (app::Problem& problem : std::get<std::vector<app::Problem>>(prepared)) {
            loaded_.problems.emplace_back(path.string(), std::move(problem));
        }
    }

    const AppQuestion& question_;
    LoadedApp loaded_;
};

}  // namespace

Result<LoadedApp> load_app(const AppQuestion& question) {
    return Loader{question}.load();
}

std::string problem_lines(const LoadedApp& loaded) {
    std::string lines;
    for (const auto& [file, problem] : loaded.problems) lines += app::to_text(file, problem) + "\n";
    return lines;
}

}  // namespace vcity::cli
