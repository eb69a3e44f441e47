// SPDX-License-Identifier: Apache-2.0
#include "placement/index/lane_kernels.hpp"

#include <algorithm>
#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace vcity::placement {
namespace {

float plain_bounds(const BoundSum& sum, std::size_t lanes, float* values) {
    float least = kFar;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        const float value = sum.first[lane] * sum.first_weight + sum.second[lane] * sum.second_weight +
                            sum.third[lane] * sum.third_weight + sum.base;
        values[lane] = sum.capped[lane] <= sum.cap ? value : kFar;
        least = std::min(least, values[lane]);
    }
    return least;
}

std::uint64_t plain_at_most(const float* values, std::size_t lanes, float threshold) {
    std::uint64_t mask = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane) mask |= std::uint64_t{values[lane] <= threshold} << lane;
    return mask;
}

Lowest plain_lowest_in(const float* values, std::uint64_t mask) {
    Lowest found{kFar, 0};
    for (; mask != 0; mask &= mask - 1) {
        const auto lane = static_cast<std::size_t>(__builtin_ctzll(mask));
        if (values[lane] < found.value) found = {values[lane], lane};
    }
    return found;
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

unsigned plain_heads(const BlockHeads& heads, std::size_t level, const BlockFilter& filter, float* values) {
    const HeadScores& least = heads.least[level];
    unsigned passed = 0;
    for (std::size_t lane = 0; lane < kLaneStep; ++lane) {
        values[lane] = least.at(filter.first, lane) * filter.first_weight +
                       least.at(filter.first + 1, lane) * filter.second_weight + filter.base;
        const bool has_passed = values[lane] <= filter.threshold && least.at(0, lane) <= filter.price_max &&
                                covers(heads.most[lane], filter.need);
        passed |= static_cast<unsigned>(has_passed) << lane;
    }
    return passed;
}

Features plain_most(const Block& block) {
    std::array<std::uint8_t, sizeof(Features)> most{};
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(block.features.data());
    for (std::size_t entry = 0; entry < Block::kEntries; ++entry) {
        for (std::size_t byte = 0; byte < most.size(); ++byte) {
            most[byte] = std::max(most[byte], bytes[entry * most.size() + byte]);
        }
    }
    return std::bit_cast<Features>(most);
}

DirectionScores plain_least(const Block& block, Features need, const Directions& directions) {
    DirectionScores least;
    least.fill(kFar);
    for (std::size_t entry = 0; entry < Block::kEntries; ++entry) {
        const std::uint16_t whole = block.flaws_and_kinds[entry] & Block::kFlawsMask;
        if (whole == Block::kFlawsMask || !covers(block.features[entry], need)) continue;
        const auto price = static_cast<float>(block.prices[entry]);
        const auto flaws = static_cast<float>(whole);
        for (std::size_t direction = 0; direction < kDirections; ++direction) {
            const float score = price * directions.price_parts[direction] + flaws * directions.quality_parts[direction];
            least[direction] = std::min(least[direction], score);
        }
    }
    return least;
}

constexpr LaneKernels kPlain = {plain_bounds, plain_at_most, plain_lowest_in, plain_least_in,
                                plain_block,  plain_heads,   plain_most,      plain_least};

#if defined(__x86_64__)

#define VCITY_AVX2 __attribute__((target("avx2,fma")))
#define VCITY_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")))

VCITY_AVX2 float avx2_least_of(__m256 least) {
    const __m128 four = _mm_min_ps(_mm256_castps256_ps128(least), _mm256_extractf128_ps(least, 1));
    const __m128 two = _mm_min_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_min_ss(two, _mm_shuffle_ps(two, two, 1)));
}

VCITY_AVX2 std::uint64_t avx2_at_most(const float* values, std::size_t lanes, float threshold) {
    std::uint64_t mask = 0;
    for (std::size_t lane = 0; lane < lanes; lane += 8) {
        const auto some = static_cast<std::uint64_t>(
            _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(values + lane), _mm256_set1_ps(threshold), _CMP_LE_OQ)));
        mask |= some << lane;
    }
    return mask;
}

