// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/emitter.hpp"
#include "app/yaml.hpp"

namespace vcity::app::detail {

struct Conversion {
    const Node* root = nullptr;  // a map
    std::string_view service;
    Emitter out;
    std::vector<Problem> problems;
};

void convert_sdl(Conversion* conversion);
void convert_skypilot(Conversion* conversion);
void convert_runpod(Conversion* conversion);

// Text of a member; empty when there is none.
std::string text_of(const Node* node, std::string_view name);
// What no other format says.
void add_budget(Emitter* out);

}  // namespace vcity::app::detail
