// SPDX-License-Identifier: Apache-2.0
#include "app/yaml.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <yaml.h>

#include "codec/json.hpp"

namespace vcity::app {
namespace {

Place place_of(const yaml_mark_t& mark) {
    return {.line = static_cast<std::uint32_t>(mark.line) + 1, .column = static_cast<std::uint32_t>(mark.column) + 1};
}

std::string printable(std::string_view text) {
    constexpr std::size_t kShownMax = 64;
    std::string shown{text.substr(0, codec::utf8_complete_prefix(text.substr(0, kShownMax)))};
    for (char& character : shown) {
        if (static_cast<unsigned char>(character) < ' ' || character == '\x7f') character = '?';
    }
    return shown;
}

// One event of libyaml, freed with it.
class Event {
  public:
    Event() = default;
    ~Event() { yaml_event_delete(&event_); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    yaml_event_t* get() { return &event_; }
    yaml_event_type_t type() const { return event_.type; }
    Place place() const { return place_of(event_.start_mark); }
    const yaml_event_t& operator*() const { return event_; }

  private:
    yaml_event_t event_{};
};

class Builder {
  public:
    Builder(std::string_view text, const YamlLimits& limits) : limits_{limits} {
        is_ready_ = yaml_parser_initialize(&parser_) != 0;
        if (!is_ready_) return;
        yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    }
    ~Builder() {
        if (is_ready_) yaml_parser_delete(&parser_);
    }
    Builder(const Builder&) = delete;
    Builder& operator=(const Builder&) = delete;

    std::variant<Node, Problem> build() {
        if (!is_ready_) return Problem{{}, "", "no memory to read it"};
        Node root;
        root.kind = Node::Kind::kMap;
        root.place = {1, 1};
        // The open nodes, outermost first. A parent's children do not move while one of them is open.
        open_.push_back(&root);
        while (!problem_ && !is_over_) step(&root);
        if (problem_) return *std::move(problem_);
        return root;
    }

  private:
    void fail(Place place, std::string message) {
        if (!problem_) problem_ = Problem{place, "", std::move(message)};
    }

    void step(Node* root) {
        Event event;
        if (yaml_parser_parse(&parser_, event.get()) == 0) return fail_to_parse();
        switch (event.type()) {
            case YAML_STREAM_END_EVENT: is_over_ = true; return;
            case YAML_DOCUMENT_START_EVENT:
                if (has_document_) fail(event.place(), "a second document: one file describes one app");
                has_document_ = true;
                return;
            case YAML_ALIAS_EVENT: return fail(event.place(), "aliases (*name) are not taken: write it out");
            case YAML_SCALAR_EVENT: return add_scalar(*event, root);
            case YAML_SEQUENCE_START_EVENT:
                check_marks((*event).data.sequence_start.anchor, (*event).data.sequence_start.tag, event.place());
                return open(Node::Kind::kList, event.place(), root);
            case YAML_MAPPING_START_EVENT:
                check_marks((*event).data.mapping_start.anchor, (*event).data.mapping_start.tag, event.place());
                return open(Node::Kind::kMap, event.place(), root);
            case YAML_SEQUENCE_END_EVENT:
            case YAML_MAPPING_END_EVENT: open_.pop_back(); return;
            case YAML_NO_EVENT:
            case YAML_STREAM_START_EVENT:
            case YAML_DOCUMENT_END_EVENT: return;
        }
    }

    void fail_to_parse() {
        std::string message = parser_.problem == nullptr ? "it is no YAML" : parser_.problem;
        if (parser_.context != nullptr) message += fmt::format(" {}", parser_.context);
        const bool has_mark = parser_.error == YAML_SCANNER_ERROR || parser_.error == YAML_PARSER_ERROR;
        fail(has_mark ? place_of(parser_.problem_mark) : place_of(parser_.mark), message);
    }

    void check_marks(const yaml_char_t* anchor, const yaml_char_t* tag, Place place) {
        if (anchor != nullptr) fail(place, "anchors (&name) are not taken: write it out");
        if (tag != nullptr) fail(place, "tags (!name) are not taken");
    }

    void add_scalar(const yaml_event_t& event, Node* root) {
        const auto& scalar = event.data.scalar;
        const Place place = place_of(event.start_mark);
        check_marks(scalar.anchor, scalar.tag, place);
        std::string text{reinterpret_cast<const char*>(scalar.value), scalar.length};
        if (is_key()) return add_key(std::move(text), place);
        Node node;
        node.text = std::move(text);
        node.is_plain = scalar.style == YAML_PLAIN_SCALAR_STYLE;
        node.place = place;
        static_cast<void>(add(std::move(node), root));
    }

    // In a map and between two members.
    bool is_key() const { return has_root_ && open_.back()->kind == Node::Kind::kMap && !has_key_; }