// The eight lanes of the lowest bits of the mask, and kFar in place of the others.
VCITY_AVX2 __m256 avx2_some(const float* values, std::uint64_t mask) {
    const __m256i bits = _mm256_set_epi32(128, 64, 32, 16, 8, 4, 2, 1);
    const __m256i wanted = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(mask & 0xffU)), bits);
    const __m256i is_wanted = _mm256_cmpeq_epi32(wanted, bits);
    return _mm256_blendv_ps(_mm256_set1_ps(kFar), _mm256_maskload_ps(values, is_wanted),
                            _mm256_castsi256_ps(is_wanted));
}

VCITY_AVX2 Lowest avx2_lowest_in(const float* values, std::uint64_t mask) {
    std::array<__m256, kLanesMax / 8> some;
    __m256 least = _mm256_set1_ps(kFar);
    for (std::size_t part = 0; part < some.size(); ++part) {
        some[part] = avx2_some(values + part * 8, mask >> (part * 8));
        least = _mm256_min_ps(least, some[part]);
    }
    const float value = avx2_least_of(least);
    std::uint64_t hits = 0;
    for (std::size_t part = 0; part < some.size(); ++part) {
        const __m256 is_least = _mm256_cmp_ps(some[part], _mm256_set1_ps(value), _CMP_EQ_OQ);
        hits |= static_cast<std::uint64_t>(_mm256_movemask_ps(is_least)) << (part * 8);
    }
    hits &= mask;
    if (hits == 0) return {kFar, 0};
    return {value, static_cast<std::size_t>(__builtin_ctzll(hits))};
}

VCITY_AVX2 float avx2_least_in(const float* values, std::size_t lanes, std::uint64_t mask) {
    __m256 least = _mm256_set1_ps(kFar);
    for (std::size_t lane = 0; lane < lanes; lane += 8) {
        least = _mm256_min_ps(least, avx2_some(values + lane, mask >> lane));
    }
    return avx2_least_of(least);
}

VCITY_AVX2 float avx2_bounds(const BoundSum& sum, std::size_t lanes, float* values) {
    const __m256 far = _mm256_set1_ps(kFar);
    __m256 least = far;
    for (std::size_t lane = 0; lane < lanes; lane += 8) {
        __m256 value = _mm256_fmadd_ps(_mm256_load_ps(sum.first + lane), _mm256_set1_ps(sum.first_weight),
                                       _mm256_set1_ps(sum.base));
        value = _mm256_fmadd_ps(_mm256_load_ps(sum.second + lane), _mm256_set1_ps(sum.second_weight), value);
        value = _mm256_fmadd_ps(_mm256_load_ps(sum.third + lane), _mm256_set1_ps(sum.third_weight), value);
        const __m256 is_over = _mm256_cmp_ps(_mm256_load_ps(sum.capped + lane), _mm256_set1_ps(sum.cap), _CMP_GT_OQ);
        value = _mm256_blendv_ps(value, far, is_over);
        _mm256_store_ps(values + lane, value);
        least = _mm256_min_ps(least, value);
    }
    return avx2_least_of(least);
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

VCITY_AVX2 unsigned avx2_heads(const BlockHeads& heads, std::size_t level, const BlockFilter& filter, float* values) {
    const HeadScores& scores = heads.least[level];
    unsigned near = 0;
    for (std::size_t lane = 0; lane < kLaneStep; lane += 8) {
        const auto least = [&](std::size_t direction) VCITY_AVX2 {
            const std::size_t line = lane / HeadScores::kStep;
            return _mm256_set_m128(_mm_load_ps(scores.lines[line + 1][direction].data()),
                                   _mm_load_ps(scores.lines[line][direction].data()));
        };
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

VCITY_AVX2 DirectionScores avx2_least(const Block& block, Features need, const Directions& directions) {
    const __m256i kinds = _mm256_load_si256(reinterpret_cast<const __m256i*>(block.flaws_and_kinds.data()));
    const __m256i all = _mm256_set1_epi16(static_cast<short>(Block::kFlawsMask));
    const __m256i flaws = _mm256_and_si256(kinds, all);
    const __m256i is_nobody = _mm256_cmpeq_epi16(flaws, all);
    const __m128i words = _mm_packs_epi16(_mm256_castsi256_si128(is_nobody), _mm256_extracti128_si256(is_nobody, 1));
    const unsigned lanes = avx2_covering(block.features, need) & ~static_cast<unsigned>(_mm_movemask_epi8(words));
    const __m256i bits = _mm256_set_epi32(128, 64, 32, 16, 8, 4, 2, 1);
    const __m256 far = _mm256_set1_ps(kFar);
    __m256 least[kDirections] = {far, far, far, far};
    for (std::size_t lane = 0; lane < kLaneStep; lane += 8) {
        const unsigned wanted = lanes >> lane & 0xffU;
        if (wanted == 0) continue;
        const __m256i chosen = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(wanted)), bits);
        const __m256 is_left_out = _mm256_castsi256_ps(_mm256_cmpeq_epi32(chosen, _mm256_setzero_si256()));
        const __m256 price =
            avx2_floats(_mm256_load_si256(reinterpret_cast<const __m256i*>(block.prices.data() + lane)));
        const __m128i half = lane == 0 ? _mm256_castsi256_si128(flaws) : _mm256_extracti128_si256(flaws, 1);
        const __m256 flaw = _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(half));
        for (std::size_t direction = 0; direction < kDirections; ++direction) {
            const __m256 quality = _mm256_mul_ps(flaw, _mm256_set1_ps(directions.quality_parts[direction]));
            const __m256 score = _mm256_fmadd_ps(price, _mm256_set1_ps(directions.price_parts[direction]), quality);
            least[direction] = _mm256_min_ps(least[direction], _mm256_blendv_ps(score, far, is_left_out));
        }
    }
    DirectionScores scores;
    for (std::size_t direction = 0; direction < kDirections; ++direction) {
        scores[direction] = avx2_least_of(least[direction]);
    }
    return scores;
}

