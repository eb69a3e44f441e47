// SPDX-License-Identifier: Apache-2.0
#include "app/emitter.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace vcity::app::detail {
namespace {

// A literal block gives back such a text as it is.
bool fits_block(std::string_view text) {
    const bool is_printable = std::ranges::all_of(text, [](char character) {
        return character == '\n' || (static_cast<unsigned char>(character) >= ' ' && character < '\x7f');
    });
    return is_printable && text.find('\n') < text.size() - 1 && !text.ends_with("\n\n") && text.front() != '\n';
}

}  // namespace

std::string flow(const Node& node) {
    if (node.is_null()) return "~";
    if (node.kind == Node::Kind::kScalar) return yaml_scalar(node.text);
    std::string text;
    for (const Node& child : node.children) {
        if (!text.empty()) text += ", ";
        if (node.kind == Node::Kind::kMap) text += yaml_scalar(child.key) + ": ";
        text += flow(child);
    }
    return node.kind == Node::Kind::kMap ? "{" + text + "}" : "[" + text + "]";
}

void Emitter::raw(std::string_view name, std::string_view value) {
    body_ += opened_;
    opened_.clear();
    body_ += fmt::format("{}{}: {}\n", indent(), name, value);
}

void Emitter::field(std::string_view name, std::string_view value) {
    raw(name, yaml_scalar(value));
}

void Emitter::node(std::string_view name, const Node& value) {
    raw(name, flow(value));
}

void Emitter::block(std::string_view name, std::string_view value) {
    if (value.empty() || !fits_block(value)) return field(name, value);
    raw(name, value.ends_with('\n') ? "|2" : "|2-");
    while (!value.empty()) {
        const std::size_t end = std::min(value.find('\n'), value.size());
        if (end > 0) body_ += indent() + "  " + std::string{value.substr(0, end)};
        body_ += '\n';
        value.remove_prefix(std::min(end + 1, value.size()));
    }
}

void Emitter::open(std::string_view name) {
    opened_ += fmt::format("{}{}:\n", indent(), name);
    ++depth_;
}

void Emitter::close() {
    if (!opened_.empty()) {
        opened_.pop_back();
        opened_.erase(opened_.rfind('\n') + 1);
    }
    --depth_;
}

std::string Emitter::text() const {
    std::string all;
    for (const std::string& note : notes_) {
        std::string line = note;
        std::ranges::replace_if(
            line, [](char character) { return static_cast<unsigned char>(character) < ' ' || character == '\x7f'; },
            ' ');
        all += "# " + line + "\n";
    }
    return all + body_;
}

}  // namespace vcity::app::detail
