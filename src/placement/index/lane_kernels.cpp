// SPDX-License-Identifier: Apache-2.0
#include "placement/index/lane_kernels.hpp"

#include <algorithm>
#include <limits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace vcity::placement {
namespace {

constexpr std::uint16_t kGuards = 0x8888;  // see Traits

BoundLanes plain_bounds(const BoundSum& sum, std::size_t lanes, float threshold, float* values) {
    BoundLanes found{0, std::numeric_limits<float>::max()};
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        values[lane] = sum.first[lane] * sum.first_weight + sum.second[lane] * sum.second_weight +
                       sum.third[lane] * sum.third_weight + sum.base;
        found.least = std::min(found.least, values[lane]);
        found.within |= std::uint64_t{values[lane] <= threshold} << lane;
    }
    return found;
}

std::uint64_t plain_within(const float* values, std::size_t lanes, float threshold) {
    std::uint64_t within = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane) within |= std::uint64_t{values[lane] <= threshold} << lane;
    return within;
}

unsigned plain_chunk(const Chunk& chunk, const ChunkFilter& filter) {
    unsigned passed = 0;
    for (std::size_t entry = 0; entry < Chunk::kEntries; ++entry) {
        const auto price = static_cast<float>(chunk.prices[entry]);
        const auto flaws = static_cast<std::uint16_t>(chunk.flaws_and_kinds[entry] & (Chunk::kKindBit - 1));
        const float value =
            price * filter.price_weight + static_cast<float>(flaws) * filter.quality_weight + filter.base;
        const unsigned covered = ((chunk.traits[entry] | kGuards) - filter.need) & kGuards;
        const bool is_kind = (chunk.flaws_and_kinds[entry] & filter.kind_mask) == filter.kind_value;
        const bool has_passed = value <= filter.threshold && price <= filter.price_max && flaws <= filter.flaws_max &&
                                is_kind && covered == kGuards;
        passed |= static_cast<unsigned>(has_passed) << entry;
    }
    return passed;
}

constexpr LaneKernels kPlain = {plain_bounds, plain_within, plain_chunk};

#if defined(__x86_64__)

__attribute__((target("avx2,fma"))) float least_of(__m256 values) {
    const __m128 four = _mm_min_ps(_mm256_castps256_ps128(values), _mm256_extractf128_ps(values, 1));
    const __m128 two = _mm_min_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_min_ss(two, _mm_shuffle_ps(two, two, 1)));
}

__attribute__((target("avx2,fma"))) BoundLanes avx2_bounds(const BoundSum& sum,
                                                           std::size_t lanes,
                                                           float threshold,
                                                           float* values) {
    const __m256 first_weight = _mm256_set1_ps(sum.first_weight);
    const __m256 second_weight = _mm256_set1_ps(sum.second_weight);
    const __m256 third_weight = _mm256_set1_ps(sum.third_weight);
    const __m256 base = _mm256_set1_ps(sum.base);
    const __m256 limit = _mm256_set1_ps(threshold);
    __m256 least = _mm256_set1_ps(std::numeric_limits<float>::max());
    BoundLanes found;
    for (std::size_t lane = 0; lane < lanes; lane += 8) {
        __m256 value = _mm256_fmadd_ps(_mm256_load_ps(sum.first + lane), first_weight, base);
        value = _mm256_fmadd_ps(_mm256_load_ps(sum.second + lane), second_weight, value);
        value = _mm256_fmadd_ps(_mm256_load_ps(sum.third + lane), third_weight, value);
        _mm256_store_ps(values + lane, value);
        least = _mm256_min_ps(least, value);
        const int hits = _mm256_movemask_ps(_mm256_cmp_ps(value, limit, _CMP_LE_OQ));
        found.within |= static_cast<std::uint64_t>(static_cast<unsigned>(hits)) << lane;
    }
    found.least = least_of(least);
    return found;
}

__attribute__((target("avx2,fma"))) std::uint64_t avx2_within(const float* values, std::size_t lanes, float threshold) {
    const __m256 limit = _mm256_set1_ps(threshold);
    std::uint64_t within = 0;
    for (std::size_t lane = 0; lane < lanes; lane += 8) {
        const int hits = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(values + lane), limit, _CMP_LE_OQ));
        within |= static_cast<std::uint64_t>(static_cast<unsigned>(hits)) << lane;
    }
    return within;
}

