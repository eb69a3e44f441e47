// SPDX-License-Identifier: Apache-2.0
// Queries and orders from strangers: an answer or an error, and what was parsed can be evaluated.
#include "search/query.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vcity::search;
    static constexpr std::array<Field, 3> kFields{
        {{"num_gpus", FieldType::kNumber, ""}, {"gpu_name", FieldType::kText, ""}, {"verified", FieldType::kFlag, ""}}};
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const std::array<Value, 3> known{2.0, std::string{"RTX 4090"}, true};
    const std::array<Value, 3> unknown{};
    if (const auto query = parse_query(kFields, text)) {
        static_cast<void>(matches(*query, known));
        for (const Condition& condition : query->conditions) {
            if (!condition.values.empty() && matches(Query{{condition}}, unknown)) __builtin_trap();
        }
    }
    if (const auto order = parse_order(kFields, text)) {
        if (comes_before(*order, known, known)) __builtin_trap();
    }
    return 0;
}
