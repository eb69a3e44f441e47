// SPDX-License-Identifier: Apache-2.0
// App files from strangers: a tree or an error within the bounds, and every text can be written so that it reads back.
#include "app/yaml.hpp"

#include <cstddef>
#include <cstdint>

#include "codec/json.hpp"

namespace {

namespace app = vcity::app;

void check(const app::Node& node, std::size_t depth) {
    if (depth > app::YamlLimits{}.depth_max + 1) __builtin_trap();
    if (node.kind == app::Node::Kind::kScalar && vcity::codec::is_utf8(node.text)) {
        const auto again = app::parse_yaml("value: " + app::yaml_scalar(node.text));
        const auto* root = std::get_if<app::Node>(&again);
        const bool is_long = node.text.size() > app::YamlLimits{}.bytes_max / 8;
        if (!is_long && (root == nullptr || root->children.size() != 1 || root->children[0].text != node.text)) {
            __builtin_trap();
        }
    }
    for (const app::Node& child : node.children) check(child, depth + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto parsed = app::parse_yaml({reinterpret_cast<const char*>(data), size});
    if (const auto* root = std::get_if<app::Node>(&parsed)) {
        check(*root, 0);
    } else {
        static_cast<void>(app::to_text("fuzz.yaml", std::get<app::Problem>(parsed)));
    }
    return 0;
}
