// SPDX-License-Identifier: Apache-2.0
#include "placement/index/lane_kernels.hpp"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace vcity::placement {
namespace {

Lowest plain_lowest(const float* values, std::size_t lanes) {
    Lowest found{values[0], 0};
    for (std::size_t lane = 1; lane < lanes; ++lane) {
        if (values[lane] < found.value) found = {values[lane], lane};
    }
    return found;
}

Lowest plain_bounds(const BoundSum& sum, std::size_t lanes, float* values) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        const float value = sum.first[lane] * sum.first_weight + sum.second[lane] * sum.second_weight +
                            sum.third[lane] * sum.third_weight + sum.base;
        values[lane] = sum.capped[lane] <= sum.cap ? value : kFar;
    }
    return plain_lowest(values, lanes);
}

float plain_least_in(const float* values, std::size_t lanes, std::uint64_t mask) {
    float least = kFar;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        least = std::min(least, (mask >> lane & 1U) != 0 ? values[lane] : kFar);
    }
    return least;
}

unsigned plain_block(const Block& block, const BlockFilter& filter) {
    unsigned passed = 0;
    for (std::size_t entry = 0; entry < Block::kEntries; ++entry) {
        const auto price = static_cast<float>(block.prices[entry]);
        const std::uint16_t flaws = block.flaws_and_kinds[entry] & Block::kFlawsMask;
        const float value =
            price * filter.price_weight + static_cast<float>(flaws) * filter.quality_weight + filter.base;
        const bool is_kind = (block.flaws_and_kinds[entry] & filter.kind_mask) == filter.kind_value;
        const bool has_passed = value <= filter.threshold && price <= filter.price_max && flaws <= filter.flaws_max &&
                                is_kind && covers(block.features[entry], filter.need);
        passed |= static_cast<unsigned>(has_passed) << entry;
    }
    return passed;
}

unsigned plain_heads(const BlockHeads& heads, const BlockFilter& filter, float* values) {
    unsigned passed = 0;
    for (std::size_t lane = 0; lane < kLaneStep; ++lane) {
        values[lane] = heads.least[filter.first].values[lane] * filter.first_weight +
                       heads.least[filter.first + 1].values[lane] * filter.second_weight + filter.base;
        const bool has_passed = values[lane] <= filter.threshold &&
                                heads.least.front().values[lane] <= filter.price_max &&
                                covers(heads.most[lane], filter.need);
        passed |= static_cast<unsigned>(has_passed) << lane;
    }
    return passed;
}

void plain_least(const Block& block,
                 std::size_t count,
                 std::uint8_t first_byte_min,
                 const Directions& directions,
                 std::array<Lanes, kDirections>* least) {
    for (std::size_t entry = 0; entry < count; ++entry) {
        if (static_cast<std::uint8_t>(block.features[entry]) < first_byte_min) continue;
        const auto price = static_cast<float>(block.prices[entry]);
        const auto flaws = static_cast<float>(block.flaws_and_kinds[entry] & Block::kFlawsMask);
        for (std::size_t direction = 0; direction < kDirections; ++direction) {
            float& here = (*least)[direction].values[entry];
            here =
                std::min(here, price * directions.price_parts[direction] + flaws * directions.quality_parts[direction]);
        }
    }
}

constexpr LaneKernels kPlain = {plain_bounds, plain_lowest, plain_least_in, plain_block, plain_heads, plain_least};

#if defined(__x86_64__)

#define VCITY_AVX2 __attribute__((target("avx2,fma")))
#define VCITY_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")))

VCITY_AVX2 Lowest avx2_lowest(const float* values, std::size_t lanes) {
    __m256 least = _mm256_load_ps(values);
    for (std::size_t lane = 8; lane < lanes; lane += 8) least = _mm256_min_ps(least, _mm256_load_ps(values + lane));
    const __m128 four = _mm_min_ps(_mm256_castps256_ps128(least), _mm256_extractf128_ps(least, 1));
    const __m128 two = _mm_min_ps(four, _mm_movehl_ps(four, four));
    const float value = _mm_cvtss_f32(_mm_min_ss(two, _mm_shuffle_ps(two, two, 1)));
    std::size_t lane = 0;
    for (;; lane += 8) {
        const auto hits = static_cast<unsigned>(
            _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(values + lane), _mm256_set1_ps(value), _CMP_EQ_OQ)));
        if (hits != 0) return {value, lane + static_cast<std::size_t>(__builtin_ctz(hits))};
    }
}

