// SPDX-License-Identifier: Apache-2.0
#include "codec/abi.hpp"

#include <algorithm>

#include "base/check.hpp"

// A list of types, a line feed, then data of these types. What decodes is canonical.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const vcity::ByteView input{data, size};
    const std::string_view text = vcity::as_text(input);
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return 0;
    const auto types = vcity::codec::parse_abi_types(text.substr(0, end));
    if (!types) return 0;
    const vcity::ByteView bytes = input.subspan(end + 1);
    const auto values = vcity::codec::abi_decode(*types, bytes);
    if (values) CHECK(std::ranges::equal(vcity::codec::abi_encode(*values), bytes));
    return 0;
}
