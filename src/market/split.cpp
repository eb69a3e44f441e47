// SPDX-License-Identifier: Apache-2.0
#include "market/split.hpp"

#include <algorithm>
#include <numeric>

#include "base/uint256.hpp"

namespace vcity::market {

Result<std::vector<Vcai>> split_exactly(Vcai amount, const std::vector<U128>& weights) {
    U128 total = 0;
    for (const U128 weight : weights) {
        if (weight > ~U128{0} - total) return make_error(Errc::kInvalid, "sum of weights does not fit 128 bits");
        total += weight;
    }
    std::vector<Vcai> shares(weights.size());
    if (total == 0) return shares;
    std::vector<U128> remainders(weights.size());
    U128 rest = amount.wei;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const Uint256 product = Uint256{amount.wei} * Uint256{weights[i]};
        TRY(shares[i].wei, to_u128(product / Uint256{total}));
        TRY(remainders[i], to_u128(product % Uint256{total}));
        rest -= shares[i].wei;
    }
    std::vector<std::size_t> order(weights.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return remainders[a] != remainders[b] ? remainders[a] > remainders[b] : a < b;
    });
    // The remainders add up to rest * total and each is below total, so rest is below their number.
    for (std::size_t i = 0; i < static_cast<std::size_t>(rest); ++i) ++shares[order[i]].wei;
    return shares;
}

}  // namespace vcity::market
