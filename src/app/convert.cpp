// SPDX-License-Identifier: Apache-2.0
#include "app/convert.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "app/app_spec.hpp"
#include "app/convert_parts.hpp"
#include "app/fields.hpp"

namespace vcity::app {
namespace {

constexpr std::array<std::string_view, 3> kNames{"sdl", "skypilot", "runpod"};

}  // namespace

std::optional<Format> parse_format(std::string_view text) {
    const auto found = std::ranges::find(kNames, text);
    if (found == kNames.end()) return std::nullopt;
    return static_cast<Format>(found - kNames.begin());
}

std::variant<std::string, std::vector<Problem>> convert(Format format,
                                                        std::string_view text,
                                                        std::string_view service) {
    const auto parsed = parse_yaml(text);
    if (const auto* problem = std::get_if<Problem>(&parsed)) return std::vector<Problem>{*problem};
    const Node& root = std::get<Node>(parsed);
    if (root.kind != Node::Kind::kMap) {
        return std::vector<Problem>{
            {root.place, "",
             fmt::format("is no {} file: it must be a map", kNames.at(static_cast<std::size_t>(format)))}};
    }
    detail::Conversion conversion{.root = &root, .service = service, .out = {}, .problems = {}};
    switch (format) {
        case Format::kSdl: detail::convert_sdl(&conversion); break;
        case Format::kSkypilot: detail::convert_skypilot(&conversion); break;
        case Format::kRunpod: detail::convert_runpod(&conversion); break;
    }
    if (!conversion.problems.empty()) return std::move(conversion.problems);
    std::string app = conversion.out.text();
    const AppReading reading = read_app(app);
    if (reading.app) return app;
    // The places are those of the result, which the customer does not have: only fields and reasons are told.
    for (const Problem& problem : reading.problems) {
        conversion.problems.push_back({{}, problem.field, problem.message});
    }
    return std::move(conversion.problems);
}

}  // namespace vcity::app
