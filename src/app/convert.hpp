// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/yaml.hpp"

// App files from those of other networks.
namespace vcity::app {

enum class Format : std::uint8_t {
    kSdl = 0,       // Akash's Stack Definition Language 2.0 and 2.1
    kSkypilot = 1,  // a SkyPilot task or service
    kRunpod = 2,    // a RunPod template in JSON or YAML, or the flags of `runpodctl` as a map
};
std::optional<Format> parse_format(std::string_view text);

// The text of an app file that read_app() takes; what could not be taken over stands in it as comments. Or what is
// wrong with the source. service: of an SDL; empty: its only one.
std::variant<std::string, std::vector<Problem>> convert(Format format, std::string_view text, std::string_view service);

}  // namespace vcity::app
