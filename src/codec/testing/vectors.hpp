// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "codec/json.hpp"

namespace vcity::codec::testing {

// The cases of tests/vectors/NAME.json below the source tree. Test only: a missing file or field is a failed CHECK.
inline JsonArray vector_cases(const std::string& source_dir, const std::string& name) {
    std::ifstream stream{source_dir + "/tests/vectors/" + name + ".json", std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{stream}, {}};
    const Json file = parse_json(text).value();
    const Json* cases = file.find("cases");
    CHECK(cases != nullptr && cases->is_array() && !cases->get_array()->empty());
    return *cases->get_array();
}

inline const Json& field(const Json& vector, std::string_view name) {
    const Json* member = vector.find(name);
    CHECK(member != nullptr);
    return *member;
}
inline const std::string& text(const Json& vector, std::string_view name) {
    return *field(vector, name).get_string();
}
inline const JsonArray& list(const Json& vector, std::string_view name) {
    return *field(vector, name).get_array();
}
inline Bytes bytes(const Json& vector, std::string_view name) {
    return parse_hex(text(vector, name)).value();
}
template <class Fixed>
Fixed fixed(const Json& vector, std::string_view name) {
    return parse_fixed<Fixed>(text(vector, name)).value();
}
inline std::uint64_t number(const Json& vector, std::string_view name) {
    return parse_decimal(text(vector, name)).value();
}

}  // namespace vcity::codec::testing