__attribute__((target("avx2,fma"))) unsigned avx2_chunk(const Chunk& chunk, const ChunkFilter& filter) {
    const auto set = [](std::uint16_t value)
                         __attribute__((target("avx2,fma"))) { return _mm_set1_epi16(static_cast<short>(value)); };
    const __m256i prices = _mm256_load_si256(reinterpret_cast<const __m256i*>(chunk.prices.data()));
    const __m128i kinds = _mm_load_si128(reinterpret_cast<const __m128i*>(chunk.flaws_and_kinds.data()));
    const __m128i traits = _mm_load_si128(reinterpret_cast<const __m128i*>(chunk.traits.data()));
    const __m128i flaws = _mm_and_si128(kinds, set(Chunk::kKindBit - 1));
    // Two halves of sixteen bits, each exact as a float.
    const __m256 high = _mm256_cvtepi32_ps(_mm256_srli_epi32(prices, 16));
    const __m256 low = _mm256_cvtepi32_ps(_mm256_and_si256(prices, _mm256_set1_epi32(0xffff)));
    const __m256 price = _mm256_fmadd_ps(high, _mm256_set1_ps(65536.0F), low);
    const __m256 flaw = _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(flaws));
    __m256 value = _mm256_fmadd_ps(price, _mm256_set1_ps(filter.price_weight), _mm256_set1_ps(filter.base));
    value = _mm256_fmadd_ps(flaw, _mm256_set1_ps(filter.quality_weight), value);
    const __m256 is_near = _mm256_and_ps(_mm256_cmp_ps(value, _mm256_set1_ps(filter.threshold), _CMP_LE_OQ),
                                         _mm256_cmp_ps(price, _mm256_set1_ps(filter.price_max), _CMP_LE_OQ));
    // Saturating subtraction is zero where the flaws are within the limit.
    const __m128i is_sound = _mm_cmpeq_epi16(_mm_subs_epu16(flaws, set(filter.flaws_max)), _mm_setzero_si128());
    const __m128i is_kind = _mm_cmpeq_epi16(_mm_and_si128(kinds, set(filter.kind_mask)), set(filter.kind_value));
    const __m128i guards = set(kGuards);
    const __m128i covered = _mm_and_si128(_mm_sub_epi16(_mm_or_si128(traits, guards), set(filter.need)), guards);
    const __m128i passed = _mm_and_si128(_mm_and_si128(is_sound, is_kind), _mm_cmpeq_epi16(covered, guards));
    const int words = _mm_movemask_epi8(_mm_packs_epi16(passed, _mm_setzero_si128()));
    return static_cast<unsigned>(words) & static_cast<unsigned>(_mm256_movemask_ps(is_near));
}

__attribute__((target("avx512f"))) BoundLanes avx512_bounds(const BoundSum& sum,
                                                            std::size_t lanes,
                                                            float threshold,
                                                            float* values) {
    const __m512 first_weight = _mm512_set1_ps(sum.first_weight);
    const __m512 second_weight = _mm512_set1_ps(sum.second_weight);
    const __m512 third_weight = _mm512_set1_ps(sum.third_weight);
    const __m512 base = _mm512_set1_ps(sum.base);
    const __m512 limit = _mm512_set1_ps(threshold);
    __m512 least = _mm512_set1_ps(std::numeric_limits<float>::max());
    BoundLanes found;
    for (std::size_t lane = 0; lane < lanes; lane += 16) {
        __m512 value = _mm512_fmadd_ps(_mm512_load_ps(sum.first + lane), first_weight, base);
        value = _mm512_fmadd_ps(_mm512_load_ps(sum.second + lane), second_weight, value);
        value = _mm512_fmadd_ps(_mm512_load_ps(sum.third + lane), third_weight, value);
        _mm512_store_ps(values + lane, value);
        least = _mm512_min_ps(least, value);
        found.within |= std::uint64_t{_mm512_cmp_ps_mask(value, limit, _CMP_LE_OQ)} << lane;
    }
    found.least = _mm512_reduce_min_ps(least);
    return found;
}

__attribute__((target("avx512f"))) std::uint64_t avx512_within(const float* values,
                                                               std::size_t lanes,
                                                               float threshold) {
    const __m512 limit = _mm512_set1_ps(threshold);
    std::uint64_t within = 0;
    for (std::size_t lane = 0; lane < lanes; lane += 16) {
        within |= std::uint64_t{_mm512_cmp_ps_mask(_mm512_load_ps(values + lane), limit, _CMP_LE_OQ)} << lane;
    }
    return within;
}

constexpr LaneKernels kAvx2 = {avx2_bounds, avx2_within, avx2_chunk};
constexpr LaneKernels kAvx512 = {avx512_bounds, avx512_within, avx2_chunk};

#endif

}  // namespace

const LaneKernels& best_kernels() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return __builtin_cpu_supports("avx512f") ? kAvx512 : kAvx2;
    }
#endif
    return kPlain;
}

const LaneKernels& plain_kernels() {
    return kPlain;
}

}  // namespace vcity::placement
