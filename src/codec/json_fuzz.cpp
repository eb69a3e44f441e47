// SPDX-License-Identifier: Apache-2.0
#include "codec/json.hpp"

#include "base/check.hpp"

// Every form of a parsed value parses again, to the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using vcity::codec::parse_json;
    const auto value = parse_json({reinterpret_cast<const char*>(data), size}, {.values_max = 10'000});
    if (!value) return 0;
    const std::string compact = vcity::codec::dump_json(*value);
    CHECK(vcity::codec::is_utf8(compact));
    CHECK(vcity::codec::dump_json(parse_json(compact).value()) == compact);
    CHECK(vcity::codec::dump_json(parse_json(vcity::codec::dump_json_pretty(*value)).value()) == compact);
    const std::string canonical = vcity::codec::dump_json_canonical(*value);
    CHECK(vcity::codec::dump_json_canonical(parse_json(canonical).value()) == canonical);
    return 0;
}
