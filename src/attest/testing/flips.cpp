// SPDX-License-Identifier: Apache-2.0
#include "attest/testing/flips.hpp"

#include "base/check.hpp"

namespace vcity::attest::testing {

bool is_positive(const codec::Json& check) {
    const codec::Json* authentic = check.find("authentic");
    return authentic != nullptr && *authentic->get_bool();
}

FlipCounts flip_bytes(const VectorFolder& folder, const codec::Json& check, const FlipPlan& plan) {
    CHECK(plan.stride > 0 && plan.mask != 0);
    Bytes bytes = folder.read(*check.find("file")->get_string());
    const Verdict original = run_check(folder, check, bytes);
    CHECK(original.is_authentic());
    FlipCounts counts;
    for (std::size_t i = plan.first; i < bytes.size(); i += plan.stride) {
        bytes[i] ^= plan.mask;
        const Verdict verdict = run_check(folder, check, bytes);
        bytes[i] ^= plan.mask;
        if (!verdict.is_authentic()) {
            ++counts.rejected;
        } else if (verdict == original) {
            ++counts.harmless;
            counts.harmless_at.push_back(i);
        } else {
            ++counts.harmful;
            counts.harmful_at.push_back(i);
        }
    }
    return counts;
}

}  // namespace vcity::attest::testing
