// SPDX-License-Identifier: Apache-2.0
#include "app/requests.hpp"

#include <unordered_map>

#include <fmt/format.h>

#include "app/app_spec.hpp"
#include "app/fields.hpp"
#include "codec/json.hpp"

namespace vcity::app {
namespace {

constexpr std::size_t kIdBytesMax = 512;

struct Reading {
    std::string prepared;
    std::vector<Problem> problems;
    std::unordered_map<std::string, std::uint32_t> ids;  // and their lines

    void add(std::uint32_t line, std::string field, std::string message) {
        problems.push_back({{line, 1}, std::move(field), std::move(message)});
    }
};

void read_line(std::string_view text, std::uint32_t number, Reading* reading) {
    const Result<codec::Json> json = codec::parse_json(text);
    if (!json) return reading->add(number, "", "is no JSON: " + json.error().message);
    if (!json->is_object()) return reading->add(number, "", "must be a JSON object");
    for (const auto& [name, value] : *json->get_object()) {
        const bool is_known = name == "custom_id" || name == "body" || name == "method" || name == "url";
        if (!is_known) {
            return reading->add(number, std::string{shown(name)},
                                "is no field of a request; there are custom_id, method, url and body");
        }
    }
    const codec::Json* id = json->find("custom_id");
    if (id == nullptr || id->get_string() == nullptr || id->get_string()->empty()) {
        return reading->add(number, "custom_id", "must be a text");
    }
    if (id->get_string()->size() > kIdBytesMax) {
        return reading->add(number, "custom_id", fmt::format("has more than {} bytes", kIdBytesMax));
    }
    const auto [place, is_new] = reading->ids.emplace(*id->get_string(), number);
    if (!is_new) {
        return reading->add(number, "custom_id",
                            fmt::format("is {}, as in line {}", shown(*id->get_string()), place->second));
    }
    const codec::Json* body = json->find("body");
    if (body == nullptr || !body->is_object()) return reading->add(number, "body", "must be an object");
    reading->prepared += codec::dump_json(*id) + '\t' + codec::dump_json(*body) + '\n';
}

}  // namespace

std::variant<std::string, std::vector<Problem>> prepare_requests(std::string_view jsonl, const RequestsLimits& limits) {
    Reading reading;
    if (jsonl.size() > limits.bytes_max) {
        return std::vector<Problem>{
            {{}, "", fmt::format("has {} bytes; at most {} are taken", jsonl.size(), limits.bytes_max)}};
    }
    std::uint32_t number = 0;
    while (!jsonl.empty() && reading.problems.size() < kProblemsMax) {
        const std::size_t end = jsonl.find('\n');
        std::string_view line = jsonl.substr(0, end);
        jsonl.remove_prefix(end == std::string_view::npos ? jsonl.size() : end + 1);
        ++number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
        if (reading.ids.size() == limits.count_max) {
            reading.add(number, "", fmt::format("at most {} requests are taken", limits.count_max));
            break;
        }
        read_line(line, number, &reading);
    }
    if (reading.problems.empty() && reading.ids.empty()) reading.add(1, "", "there is no request");
    if (!reading.problems.empty()) return std::move(reading.problems);
    return std::move(reading.prepared);
}

}  // namespace vcity::app
