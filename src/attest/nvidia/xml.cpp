// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/xml.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "codec/json.hpp"

namespace vcity::attest {
namespace {

constexpr std::size_t kBytesMax = 256U << 10U;
constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kElementsMax = 4096;
constexpr std::size_t kAttributesMax = 64;

using Scope = std::map<std::string, std::string>;  // prefix to URI

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
}

// Text and attribute values whose canonical form is themselves.
bool is_plain(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) {
        const auto code = static_cast<unsigned char>(c);
        return c == '&' || c == '>' || (code < 0x20 && c != '\n' && c != '\t');
    });
}

class Parser {
  public:
    explicit Parser(std::string_view text) : text_{text} {}

    Result<XmlElement> document() {
        TRY(XmlElement root, element({}, 0));
        skip_blanks();
        if (!text_.empty()) return malformed("text after the document");
        return root;
    }

  private:
    static Error malformed(const char* what) { return make_error(Errc::kInvalid, fmt::format("xml: {}", what)); }

    bool skip(std::string_view wanted) {
        if (!text_.starts_with(wanted)) return false;
        text_.remove_prefix(wanted.size());
        return true;
    }
    bool skip_blanks() {
        const std::size_t count = std::min(text_.find_first_not_of(" \n\t"), text_.size());
        text_.remove_prefix(count);
        return count > 0;
    }

    // [prefix:]name
    Result<std::pair<std::string, std::string>> qualified_name() {
        TRY(std::string first, name());
        if (!skip(":")) return std::pair{std::string{}, std::move(first)};
        TRY(std::string second, name());
        return std::pair{std::move(first), std::move(second)};
    }
    Result<std::string> name() {
        std::size_t size = 0;
        while (size < text_.size() && is_name_character(text_[size])) ++size;
        if (size == 0 || size > 64 || (text_[0] >= '0' && text_[0] <= '9') || text_[0] == '-' || text_[0] == '.') {
            return malformed("a name is not valid");
        }
        std::string result{text_.substr(0, size)};
        text_.remove_prefix(size);
        return result;
    }

    Result<void> attribute(XmlElement* element) {
        TRY(auto qualified, qualified_name());
        if (!skip("=\"")) return malformed("an attribute without a value");
        const std::size_t end = text_.find('"');
        if (end == std::string_view::npos) return malformed("an attribute without an end");
        const std::string_view value = text_.substr(0, end);
        if (!is_plain(value) || value.find_first_of("<\n\t") != std::string_view::npos) {
            return malformed("an attribute value with characters that are not used");
        }
        auto& [prefix, name] = qualified;
        if (prefix == "xml" || name == "xml" || (prefix.empty() && name == "xmlns" && value.empty())) {
            return malformed("an attribute that is not used");
        }
        if (prefix == "xmlns" || (prefix.empty() && name == "xmlns")) {
            if (value.empty()) return malformed("an empty namespace");
            element->namespaces.push_back({prefix.empty() ? std::string{} : name, std::string{value}});
        } else {
            element->attributes.push_back({std::move(prefix), std::move(name), std::string{value}});
        }
        text_.remove_prefix(end + 1);
        if (element->attributes.size() + element->namespaces.size() > kAttributesMax) {
            return malformed("too many attributes");
        }
        return {};
    }

    // Namespaces of attributes are needed for their order, and all must be declared.
    static Result<void> resolve(XmlElement* element, Scope* scope) {
        Scope declared;
        for (const XmlNamespace& space : element->namespaces) {
            if (!declared.emplace(space.prefix, space.uri).second) return malformed("a namespace declared twice");
            (*scope)[space.prefix] = space.uri;
        }
        const auto found = scope->find(element->prefix);
        if (found == scope->end() && !element->prefix.empty()) return malformed("a prefix that is not declared");
        if (found != scope->end()) element->uri = found->second;
        const auto uri_of = [&](const XmlAttribute& attribute) -> std::string {
            if (attribute.prefix.empty()) return {};
            const auto space = scope->find(attribute.prefix);
            return space == scope->end() ? std::string{"?"} : space->second;
        };
        const auto key = [&](const XmlAttribute& attribute) { return std::tuple{uri_of(attribute), attribute.name}; };
        for (const XmlAttribute& attribute : element->attributes) {
            if (uri_of(attribute) == "?") return malformed("a prefix that is not declared");
        }
        std::sort(element->attributes.begin(), element->attributes.end(),
                  [&](const XmlAttribute& a, const XmlAttribute& b) { return key(a) < key(b); });
        const auto twice = std::adjacent_find(element->attributes.begin(), element->attributes.end(),
                                              [&](const auto& a, const auto& b) { return key(a) == key(b); });
        if (twice != element->attributes.end()) return malformed("an attribute given twice");
        return {};
    }

