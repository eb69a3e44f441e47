// SPDX-License-Identifier: Apache-2.0
#include "codec/json.hpp"

#include <algorithm>
#include <limits>

#include "base/check.hpp"

namespace vcity::codec {

Json::Json(std::int64_t value) {
    if (value >= 0) {
        value_ = static_cast<std::uint64_t>(value);
    } else {
        value_ = value;
    }
}

bool Json::is_integer() const {
    return std::holds_alternative<std::int64_t>(value_) || std::holds_alternative<std::uint64_t>(value_);
}

bool Json::is_number() const {
    return is_integer() || std::holds_alternative<double>(value_);
}

bool Json::get_u64(std::uint64_t* out) const {
    const auto* value = std::get_if<std::uint64_t>(&value_);
    if (value != nullptr) *out = *value;
    return value != nullptr;
}

bool Json::get_i64(std::int64_t* out) const {
    if (const auto* negative = std::get_if<std::int64_t>(&value_)) {
        *out = *negative;
        return true;
    }
    const auto* value = std::get_if<std::uint64_t>(&value_);
    if (value == nullptr || *value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return false;
    *out = static_cast<std::int64_t>(*value);
    return true;
}

bool Json::get_double(double* out) const {
    if (const auto* value = std::get_if<double>(&value_)) {
        *out = *value;
    } else if (const auto* negative = std::get_if<std::int64_t>(&value_)) {
        *out = static_cast<double>(*negative);
    } else if (const auto* integer = std::get_if<std::uint64_t>(&value_)) {
        *out = static_cast<double>(*integer);
    } else {
        return false;
    }
    return true;
}

const Json* Json::find(std::string_view name) const {
    const JsonObject* object = get_object();
    if (object == nullptr) return nullptr;
    const auto member = std::ranges::find(*object, name, &JsonObject::value_type::first);
    return member == object->end() ? nullptr : &member->second;
}

Json& Json::set(std::string name, Json value) {
    if (is_null()) value_ = JsonObject{};
    auto* object = std::get_if<JsonObject>(&value_);
    CHECK(object != nullptr);
    const auto member = std::ranges::find(*object, name, &JsonObject::value_type::first);
    if (member != object->end()) {
        member->second = std::move(value);
    } else {
        object->emplace_back(std::move(name), std::move(value));
    }
    return *this;
}

}  // namespace vcity::codec
