// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace vcity::attest {

struct XmlAttribute {
    std::string prefix;  // empty without one
    std::string name;
    std::string value;
};
struct XmlNamespace {
    std::string prefix;  // empty for the default
    std::string uri;
};

// An element with what it declares itself. Children and texts alternate: texts[i] stands before children[i], and
// texts.back() after the last child.
struct XmlElement {
    std::string prefix;
    std::string name;
    std::string uri;  // of the element's namespace
    std::vector<XmlAttribute> attributes;
    std::vector<XmlNamespace> namespaces;
    std::vector<XmlElement> children;
    std::vector<std::string> texts;

    const std::string* attribute(std::string_view attribute_name) const;
    // The only child of that namespace and name, or nullptr.
    const XmlElement* child(std::string_view child_uri, std::string_view child_name) const;
};

// The part of XML 1.0 that signed reference manifests use, and no more: elements, attributes, namespaces and text in
// UTF-8. No declaration, DTD, comment, processing instruction, CDATA, entity or character reference, carriage return,
// nor white space other than blanks in attribute values, so that canonical XML differs from the text in few ways.
// At most 256 KiB, 16 levels, 4,096 elements. kInvalid otherwise.
Result<XmlElement> parse_xml(std::string_view text);

// Canonical XML 1.1 without comments (W3C REC-xml-c14n11) of the element and what is in it. inherited: the namespaces
// in scope above it, which an apex of a document subset repeats. omitted: a child that is left out, for the
// enveloped-signature transform.
std::string canonicalize(const XmlElement& element,
                         const std::vector<XmlNamespace>& inherited = {},
                         const XmlElement* omitted = nullptr);

}  // namespace vcity::attest