VCITY_AVX2 Lowest avx2_bounds(const BoundSum& sum, std::size_t lanes, float* values) {
    const __m256 far = _mm256_set1_ps(kFar);
    for (std::size_t lane = 0; lane < lanes; lane += 8) {
        __m256 value = _mm256_fmadd_ps(_mm256_load_ps(sum.first + lane), _mm256_set1_ps(sum.first_weight),
                                       _mm256_set1_ps(sum.base));
        value = _mm256_fmadd_ps(_mm256_load_ps(sum.second + lane), _mm256_set1_ps(sum.second_weight), value);
        value = _mm256_fmadd_ps(_mm256_load_ps(sum.third + lane), _mm256_set1_ps(sum.third_weight), value);
        const __m256 is_over = _mm256_cmp_ps(_mm256_load_ps(sum.capped + lane), _mm256_set1_ps(sum.cap), _CMP_GT_OQ);
        _mm256_store_ps(values + lane, _mm256_blendv_ps(value, far, is_over));
    }
    return avx2_lowest(values, lanes);
}

VCITY_AVX2 __m256 avx2_floats(__m256i integers) {
    // Two halves of sixteen bits, each exact as a float.
    const __m256 high = _mm256_cvtepi32_ps(_mm256_srli_epi32(integers, 16));
    const __m256 low = _mm256_cvtepi32_ps(_mm256_and_si256(integers, _mm256_set1_epi32(0xffff)));
    return _mm256_fmadd_ps(high, _mm256_set1_ps(65536.0F), low);
}

// Bit per feature that covers the need, of sixteen.
VCITY_AVX2 unsigned avx2_covering(const std::array<Features, kLaneStep>& features, Features need) {
    const __m256i wanted = _mm256_set1_epi64x(static_cast<long long>(need));
    unsigned passed = 0;
    for (std::size_t lane = 0; lane < kLaneStep; lane += 4) {
        const __m256i has = _mm256_load_si256(reinterpret_cast<const __m256i*>(features.data() + lane));
        const __m256i is_covered = _mm256_cmpeq_epi64(_mm256_max_epu8(has, wanted), has);
        passed |= static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(is_covered))) << lane;
    }
    return passed;
}

VCITY_AVX2 unsigned avx2_block(const Block& block, const BlockFilter& filter) {
    const auto set = [](std::uint16_t value) VCITY_AVX2 { return _mm256_set1_epi16(static_cast<short>(value)); };
    const __m256i kinds = _mm256_load_si256(reinterpret_cast<const __m256i*>(block.flaws_and_kinds.data()));
    const __m256i flaws = _mm256_and_si256(kinds, set(Block::kFlawsMask));
    // Saturating subtraction is zero where the flaws are within the limit.
    const __m256i is_sound =
        _mm256_cmpeq_epi16(_mm256_subs_epu16(flaws, set(filter.flaws_max)), _mm256_setzero_si256());
    const __m256i is_kind = _mm256_cmpeq_epi16(_mm256_and_si256(kinds, set(filter.kind_mask)), set(filter.kind_value));
    const __m256i is_meant = _mm256_and_si256(is_sound, is_kind);
    const __m128i words = _mm_packs_epi16(_mm256_castsi256_si128(is_meant), _mm256_extracti128_si256(is_meant, 1));
    unsigned passed = static_cast<unsigned>(_mm_movemask_epi8(words));
    passed &= avx2_covering(block.features, filter.need);
    if (passed == 0) return 0;
    unsigned near = 0;
    for (std::size_t lane = 0; lane < kLaneStep; lane += 8) {
        const __m256 price =
            avx2_floats(_mm256_load_si256(reinterpret_cast<const __m256i*>(block.prices.data() + lane)));
        const __m128i half = lane == 0 ? _mm256_castsi256_si128(flaws) : _mm256_extracti128_si256(flaws, 1);
        const __m256 flaw = _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(half));
        __m256 value = _mm256_fmadd_ps(price, _mm256_set1_ps(filter.price_weight), _mm256_set1_ps(filter.base));
        value = _mm256_fmadd_ps(flaw, _mm256_set1_ps(filter.quality_weight), value);
        const __m256 is_near = _mm256_and_ps(_mm256_cmp_ps(value, _mm256_set1_ps(filter.threshold), _CMP_LE_OQ),
                                             _mm256_cmp_ps(price, _mm256_set1_ps(filter.price_max), _CMP_LE_OQ));
        near |= static_cast<unsigned>(_mm256_movemask_ps(is_near)) << lane;
    }
    return passed & near;
}