    Result<XmlElement> element(Scope scope, std::size_t depth) {
        if (depth == kDepthMax || ++elements_ > kElementsMax) return malformed("too deep, or too many elements");
        if (!skip("<")) return malformed("no element");
        XmlElement result;
        TRY(auto qualified, qualified_name());
        result.prefix = std::move(qualified.first);
        result.name = std::move(qualified.second);
        while (skip_blanks() && !text_.starts_with(">") && !text_.starts_with("/>")) {
            TRY_OK(attribute(&result));
        }
        TRY_OK(resolve(&result, &scope));
        if (skip("/>")) {
            result.texts.emplace_back();
            return result;
        }
        if (!skip(">")) return malformed("a start tag without an end");
        TRY_OK(content(&result, scope, depth));
        return result;
    }

    Result<void> content(XmlElement* parent, const Scope& scope, std::size_t depth) {
        while (true) {
            const std::size_t end = text_.find('<');
            if (end == std::string_view::npos) return malformed("an element without an end");
            const std::string_view text = text_.substr(0, end);
            if (!is_plain(text)) return malformed("text with characters that are not used");
            parent->texts.emplace_back(text);
            text_.remove_prefix(end);
            if (skip("</")) break;
            TRY(XmlElement next, element(scope, depth + 1));
            parent->children.push_back(std::move(next));
        }
        TRY(const auto qualified, qualified_name());
        skip_blanks();
        if (qualified.first != parent->prefix || qualified.second != parent->name || !skip(">")) {
            return malformed("an end tag of another element");
        }
        return {};
    }

    std::string_view text_;
    std::size_t elements_ = 0;
};

std::string tag_name(const XmlElement& element) {
    return element.prefix.empty() ? element.name : element.prefix + ":" + element.name;
}

// rendered: what the output's ancestors have declared.
void write(
    const XmlElement& element, const Scope& in_scope, Scope rendered, const XmlElement* omitted, std::string* out) {
    *out += "<" + tag_name(element);
    for (const auto& [prefix, uri] : in_scope) {
        const auto known = rendered.find(prefix);
        if (known != rendered.end() && known->second == uri) continue;
        *out += prefix.empty() ? fmt::format(" xmlns=\"{}\"", uri) : fmt::format(" xmlns:{}=\"{}\"", prefix, uri);
        rendered[prefix] = uri;
    }
    for (const XmlAttribute& attribute : element.attributes) {
        const std::string prefix = attribute.prefix.empty() ? std::string{} : attribute.prefix + ":";
        *out += fmt::format(" {}{}=\"{}\"", prefix, attribute.name, attribute.value);
    }
    *out += ">";
    for (std::size_t i = 0; i < element.texts.size(); ++i) {
        *out += element.texts[i];
        if (i == element.children.size() || &element.children[i] == omitted) continue;
        Scope below = in_scope;
        for (const XmlNamespace& space : element.children[i].namespaces) below[space.prefix] = space.uri;
        write(element.children[i], below, rendered, omitted, out);
    }
    *out += "</" + tag_name(element) + ">";
}

}  // namespace

const std::string* XmlElement::attribute(std::string_view attribute_name) const {
    const auto found = std::find_if(attributes.begin(), attributes.end(),
                                    [&](const XmlAttribute& attribute) { return attribute.name == attribute_name; });
    return found == attributes.end() ? nullptr : &found->value;
}

const XmlElement* XmlElement::child(std::string_view child_uri, std::string_view child_name) const {
    const XmlElement* result = nullptr;
    for (const XmlElement& candidate : children) {
        if (candidate.uri != child_uri || candidate.name != child_name) continue;
        if (result != nullptr) return nullptr;
        result = &candidate;
    }
    return result;
}

Result<XmlElement> parse_xml(std::string_view text) {
    if (text.size() > kBytesMax || !codec::is_utf8(text)) {
        return make_error(Errc::kInvalid, "xml: too long, or not UTF-8");
    }
    return Parser{text}.document();
}

std::string canonicalize(const XmlElement& element,
                         const std::vector<XmlNamespace>& inherited,
                         const XmlElement* omitted) {
    Scope scope;
    for (const XmlNamespace& space : inherited) scope[space.prefix] = space.uri;
    for (const XmlNamespace& space : element.namespaces) scope[space.prefix] = space.uri;
    std::string out;
    write(element, scope, {}, omitted, &out);
    return out;
}

}  // namespace vcity::attest
