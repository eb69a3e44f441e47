// SPDX-License-Identifier: Apache-2.0
// Queries and orders from strangers: an answer or an error, and what was parsed can be evaluated.
#include "search/query.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace search = vcity::search;
    static constexpr std::array<search::Field, 3> kFields{{{"num_gpus", search::FieldType::kNumber, ""},
                                                           {"gpu_name", search::FieldType::kText, ""},
                                                           {"verified", search::FieldType::kFlag, ""}}};
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const std::array<search::Value, 3> known{2.0, std::string{"RTX 4090"}, true};
    const std::array<search::Value, 3> unknown{};
    if (const auto query = search::parse_query(kFields, text)) {
        static_cast<void>(search::matches(*query, known));
        for (const search::Condition& condition : query->conditions) {
            if (!condition.values.empty() && search::matches(search::Query{{condition}}, unknown)) __builtin_trap();
        }
    }
    if (const auto order = search::parse_order(kFields, text)) {
        if (search::comes_before(*order, known, known)) __builtin_trap();
    }
    return 0;
}