VCITY_AVX2 unsigned avx2_heads(const BlockHeads& heads, const BlockFilter& filter, float* values) {
    unsigned near = 0;
    for (std::size_t lane = 0; lane < kLaneStep; lane += 8) {
        const auto least = [&](std::size_t direction)
                               VCITY_AVX2 { return _mm256_load_ps(heads.least[direction].values.data() + lane); };
        __m256 value =
            _mm256_fmadd_ps(least(filter.first), _mm256_set1_ps(filter.first_weight), _mm256_set1_ps(filter.base));
        value = _mm256_fmadd_ps(least(filter.first + 1), _mm256_set1_ps(filter.second_weight), value);
        _mm256_store_ps(values + lane, value);
        const __m256 is_near = _mm256_and_ps(_mm256_cmp_ps(value, _mm256_set1_ps(filter.threshold), _CMP_LE_OQ),
                                             _mm256_cmp_ps(least(0), _mm256_set1_ps(filter.price_max), _CMP_LE_OQ));
        near |= static_cast<unsigned>(_mm256_movemask_ps(is_near)) << lane;
    }
    return near == 0 ? 0 : near & avx2_covering(heads.most, filter.need);
}

VCITY_AVX512 Lowest avx512_lowest(const float* values, std::size_t lanes) {
    __m512 least = _mm512_load_ps(values);
    for (std::size_t lane = 16; lane < lanes; lane += 16) least = _mm512_min_ps(least, _mm512_load_ps(values + lane));
    const float value = _mm512_reduce_min_ps(least);
    for (std::size_t lane = 0;; lane += 16) {
        const unsigned hits = _mm512_cmp_ps_mask(_mm512_load_ps(values + lane), _mm512_set1_ps(value), _CMP_EQ_OQ);
        if (hits != 0) return {value, lane + static_cast<std::size_t>(__builtin_ctz(hits))};
    }
}

VCITY_AVX512 Lowest avx512_bounds(const BoundSum& sum, std::size_t lanes, float* values) {
    const __m512 first_weight = _mm512_set1_ps(sum.first_weight);
    const __m512 second_weight = _mm512_set1_ps(sum.second_weight);
    const __m512 third_weight = _mm512_set1_ps(sum.third_weight);
    const __m512 base = _mm512_set1_ps(sum.base);
    const __m512 cap = _mm512_set1_ps(sum.cap);
    for (std::size_t lane = 0; lane < lanes; lane += 16) {
        __m512 value = _mm512_fmadd_ps(_mm512_load_ps(sum.first + lane), first_weight, base);
        value = _mm512_fmadd_ps(_mm512_load_ps(sum.second + lane), second_weight, value);
        value = _mm512_fmadd_ps(_mm512_load_ps(sum.third + lane), third_weight, value);
        const __mmask16 is_within = _mm512_cmp_ps_mask(_mm512_load_ps(sum.capped + lane), cap, _CMP_LE_OQ);
        _mm512_store_ps(values + lane, _mm512_mask_blend_ps(is_within, _mm512_set1_ps(kFar), value));
    }
    return avx512_lowest(values, lanes);
}

VCITY_AVX512 float avx512_least_in(const float* values, std::size_t lanes, std::uint64_t mask) {
    __m512 least = _mm512_set1_ps(kFar);
    for (std::size_t lane = 0; lane < lanes; lane += 16) {
        const auto some = static_cast<__mmask16>(mask >> lane);
        least = _mm512_mask_min_ps(least, some, least, _mm512_load_ps(values + lane));
    }
    return _mm512_reduce_min_ps(least);
}

VCITY_AVX512 unsigned avx512_covering(const std::array<Features, kLaneStep>& features, Features need) {
    const __m512i wanted = _mm512_set1_epi64(static_cast<long long>(need));
    const __m512i low = _mm512_load_si512(features.data());
    const __m512i high = _mm512_load_si512(features.data() + 8);
    const unsigned first = _mm512_cmpeq_epi64_mask(_mm512_max_epu8(low, wanted), low);
    const unsigned second = _mm512_cmpeq_epi64_mask(_mm512_max_epu8(high, wanted), high);
    return first | second << 8U;
}

