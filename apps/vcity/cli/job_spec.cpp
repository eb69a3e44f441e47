// SPDX-License-Identifier: Apache-2.0
#include "cli/job_spec.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <fmt/core.h>

#include "cli/settings.hpp"
#include "codec/base64.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

constexpr std::size_t kSpecBytesMax = 8U << 20U;
constexpr std::size_t kInlineBytesMax = 4U << 20U;  // of all files that stand in an order, as the network has it

// Turns local files into inputs of one order.
class Inputs {
  public:
    explicit Inputs(const FileUploader& upload) : upload_{upload} {}

    Result<Json> of(const std::filesystem::path& path) {
        std::error_code error;
        const auto size = std::filesystem::file_size(path, error);
        if (error) return unreadable(path);
        if (size > kInlineBytesMax - inline_bytes_) return uploaded(path, size);
        std::ifstream stream(path, std::ios::binary);
        const Bytes content{std::istreambuf_iterator<char>(stream), {}};
        if (!stream || content.size() != size) return unreadable(path);
        inline_bytes_ += size;
        return Json{codec::JsonObject{{"base64", codec::to_base64(content)}}};
    }

    // What is not of the expected form is left for the gateway, which says what is wrong with it.
    Result<void> fill(Json* step, const std::filesystem::path& folder) {
        const Json* inputs = step->find("inputs");
        if (inputs == nullptr || inputs->get_object() == nullptr) return {};
        codec::JsonObject filled = *inputs->get_object();
        for (auto& [name, value] : filled) {
            const Json* file = value.find("file");
            if (file == nullptr || file->get_string() == nullptr) continue;
            const std::filesystem::path path = folder / *file->get_string();
            const bool is_id = file->get_string()->starts_with("file-") && !std::filesystem::exists(path);
            if (is_id) continue;
            TRY(value, of(path));
        }
        step->set("inputs", std::move(filled));
        return {};
    }

  private:
    static Error unreadable(const std::filesystem::path& path) {
        return make_error(Errc::kNotFound, fmt::format("cannot read the input file {}", path.string()));
    }
    Result<Json> uploaded(const std::filesystem::path& path, std::uint64_t size) {
        if (!upload_) {
            return make_error(Errc::kInvalid, fmt::format("the input file {} has {} bytes; an order has room for {} at "
                                                          "most, all its files together",
                                                          path.string(), size, kInlineBytesMax));
        }
        // A file that several steps read goes once.
        std::string& id = uploaded_[path.string()];
        if (id.empty()) {
            TRY(id, upload_(path.string()));
        }
        return Json{codec::JsonObject{{"file", id}}};
    }

    const FileUploader& upload_;
    std::uint64_t inline_bytes_ = 0;
    std::map<std::string, std::string> uploaded_;
};

}  // namespace

Result<Json> make_job_spec(const JobFlags& flags, const FileUploader& upload) {
    codec::JsonArray command;
    if (!flags.command.front().starts_with('/')) command.emplace_back("/usr/bin/env");
    for (const std::string& word : flags.command) command.emplace_back(word);
    Json environment{codec::JsonObject{}};
    for (const std::string& variable : flags.environment) {
        const std::size_t equals = variable.find('=');
        if (equals == std::string::npos) {
            return make_error(Errc::kInvalid, fmt::format("--env {}: it must be NAME=value", variable));
        }
        environment.set(variable.substr(0, equals), variable.substr(equals + 1));
    }
    Inputs files{upload};
    Json inputs{codec::JsonObject{}};
    for (const std::string& path : flags.inputs) {
        TRY(Json content, files.of(path));
        inputs.set(std::filesystem::path{path}.filename().string(), std::move(content));
    }
    Json resources{codec::JsonObject{{"cpus", flags.cpus}, {"memory_gb", flags.memory_gb}, {"disk_gb", flags.disk_gb}}};
    if (!flags.accelerators.empty()) resources.set("accelerators", flags.accelerators);
    codec::JsonArray regions;
    for (const std::string& region : flags.regions) regions.emplace_back(region);
    Json step{codec::JsonObject{{"name", "main"},
                                {"count", flags.count},
                                {"command", std::move(command)},
                                {"env", std::move(environment)},
                                {"inputs", std::move(inputs)},
                                {"keeps_files", flags.keeps_files},
                                {"resources", std::move(resources)},
                                {"seconds_max", flags.seconds_max},
                                {"retries", flags.retries}}};
    codec::JsonArray steps;
    steps.push_back(std::move(step));
    return Json{codec::JsonObject{{"name", flags.name},
                                  {"steps", std::move(steps)},
                                  {"where", Json{codec::JsonObject{{"regions", std::move(regions)}}}},
                                  {"service_class", flags.service_class},
                                  {"budget", flags.budget}}};
}

Result<Json> load_job_spec(const std::string& path, const FileUploader& upload) {
    TRY(const std::string text, read_file(path == "-" ? "/dev/stdin" : path, kSpecBytesMax));
    Result<Json> spec = codec::parse_json(text);
    if (!spec) return make_error(Errc::kInvalid, fmt::format("{} is not JSON: {}", path, spec.error().message));
    const std::filesystem::path folder = std::filesystem::path{path}.parent_path();
    Inputs files{upload};
    for (const char* name : {"steps", "groups"}) {
        const Json* list = spec->find(name);
        if (list == nullptr || list->get_array() == nullptr) continue;
        codec::JsonArray steps = *list->get_array();
        for (Json& step : steps) {
            TRY_OK(files.fill(&step, folder));
        }
        spec->set(name, std::move(steps));
    }
    return spec;
}

}  // namespace vcity::cli
