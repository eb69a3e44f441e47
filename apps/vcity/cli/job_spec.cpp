// SPDX-License-Identifier: Apache-2.0
#include "cli/job_spec.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/core.h>

#include "cli/settings.hpp"
#include "codec/base64.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

constexpr std::size_t kSpecBytesMax = 8U << 20U;
constexpr std::size_t kInputBytesMax = 4U << 20U;

Result<Json> file_input(const std::filesystem::path& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (error) return make_error(Errc::kNotFound, fmt::format("cannot read the input file {}", path.string()));
    if (size > kInputBytesMax) {
        return make_error(Errc::kInvalid, fmt::format("the input file {} has {} bytes; a job takes {} at most",
                                                      path.string(), size, kInputBytesMax));
    }
    std::ifstream stream(path, std::ios::binary);
    const Bytes content{std::istreambuf_iterator<char>(stream), {}};
    if (!stream) return make_error(Errc::kNotFound, fmt::format("cannot read the input file {}", path.string()));
    return Json{codec::JsonObject{{"base64", codec::to_base64(content)}}};
}

// What is not of the expected form is left for the gateway, which says what is wrong with it.
Result<void> fill_inputs(Json* step, const std::filesystem::path& folder) {
    const Json* inputs = step->find("inputs");
    if (inputs == nullptr || inputs->get_object() == nullptr) return {};
    codec::JsonObject filled = *inputs->get_object();
    for (auto& [name, value] : filled) {
        const Json* file = value.find("file");
        if (file == nullptr || file->get_string() == nullptr) continue;
        TRY(value, file_input(folder / *file->get_string()));
    }
    step->set("inputs", std::move(filled));
    return {};
}

}  // namespace

Result<Json> make_job_spec(const JobFlags& flags) {
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
    Json inputs{codec::JsonObject{}};
    for (const std::string& path : flags.inputs) {
        TRY(Json content, file_input(path));
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

Result<Json> load_job_spec(const std::string& path) {
    TRY(const std::string text, read_file(path == "-" ? "/dev/stdin" : path, kSpecBytesMax));
    Result<Json> spec = codec::parse_json(text);
    if (!spec) return make_error(Errc::kInvalid, fmt::format("{} is not JSON: {}", path, spec.error().message));
    const std::filesystem::path folder = std::filesystem::path{path}.parent_path();
    for (const char* name : {"steps", "groups"}) {
        const Json* list = spec->find(name);
        if (list == nullptr || list->get_array() == nullptr) continue;
        codec::JsonArray steps = *list->get_array();
        for (Json& step : steps) {
            TRY_OK(fill_inputs(&step, folder));
        }
        spec->set(name, std::move(steps));
    }
    return spec;
}

}  // namespace vcity::cli
