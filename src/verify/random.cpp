// SPDX-License-Identifier: Apache-2.0
#include "verify/random.hpp"

#include <cstring>

#include "base/check.hpp"
#include "crypto/keccak.hpp"

namespace vcity::verify {

Random::Random(const Seed& seed, std::string_view label) {
    append(&input_, as_bytes("vcity verify random 1:"));
    append(&input_, crypto::keccak256_text(label).view());
    append(&input_, seed.view());
    input_.resize(input_.size() + sizeof(counter_));
}

std::uint64_t Random::next() {
    if (used_ == Hash::kSize) {
        std::memcpy(input_.data() + input_.size() - sizeof(counter_), &counter_, sizeof(counter_));
        block_ = crypto::keccak256(input_);
        ++counter_;
        used_ = 0;
    }
    std::uint64_t word = 0;
    std::memcpy(&word, block_.bytes.data() + used_, sizeof(word));
    used_ += sizeof(word);
    return word;
}

std::uint64_t Random::below(std::uint64_t bound) {
    CHECK(bound > 0);
    // Words below 2^64 mod bound would make the low results more likely.
    const std::uint64_t skipped = (0 - bound) % bound;
    std::uint64_t word = next();
    while (word < skipped) word = next();
    return word % bound;
}

}  // namespace vcity::verify
