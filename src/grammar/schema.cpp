// SPDX-License-Identifier: Apache-2.0
#include "grammar/schema.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>

namespace vcity::grammar {
namespace {

using codec::Json;

constexpr std::array<std::string_view, 11> kNotes = {"title",    "description", "default",  "examples",
                                                     "$schema",  "$id",         "$comment", "deprecated",
                                                     "readOnly", "writeOnly",   "strict"};
constexpr std::array<std::string_view, 15> kKeywords = {
    "type",  "properties", "required", "additionalProperties", "items",    "enum",      "const",    "anyOf",
    "$defs", "$ref",       "minItems", "definitions",          "maxItems", "minLength", "maxLength"};
constexpr double kSafe = 999'999'999'999'999;  // no more digits are ever written

bool is_one_of(std::span<const std::string_view> names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

Error wrong(const std::string& at, const std::string& what) {
    return make_error(Errc::kInvalid, "the schema at " + (at.empty() ? "its root" : at) + ": " + what);
}

class SchemaReader {
  public:
    SchemaReader(const Json& document, const SchemaLimits& limits) : document_{document}, limits_{limits} {}

    Result<Schema> read() {
        TRY(schema_.root, value(document_, "", 0));
        return std::move(schema_);
    }

  private:
    Result<NodeId> add(Node node) {
        if (schema_.nodes.size() >= limits_.nodes_max) return make_error(Errc::kInvalid, "the schema is too large");
        schema_.nodes.push_back(std::move(node));
        return static_cast<NodeId>(schema_.nodes.size() - 1);
    }
    Result<NodeId> simple(Node::Kind kind) {
        Node node;
        node.kind = kind;
        return add(std::move(node));
    }
    Result<NodeId> literal(std::string text) {
        Node node;
        node.kind = Node::Kind::kLiteral;
        node.literal = std::move(text);
        return add(std::move(node));
    }
    Result<NodeId> choice(std::vector<NodeId> alternatives) {
        if (alternatives.size() == 1) return alternatives.front();
        Node node;
        node.alternatives = std::move(alternatives);
        return add(std::move(node));
    }

    // Any JSON value: its own item and member value.
    Result<NodeId> any() {
        if (any_) return *any_;
        TRY(const NodeId self, add(Node{}));
        any_ = self;
        TRY(const NodeId map, simple(Node::Kind::kMap));
        TRY(const NodeId list, simple(Node::Kind::kArray));
        schema_.nodes[map].item = self;
        schema_.nodes[list].item = self;
        TRY(const NodeId text, simple(Node::Kind::kString));
        TRY(const NodeId number, simple(Node::Kind::kNumber));
        std::vector<NodeId> all{map, list, text, number};
        for (const char* word : {"true", "false", "null"}) {
            TRY(const NodeId id, literal(word));
            all.push_back(id);
        }
        schema_.nodes[self].alternatives = std::move(all);
        return self;
    }

    Result<NodeId> value(const Json& json, const std::string& at, std::size_t depth) {
        if (depth > limits_.depth_max) return wrong(at, "nested too deeply");
        if (const bool* everything = json.get_bool()) {
            if (*everything) return any();
            return wrong(at, "nothing fits it");
        }
        if (!json.is_object()) return wrong(at, "must be an object");
        TRY_OK(check_keywords(json, at));
        if (const Json* target = json.find("$ref")) return reference(*target, at, depth);
        if (const Json* fixed = json.find("const")) return literal(codec::dump_json(*fixed));
        if (const Json* list = json.find("enum")) return enumeration(*list, at);
        if (const Json* list = json.find("anyOf")) return any_of(*list, at, depth);
        return typed(json, at, depth);
    }

    Result<void> check_keywords(const Json& json, const std::string& at) {
        for (const auto& [name, content] : *json.get_object()) {
            if (is_one_of(kKeywords, name) || is_one_of(kNotes, name)) continue;
            double bound = 0;
            const bool is_bound = (name == "minimum" || name == "maximum") && content.get_double(&bound);
            const bool is_wide = is_bound && ((name == "minimum" && (bound == 0 || bound <= -kSafe)) ||
                                              (name == "maximum" && bound >= kSafe));
            if (is_wide) continue;
            return wrong(at, "'" + name.substr(0, 64) + "' is not supported" + (is_bound ? " with this value" : ""));
        }
        return {};
    }

    Result<NodeId> reference(const Json& target, const std::string& at, std::size_t depth) {
        const std::string* path = target.get_string();
        if (path == nullptr || path->empty() || path->front() != '#') return wrong(at, "'$ref' must begin with '#'");
        if (const auto known = references_.find(*path); known != references_.end()) return known->second;
        const Json* found = &document_;
        std::string_view rest = std::string_view{*path}.substr(1);
        while (!rest.empty()) {
            rest.remove_prefix(1);
            const std::string_view name = rest.substr(0, rest.find('/'));
            found = found->find(name);
            if (found == nullptr) return wrong(at, "'$ref' leads nowhere");
            rest.remove_prefix(name.size());
        }
        // Known before it is read, since it may lead to itself.
        TRY(const NodeId self, add(Node{}));
        references_.emplace(*path, self);
        TRY(const NodeId content, value(*found, *path, depth + 1));
        schema_.nodes[self].alternatives = {content};
        return self;
    }

    Result<NodeId> enumeration(const Json& list, const std::string& at) {
        const codec::JsonArray* items = list.get_array();
        if (items == nullptr || items->empty()) return wrong(at, "'enum' must be a list of values");
        if (items->size() > limits_.literals_max) return wrong(at, "'enum' has too many values");
        std::vector<NodeId> all;
        for (const Json& item : *items) {
            TRY(const NodeId id, literal(codec::dump_json(item)));
            all.push_back(id);
        }
        return choice(std::move(all));
    }

    Result<NodeId> any_of(const Json& list, const std::string& at, std::size_t depth) {
        const codec::JsonArray* items = list.get_array();
        if (items == nullptr || items->empty()) return wrong(at, "'anyOf' must be a list of schemas");
        std::vector<NodeId> all;
        for (const Json& item : *items) {
            TRY(const NodeId id, value(item, at + "/anyOf/" + std::to_string(all.size()), depth + 1));
            all.push_back(id);
        }
        return choice(std::move(all));
    }

    Result<NodeId> typed(const Json& json, const std::string& at, std::size_t depth) {
        const Json* type = json.find("type");
        if (type == nullptr) {
            if (json.find("properties") != nullptr) return object(json, at, depth);
            if (json.find("items") != nullptr) return array(json, at, depth);
            return any();
        }
        if (const std::string* name = type->get_string()) return of_type(*name, json, at, depth);
        const codec::JsonArray* names = type->get_array();
        if (names == nullptr || names->empty()) return wrong(at, "'type' must be a name or a list of names");
        std::vector<NodeId> all;
        for (const Json& name : *names) {
            if (name.get_string() == nullptr) return wrong(at, "'type' must be a list of names");
            TRY(const NodeId id, of_type(*name.get_string(), json, at, depth));
            all.push_back(id);
        }
        return choice(std::move(all));
    }

    Result<NodeId> of_type(const std::string& name, const Json& json, const std::string& at, std::size_t depth) {
        if (name == "object") return object(json, at, depth);
        if (name == "array") return array(json, at, depth);
        if (name == "null") return literal("null");
        if (name == "boolean") {
            TRY(const NodeId yes, literal("true"));
            TRY(const NodeId no, literal("false"));
            return choice({yes, no});
        }
        Node node;
        if (name == "string") {
            node.kind = Node::Kind::kString;
            TRY_OK(bounds(json, "minLength", "maxLength", at, &node));
            return add(std::move(node));
        }
        if (name != "number" && name != "integer") return wrong(at, "'" + name.substr(0, 64) + "' is no type");
        node.kind = name == "number" ? Node::Kind::kNumber : Node::Kind::kInteger;
        double least = -1;
        if (const Json* minimum = json.find("minimum")) node.may_be_negative = minimum->get_double(&least) && least < 0;
        return add(std::move(node));
    }

    Result<void> bounds(const Json& json, const char* low, const char* high, const std::string& at, Node* node) {
        for (const auto& [name, bound] : {std::pair{low, &node->least}, std::pair{high, &node->most}}) {
            const Json* given = json.find(name);
            if (given == nullptr) continue;
            std::uint64_t number = 0;
            if (!given->get_u64(&number) || number >= kEndless) return wrong(at, std::string{name} + " is no count");
            *bound = static_cast<std::uint32_t>(number);
        }
        if (node->least > node->most) return wrong(at, "nothing fits it");
        return {};
    }

    Result<NodeId> array(const Json& json, const std::string& at, std::size_t depth) {
        Node node;
        node.kind = Node::Kind::kArray;
        TRY_OK(bounds(json, "minItems", "maxItems", at, &node));
        const Json* items = json.find("items");
        if (items == nullptr) {
            TRY(node.item, any());
        } else {
            TRY(node.item, value(*items, at + "/items", depth + 1));
        }
        return add(std::move(node));
    }

    Result<NodeId> object(const Json& json, const std::string& at, std::size_t depth) {
        const Json* properties = json.find("properties");
        const Json* others = json.find("additionalProperties");
        Node node;
        if (properties == nullptr && (others == nullptr || !others->is_bool() || *others->get_bool())) {
            node.kind = Node::Kind::kMap;
            if (others != nullptr && others->is_object()) {
                TRY(node.item, value(*others, at + "/additionalProperties", depth + 1));
            } else {
                TRY(node.item, any());
            }
            if (json.find("required") != nullptr) return wrong(at, "'required' without 'properties'");
            return add(std::move(node));
        }
        node.kind = Node::Kind::kObject;
        if (properties != nullptr) {
            TRY_OK(members(*properties, at, depth, &node));
        }
        TRY_OK(require(json.find("required"), at, &node));
        return add(std::move(node));
    }

    Result<void> members(const Json& properties, const std::string& at, std::size_t depth, Node* node) {
        const codec::JsonObject* list = properties.get_object();
        if (list == nullptr) return wrong(at, "'properties' must be an object");
        if (list->size() > limits_.properties_max) return wrong(at, "too many properties");
        for (const auto& [name, content] : *list) {
            Property property;
            property.key = codec::dump_json(Json{name}) + ":";
            TRY(property.value, value(content, at + "/properties/" + name.substr(0, 64), depth + 1));
            node->properties.push_back(std::move(property));
        }
        return {};
    }

    Result<void> require(const Json* names, const std::string& at, Node* node) {
        if (names == nullptr) return {};
        if (names->get_array() == nullptr) return wrong(at, "'required' must be a list");
        for (const Json& name : *names->get_array()) {
            const std::string key = codec::dump_json(name) + ":";
            const auto found = std::ranges::find(node->properties, key, &Property::key);
            if (found == node->properties.end()) return wrong(at, "'required' names what is not in 'properties'");
            found->is_required = true;
        }
        return {};
    }

    const Json& document_;
    SchemaLimits limits_;
    Schema schema_;
    std::optional<NodeId> any_;
    std::map<std::string, NodeId> references_;
};

std::uint32_t sum(std::uint64_t a, std::uint64_t b) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(a + b, kEndless));
}

std::uint32_t bytes_of(const Schema& schema, Node* node) {
    switch (node->kind) {
        case Node::Kind::kAlternatives: {
            std::uint32_t best = kEndless;
            for (const NodeId id : node->alternatives) best = std::min(best, schema.nodes[id].bytes_min);
            return best;
        }
        case Node::Kind::kLiteral: return static_cast<std::uint32_t>(node->literal.size());
        case Node::Kind::kString: return sum(2, node->least);
        case Node::Kind::kNumber:
        case Node::Kind::kInteger: return 1;
        case Node::Kind::kMap: return 2;
        case Node::Kind::kArray: {
            if (node->least == 0) return 2;
            const std::uint64_t each = std::uint64_t{schema.nodes[node->item].bytes_min} + 1;
            return sum(1, each * node->least);
        }
        case Node::Kind::kObject: {
            node->rest_min.assign(node->properties.size() + 1, 0);
            for (std::size_t i = node->properties.size(); i-- > 0;) {
                const Property& property = node->properties[i];
                const std::uint64_t own = 1 + property.key.size() + schema.nodes[property.value].bytes_min;
                node->rest_min[i] = sum(node->rest_min[i + 1], property.is_required ? own : 0);
            }
            const std::uint32_t inside = node->rest_min[0];
            return sum(2, inside == 0 ? 0 : inside - 1);
        }
    }
    return kEndless;
}

}  // namespace

Result<Schema> read_schema(const Json& json, const SchemaLimits& limits) {
    TRY(Schema schema, SchemaReader(json, limits).read());
    // Values that hold themselves are as long as what ends them: shortest lengths only fall.
    for (bool has_changed = true; has_changed;) {
        has_changed = false;
        for (Node& node : schema.nodes) {
            const std::uint32_t bytes = bytes_of(schema, &node);
            has_changed = has_changed || bytes < node.bytes_min;
            node.bytes_min = std::min(node.bytes_min, bytes);
        }
    }
    if (schema.nodes[schema.root].bytes_min >= kEndless) return wrong("", "no finite value fits it");
    return schema;
}

}  // namespace vcity::grammar
