// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/amount.hpp"
#include "services/gateway/api/api_error.hpp"

// Reading JSON by tables of members, with refusals that name path, value and what is allowed.
namespace vcity::gateway::spec {

// {code} '<path>' is <value>; it must be <allowed>.
ApiError refusal(ErrorCode code, const std::string& path, const codec::Json& value, std::string_view allowed);
ApiError refusal(ErrorCode code, const std::string& path, std::string message);

std::string child(const std::string& path, std::string_view name);
std::string child(const std::string& path, std::size_t index);

Refusal read_whole(
    const codec::Json& value, const std::string& path, std::uint64_t least, std::uint64_t most, std::uint32_t* out);
Refusal read_flag(const codec::Json& value, const std::string& path, bool* out);
Refusal read_text(const codec::Json& value, const std::string& path, std::size_t bytes_max, std::string* out);
Refusal read_texts(const codec::Json& value,
                   const std::string& path,
                   std::size_t count_max,
                   std::size_t bytes_max,
                   std::vector<std::string>* out);
// A number of at most `most`, fractions allowed, as ceil(value * scale).
struct Scale {
    std::uint32_t factor = 1;
    double most = 0;
    std::string_view unit;
};
Refusal read_scaled(const codec::Json& value, const std::string& path, const Scale& scale, std::uint32_t* out);
// Dollars, as a number or as a decimal string; more than 0, at most a thousand million.
Refusal read_money(const codec::Json& value, const std::string& path, Usd* out);
// The index of the value in the names.
Refusal read_choice(const codec::Json& value,
                    const std::string& path,
                    std::span<const std::string_view> names,
                    std::size_t* out);

template <class Target>
struct Member {
    std::string_view name;
    Refusal (*read)(const codec::Json& value, const std::string& path, Target* out);
};

ApiError unknown_member(const std::string& path, std::string_view name, const std::string& known);

template <class Target>
Refusal read_members(const codec::Json& value,
                     const std::string& path,
                     std::span<const Member<Target>> members,
                     Target* out) {
    const codec::JsonObject* object = value.get_object();
    if (object == nullptr) return refusal(ErrorCode::kInvalidType, path, value, "an object");
    for (const auto& [name, content] : *object) {
        const Member<Target>* found = nullptr;
        for (const Member<Target>& member : members) {
            if (member.name == name) found = &member;
        }
        if (found == nullptr) {
            std::string known;
            for (const Member<Target>& member : members)
                known += (known.empty() ? "" : ", ") + std::string{member.name};
            return unknown_member(path, name, known);
        }
        if (content.is_null()) continue;
        if (Refusal refused = found->read(content, child(path, name), out)) return refused;
    }
    return std::nullopt;
}

}  // namespace vcity::gateway::spec
