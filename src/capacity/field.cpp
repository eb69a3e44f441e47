// SPDX-License-Identifier: Apache-2.0
#include "capacity/field.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "capacity/stream.hpp"

// Compiles one body twice on x86-64, once for processors with AVX2, and picks at run time.
#if defined(__x86_64__)
#define VCITY_AVX2 __attribute__((target("avx2")))
#define VCITY_INLINE inline __attribute__((always_inline))
#else
#define VCITY_AVX2
#define VCITY_INLINE inline
#endif

namespace vcity::capacity {
namespace {

using Wide = unsigned __int128;

constexpr std::uint32_t kLimbBits = 15;
constexpr std::uint64_t kLimbMask = (1U << kLimbBits) - 1;
constexpr std::uint32_t kHalfBits = 31;
constexpr std::uint64_t kHalfMask = (std::uint64_t{1} << kHalfBits) - 1;
// Products of a byte and a limb are below 2^22 in size.
constexpr std::size_t kProductsPerSum = 256;
constexpr int kTermsMax = 128;

bool has_avx2() {
#if defined(__x86_64__)
    static const bool found = __builtin_cpu_supports("avx2") != 0;
    return found;
#else
    return false;
#endif
}

VCITY_INLINE std::int64_t dot_body(const std::int8_t* row, const std::int16_t* limb, std::size_t size) {
    std::int64_t total = 0;
    for (std::size_t first = 0; first < size; first += kProductsPerSum) {
        const std::size_t count = size - first < kProductsPerSum ? size - first : kProductsPerSum;
        std::int32_t sum = 0;
        for (std::size_t i = 0; i < count; ++i) {
            sum += static_cast<std::int32_t>(std::int16_t{row[first + i]}) * limb[first + i];
        }
        total += sum;
    }
    return total;
}

VCITY_AVX2 std::int64_t dot_avx2(const std::int8_t* row, const std::int16_t* limb, std::size_t size) {
    return dot_body(row, limb, size);
}
std::int64_t dot_any(const std::int8_t* row, const std::int16_t* limb, std::size_t size) {
    return dot_body(row, limb, size);
}

template <class T>
VCITY_INLINE void add_body(std::int64_t* sums, std::int64_t factor, const T* values, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) sums[i] += factor * values[i];
}
template <class T>
VCITY_AVX2 void add_avx2(std::int64_t* sums, std::int64_t factor, const T* values, std::size_t size) {
    add_body(sums, factor, values, size);
}
template <class T>
void add_any(std::int64_t* sums, std::int64_t factor, const T* values, std::size_t size) {
    add_body(sums, factor, values, size);
}

}  // namespace

std::uint64_t field_add(std::uint64_t a, std::uint64_t b) {
    const std::uint64_t sum = a + b;
    return sum >= kPrime ? sum - kPrime : sum;
}

std::uint64_t field_multiply(std::uint64_t a, std::uint64_t b) {
    const Wide product = Wide{a} * b;
    return field_add(static_cast<std::uint64_t>(product) & kPrime, static_cast<std::uint64_t>(product >> 61U));
}

std::uint64_t field_from(std::int64_t value) {
    const auto remainder = value % static_cast<std::int64_t>(kPrime);
    return static_cast<std::uint64_t>(remainder < 0 ? remainder + static_cast<std::int64_t>(kPrime) : remainder);
}

std::vector<std::uint64_t> field_elements(const Hash& key, std::size_t count) {
    std::vector<std::uint64_t> elements = KeyStream{key}.words(count);
    WordStream again{derive_key("again", key)};
    for (std::uint64_t& element : elements) {
        element >>= 3U;
        while (element == kPrime) element = again.next() >> 3U;
    }
    return elements;
}

FieldVector::FieldVector(std::span<const std::uint64_t> values) : size_{values.size()}, limbs_(kLimbs * size_) {
    for (std::size_t i = 0; i < size_; ++i) {
        CHECK(values[i] < kPrime);
        for (std::size_t limb = 0; limb < kLimbs; ++limb) {
            limbs_[(limb * size_) + i] = static_cast<std::int16_t>((values[i] >> (kLimbBits * limb)) & kLimbMask);
        }
    }
}

std::uint64_t FieldVector::dot(std::span<const std::int8_t> row) const {
    CHECK(row.size() == size_);
    static const auto kernel = has_avx2() ? dot_avx2 : dot_any;
    std::uint64_t total = 0;
    for (std::size_t limb = kLimbs; limb-- > 0;) {
        const std::uint64_t part = field_from(kernel(row.data(), limbs_.data() + (limb * size_), size_));
        total = field_add(field_multiply(total, std::uint64_t{1} << kLimbBits), part);
    }
    return total;
}

std::vector<std::uint64_t> FieldVector::multiply(std::span<const std::int8_t> rows) const {
    CHECK(size_ > 0 && rows.size() % size_ == 0);
    std::vector<std::uint64_t> products;
    products.reserve(rows.size() / size_);
    for (std::size_t first = 0; first < rows.size(); first += size_)
        products.push_back(dot(rows.subspan(first, size_)));
    return products;
}

template <class T>
void FieldSums::add_values(std::uint64_t factor, std::span<const T> values) {
    CHECK(values.size() == low_.size() && factor < kPrime);
    static const auto kernel = has_avx2() ? add_avx2<T> : add_any<T>;
    if (++terms_ > kTermsMax) reduce();
    kernel(low_.data(), static_cast<std::int64_t>(factor & kHalfMask), values.data(), values.size());
    kernel(high_.data(), static_cast<std::int64_t>(factor >> kHalfBits), values.data(), values.size());
}

void FieldSums::add(std::uint64_t factor, std::span<const std::int32_t> values) {
    for (const std::int32_t value : values) CHECK(value > -(1 << 23) - 1 && value < (1 << 23));
    add_values(factor, values);
}
void FieldSums::add(std::uint64_t factor, std::span<const std::int8_t> values) {
    add_values(factor, values);
}

void FieldSums::reduce() {
    constexpr auto kModulus = static_cast<std::int64_t>(kPrime);
    for (std::int64_t& sum : low_) sum %= kModulus;
    for (std::int64_t& sum : high_) sum %= kModulus;
    terms_ = 1;
}

std::vector<std::uint64_t> FieldSums::finish() const {
    std::vector<std::uint64_t> sums(low_.size());
    for (std::size_t i = 0; i < sums.size(); ++i) {
        const std::uint64_t high = field_multiply(field_from(high_[i]), std::uint64_t{1} << kHalfBits);
        sums[i] = field_add(field_from(low_[i]), high);
    }
    return sums;
}

}  // namespace vcity::capacity