    void add_key(std::string text, Place place) {
        if (text.size() > kKeyBytesMax) {
            return fail(place,
                        fmt::format("a field's name has {} bytes; at most {} are taken", text.size(), kKeyBytesMax));
        }
        if (open_.back()->find(text) != nullptr) {
            return fail(place, fmt::format("'{}' is there twice", printable(text)));
        }
        key_ = std::move(text);
        key_place_ = place;
        has_key_ = true;
    }

    Node* add(Node node, Node* root) {
        if (++nodes_ > limits_.nodes_max) {
            fail(node.place, fmt::format("it has more than {} values", limits_.nodes_max));
            return nullptr;
        }
        if (!has_root_) {
            has_root_ = true;
            *root = std::move(node);
            return root;
        }
        Node* parent = open_.back();
        if (parent->kind == Node::Kind::kMap) {
            node.key = std::move(key_);
            node.key_place = key_place_;
            has_key_ = false;
        }
        parent->children.push_back(std::move(node));
        return &parent->children.back();
    }

    void open(Node::Kind kind, Place place, Node* root) {
        if (is_key()) return fail(place, "a field's name must be a text");
        if (open_.size() > limits_.depth_max) {
            return fail(place, fmt::format("it is nested more than {} deep", limits_.depth_max));
        }
        Node node;
        node.kind = kind;
        node.place = place;
        Node* added = add(std::move(node), root);
        if (added != nullptr) open_.push_back(added);
    }

    static constexpr std::size_t kKeyBytesMax = 256;

    YamlLimits limits_;
    yaml_parser_t parser_{};
    bool is_ready_ = false;
    bool is_over_ = false;
    bool has_document_ = false;
    bool has_root_ = false;
    bool has_key_ = false;
    std::string key_;
    Place key_place_;
    std::size_t nodes_ = 0;
    std::vector<Node*> open_;
    std::optional<Problem> problem_;
};

// Bytes of the first character when it must not stand in a YAML text as it is; else 0.
std::size_t escaped_length(std::string_view text) {
    if (text.starts_with('\x7f')) return 1;
    if (text.size() >= 2 && text[0] == '\xc2' && static_cast<unsigned char>(text[1]) < 0xa0) return 2;
    for (const std::string_view odd :
         {"\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf", "\xef\xbf\xbe", "\xef\xbf\xbf"}) {
        if (text.starts_with(odd)) return 3;
    }
    return 0;
}

// The first line that is no text.
Place first_bad_line(std::string_view text) {
    Place place{.line = 1, .column = 1};
    while (true) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos || !codec::is_utf8(text.substr(0, end))) return place;
        text.remove_prefix(end + 1);
        ++place.line;
    }
}

}  // namespace

std::string to_text(std::string_view file, const Problem& problem) {
    std::string text{file};
    if (problem.place.line != 0) text += fmt::format(":{}:{}", problem.place.line, problem.place.column);
    if (!problem.field.empty()) text += ": " + problem.field;
    return text + ": " + problem.message;
}

bool Node::is_null() const {
    return kind == Kind::kScalar && is_plain && (text.empty() || text == "~" || text == "null");
}

const Node* Node::find(std::string_view name) const {
    const auto found = std::ranges::find(children, name, &Node::key);
    return kind != Kind::kMap || found == children.end() ? nullptr : &*found;
}

std::variant<Node, Problem> parse_yaml(std::string_view text, const YamlLimits& limits) {
    if (text.size() > limits.bytes_max) {
        return Problem{{}, "", fmt::format("it has {} bytes; at most {} are taken", text.size(), limits.bytes_max)};
    }
    if (!codec::is_utf8(text)) return Problem{first_bad_line(text), "", "it is no UTF-8 text"};
    return Builder{text, limits}.build();
}

std::string yaml_scalar(std::string_view text) {
    // A JSON string is a YAML scalar in double quotes, but for characters that YAML takes as line breaks or not at all.
    const std::string json = codec::dump_json(codec::Json{text});
    std::string quoted;
    for (std::size_t at = 0; at < json.size();) {
        const std::size_t length = escaped_length(std::string_view{json}.substr(at));
        if (length == 0) {
            quoted.push_back(json[at]);
            ++at;
            continue;
        }
        std::uint32_t point = 0;
        const auto byte = [&](std::size_t offset) { return static_cast<unsigned char>(json[at + offset]); };
        if (length == 1) point = byte(0);
        if (length == 2) point = (byte(0) & 0x1fU) << 6U | (byte(1) & 0x3fU);
        if (length == 3) point = (byte(0) & 0x0fU) << 12U | (byte(1) & 0x3fU) << 6U | (byte(2) & 0x3fU);
        quoted += fmt::format("\\u{:04x}", point);
        at += length;
    }
    return quoted;
}

}  // namespace vcity::app
