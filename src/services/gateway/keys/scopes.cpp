// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/keys/scopes.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace vcity::gateway {
namespace {

constexpr std::array<std::pair<Scope, std::string_view>, 4> kNames = {{
    {Scope::kInference, "inference"},
    {Scope::kRent, "rent"},
    {Scope::kBilling, "billing:read"},
    {Scope::kAdmin, "admin"},
}};

Error bad_scopes() {
    return make_error(Errc::kInvalid, "'scopes' must be a list of inference, rent, billing:read, admin");
}

}  // namespace

codec::Json to_json(Scopes scopes) {
    codec::JsonArray names;
    for (const auto& [scope, name] : kNames) {
        if (scopes.overlaps(scope)) names.emplace_back(name);
    }
    return names;
}

Result<Scopes> parse_scopes(const codec::Json& json) {
    const codec::JsonArray* items = json.get_array();
    if (items == nullptr || items->empty() || items->size() > kNames.size()) return bad_scopes();
    Scopes scopes;
    for (const codec::Json& item : *items) {
        const std::string* text = item.get_string();
        if (text == nullptr) return bad_scopes();
        const auto* known = std::ranges::find(kNames, std::string_view{*text}, &decltype(kNames)::value_type::second);
        if (known == kNames.end()) return bad_scopes();
        scopes = scopes | known->first;
    }
    return scopes;
}

}  // namespace vcity::gateway