VCITY_AVX512 unsigned avx512_block(const Block& block, const BlockFilter& filter) {
    const auto set = [](std::uint16_t value) VCITY_AVX512 { return _mm256_set1_epi16(static_cast<short>(value)); };
    const __m256i kinds = _mm256_load_si256(reinterpret_cast<const __m256i*>(block.flaws_and_kinds.data()));
    const __m256i flaws = _mm256_and_si256(kinds, set(Block::kFlawsMask));
    const __m512 price = _mm512_cvtepu32_ps(_mm512_load_si512(block.prices.data()));
    const __m512 flaw = _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(flaws));
    __m512 value = _mm512_fmadd_ps(price, _mm512_set1_ps(filter.price_weight), _mm512_set1_ps(filter.base));
    value = _mm512_fmadd_ps(flaw, _mm512_set1_ps(filter.quality_weight), value);
    unsigned passed = _mm512_cmp_ps_mask(value, _mm512_set1_ps(filter.threshold), _CMP_LE_OQ);
    passed &= _mm512_cmp_ps_mask(price, _mm512_set1_ps(filter.price_max), _CMP_LE_OQ);
    passed &= _mm256_cmple_epu16_mask(flaws, set(filter.flaws_max));
    passed &= _mm256_cmpeq_epi16_mask(_mm256_and_si256(kinds, set(filter.kind_mask)), set(filter.kind_value));
    return passed & avx512_covering(block.features, filter.need);
}

VCITY_AVX512 unsigned avx512_heads(const BlockHeads& heads, const BlockFilter& filter, float* values) {
    const auto least = [&](std::size_t direction)
                           VCITY_AVX512 { return _mm512_load_ps(heads.least[direction].values.data()); };
    __m512 value =
        _mm512_fmadd_ps(least(filter.first), _mm512_set1_ps(filter.first_weight), _mm512_set1_ps(filter.base));
    value = _mm512_fmadd_ps(least(filter.first + 1), _mm512_set1_ps(filter.second_weight), value);
    _mm512_store_ps(values, value);
    const unsigned passed = _mm512_cmp_ps_mask(value, _mm512_set1_ps(filter.threshold), _CMP_LE_OQ) &
                            _mm512_cmp_ps_mask(least(0), _mm512_set1_ps(filter.price_max), _CMP_LE_OQ);
    return passed == 0 ? 0 : passed & avx512_covering(heads.most, filter.need);
}

VCITY_AVX512 void avx512_least(const Block& block,
                               std::size_t count,
                               std::uint8_t first_byte_min,
                               const Directions& directions,
                               std::array<Lanes, kDirections>* least) {
    const __m512i wanted = _mm512_set1_epi64(first_byte_min);
    const __m512i byte = _mm512_set1_epi64(0xff);
    const __m512i low = _mm512_and_si512(_mm512_load_si512(block.features.data()), byte);
    const __m512i high = _mm512_and_si512(_mm512_load_si512(block.features.data() + 8), byte);
    unsigned mask = _mm512_cmpge_epu64_mask(low, wanted);
    mask |= static_cast<unsigned>(_mm512_cmpge_epu64_mask(high, wanted)) << 8U;
    mask &= (1U << count) - 1;
    const __m256i kinds = _mm256_load_si256(reinterpret_cast<const __m256i*>(block.flaws_and_kinds.data()));
    const __m256i flaws = _mm256_and_si256(kinds, _mm256_set1_epi16(static_cast<short>(Block::kFlawsMask)));
    const __m512 price = _mm512_cvtepu32_ps(_mm512_load_si512(block.prices.data()));
    const __m512 flaw = _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(flaws));
    for (std::size_t direction = 0; direction < kDirections; ++direction) {
        float* values = (*least)[direction].values.data();
        const __m512 score = _mm512_fmadd_ps(price, _mm512_set1_ps(directions.price_parts[direction]),
                                             _mm512_mul_ps(flaw, _mm512_set1_ps(directions.quality_parts[direction])));
        const __m512 before = _mm512_load_ps(values);
        const auto lanes = static_cast<__mmask16>(mask);
        _mm512_store_ps(values, _mm512_mask_min_ps(before, lanes, before, score));
    }
}

constexpr LaneKernels kAvx2 = {avx2_bounds, avx2_lowest, plain_least_in, avx2_block, avx2_heads, plain_least};
constexpr LaneKernels kAvx512 = {avx512_bounds, avx512_lowest, avx512_least_in,
                                 avx512_block,  avx512_heads,  avx512_least};

#endif

}  // namespace

const LaneKernels& best_kernels() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        const bool has_all = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
        return has_all ? kAvx512 : kAvx2;
    }
#endif
    return kPlain;
}

const LaneKernels& plain_kernels() {
    return kPlain;
}

}  // namespace vcity::placement
