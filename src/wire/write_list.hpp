// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "wire/records_convert.hpp"

// To be included after every header that declares a write() of what is in the lists.
namespace vcity::wire {

template <class Value, class Proto>
void write_list(const std::vector<Value>& values, Proto* out) {
    out->Reserve(static_cast<int>(values.size()));
    for (const Value& value : values) write(value, out->Add());
}
template <class Fixed, class Proto>
void write_fixed_list(const std::vector<Fixed>& values, Proto* out) {
    out->Reserve(static_cast<int>(values.size()));
    for (const Fixed& value : values) *out->Add() = raw(value);
}

}  // namespace vcity::wire
