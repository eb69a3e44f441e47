// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/yaml.hpp"

// The requests of a batch: one JSON object a line, {"custom_id": "...", "body": {...}} and OpenAI's "method" and "url".
namespace vcity::app {

struct RequestsLimits {
    std::size_t bytes_max = 200U << 20U;
    std::size_t count_max = 50'000;
};

// What the shards of a batch read: for each request "<custom id as JSON>TAB<body as JSON>\n". Or what is wrong with
// the first lines that are wrong: no JSON, no custom_id or one that was there before, no body. Empty lines do not
// count.
std::variant<std::string, std::vector<Problem>> prepare_requests(std::string_view jsonl,
                                                                 const RequestsLimits& limits = {});

}  // namespace vcity::app