VCITY_AVX2 Features avx2_most(const Block& block) {
    const auto part = [&](std::size_t from) VCITY_AVX2 {
        return _mm256_load_si256(reinterpret_cast<const __m256i*>(block.features.data() + from));
    };
    const __m256i four = _mm256_max_epu8(_mm256_max_epu8(part(0), part(4)), _mm256_max_epu8(part(8), part(12)));
    const __m128i two = _mm_max_epu8(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
    return static_cast<Features>(_mm_cvtsi128_si64(_mm_max_epu8(two, _mm_unpackhi_epi64(two, two))));
}

VCITY_AVX512 std::uint64_t avx512_at_most(const float* values, std::size_t lanes, float threshold) {
    std::uint64_t mask = 0;
    for (std::size_t lane = 0; lane < lanes; lane += 16) {
        const std::uint64_t some =
            _mm512_cmp_ps_mask(_mm512_load_ps(values + lane), _mm512_set1_ps(threshold), _CMP_LE_OQ);
        mask |= some << lane;
    }
    return mask;
}

VCITY_AVX512 Lowest avx512_lowest_in(const float* values, std::uint64_t mask) {
    const __m512 far = _mm512_set1_ps(kFar);
    const auto part = [&](std::size_t from) VCITY_AVX512 {
        return _mm512_mask_loadu_ps(far, static_cast<__mmask16>(mask >> from), values + from);
    };
    const __m512 some[] = {part(0), part(16), part(32), part(48)};
    const float value =
        _mm512_reduce_min_ps(_mm512_min_ps(_mm512_min_ps(some[0], some[1]), _mm512_min_ps(some[2], some[3])));
    std::uint64_t hits = 0;
    for (std::size_t at = 0; at < 4; ++at) {
        const std::uint64_t here = _mm512_cmp_ps_mask(some[at], _mm512_set1_ps(value), _CMP_EQ_OQ);
        hits |= here << (at * 16);
    }
    hits &= mask;
    if (hits == 0) return {kFar, 0};
    return {value, static_cast<std::size_t>(__builtin_ctzll(hits))};
}

VCITY_AVX512 float avx512_bounds(const BoundSum& sum, std::size_t lanes, float* values) {
    const __m512 first_weight = _mm512_set1_ps(sum.first_weight);
    const __m512 second_weight = _mm512_set1_ps(sum.second_weight);
    const __m512 third_weight = _mm512_set1_ps(sum.third_weight);
    const __m512 base = _mm512_set1_ps(sum.base);
    const __m512 cap = _mm512_set1_ps(sum.cap);
    const __m512 far = _mm512_set1_ps(kFar);
    __m512 least = far;
    for (std::size_t lane = 0; lane < lanes; lane += 16) {
        __m512 value = _mm512_fmadd_ps(_mm512_load_ps(sum.first + lane), first_weight, base);
        value = _mm512_fmadd_ps(_mm512_load_ps(sum.second + lane), second_weight, value);
        value = _mm512_fmadd_ps(_mm512_load_ps(sum.third + lane), third_weight, value);
        const __mmask16 is_within = _mm512_cmp_ps_mask(_mm512_load_ps(sum.capped + lane), cap, _CMP_LE_OQ);
        value = _mm512_mask_blend_ps(is_within, far, value);
        _mm512_store_ps(values + lane, value);
        least = _mm512_min_ps(least, value);
    }
    return _mm512_reduce_min_ps(least);
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

static_assert(kDirections == 4);

// The least lane of each of four, all four at once.
VCITY_AVX512 inline DirectionScores avx512_least_lanes(__m512 first, __m512 second, __m512 third, __m512 fourth) {
    const __m512 one = _mm512_min_ps(_mm512_unpacklo_ps(first, second), _mm512_unpackhi_ps(first, second));
    const __m512 two = _mm512_min_ps(_mm512_unpacklo_ps(third, fourth), _mm512_unpackhi_ps(third, fourth));
    const __m512d low = _mm512_unpacklo_pd(_mm512_castps_pd(one), _mm512_castps_pd(two));
    const __m512d high = _mm512_unpackhi_pd(_mm512_castps_pd(one), _mm512_castps_pd(two));
    const __m512 four = _mm512_min_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
    const __m256 half = _mm256_min_ps(_mm512_castps512_ps256(four), _mm512_extractf32x8_ps(four, 1));
    DirectionScores scores;
    _mm_storeu_ps(scores.data(), _mm_min_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
    return scores;
}

VCITY_AVX512 DirectionScores avx512_least(const Block& block, Features need, const Directions& directions) {
    const __m256i kinds = _mm256_load_si256(reinterpret_cast<const __m256i*>(block.flaws_and_kinds.data()));
    const __m256i all = _mm256_set1_epi16(static_cast<short>(Block::kFlawsMask));
    const __m256i flaws = _mm256_and_si256(kinds, all);
    const auto lanes =
        static_cast<__mmask16>(avx512_covering(block.features, need) & _mm256_cmpneq_epi16_mask(flaws, all));
    const __m512 price = _mm512_cvtepu32_ps(_mm512_load_si512(block.prices.data()));
    const __m512 flaw = _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(flaws));
    const auto score = [&](std::size_t direction) VCITY_AVX512 {
        const __m512 quality = _mm512_mul_ps(flaw, _mm512_set1_ps(directions.quality_parts[direction]));
        const __m512 all_of_it = _mm512_fmadd_ps(price, _mm512_set1_ps(directions.price_parts[direction]), quality);
        return _mm512_mask_blend_ps(lanes, _mm512_set1_ps(kFar), all_of_it);
    };
    return avx512_least_lanes(score(0), score(1), score(2), score(3));
}

// The greatest of each byte.
VCITY_AVX512 Features avx512_most(const Block& block) {
    const __m512i all =
        _mm512_max_epu8(_mm512_load_si512(block.features.data()), _mm512_load_si512(block.features.data() + 8));
    const __m256i four = _mm256_max_epu8(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
    const __m128i two = _mm_max_epu8(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
    return static_cast<Features>(_mm_cvtsi128_si64(_mm_max_epu8(two, _mm_unpackhi_epi64(two, two))));
}

constexpr LaneKernels kAvx2 = {avx2_bounds, avx2_at_most, avx2_lowest_in, avx2_least_in,
                               avx2_block,  avx2_heads,   avx2_most,      avx2_least};
constexpr LaneKernels kAvx512 = {avx512_bounds, avx512_at_most, avx512_lowest_in, avx512_least_in,
                                 avx512_block,  avx2_heads,     avx512_most,      avx512_least};

#endif

}  // namespace

std::vector<const LaneKernels*> runnable_kernels() {
    std::vector<const LaneKernels*> all = {&kPlain};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        all.push_back(&kAvx2);
        const bool has_all = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
        if (has_all) all.push_back(&kAvx512);
    }
#endif
    return all;
}

const LaneKernels& best_kernels() {
    return *runnable_kernels().back();
}

}  // namespace vcity::placement
