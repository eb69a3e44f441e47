// SPDX-License-Identifier: Apache-2.0
#include "market/reward_tree.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "base/uint256.hpp"
#include "crypto/eip712.hpp"
#include "crypto/keccak.hpp"

namespace vcity::market {
namespace {

std::vector<Hash> leaves_of(RewardKind kind, const std::vector<Reward>& rewards) {
    std::vector<Hash> leaves;
    leaves.reserve(rewards.size());
    for (const Reward& reward : rewards) leaves.push_back(reward_leaf(kind, reward.account, reward.amount.wei));
    return leaves;
}

}  // namespace

Hash reward_leaf(RewardKind kind, const Address& account, U128 cumulative) {
    const U256 kind_word = to_bytes(Uint256{static_cast<unsigned>(kind)});
    const U256 account_word = crypto::word(account);
    const U256 amount_word = to_bytes(Uint256{cumulative});
    const Hash inner = crypto::keccak256({kind_word.view(), account_word.view(), amount_word.view()});
    return crypto::keccak256(inner.view());
}

RewardTree::RewardTree(RewardKind kind, std::vector<Reward> cumulative, Vcai total)
    : cumulative_{std::move(cumulative)}, total_{total}, tree_{leaves_of(kind, cumulative_)} {}

Result<RewardTree> RewardTree::make(RewardKind kind,
                                    const std::vector<Reward>& before,
                                    const std::vector<Reward>& epoch) {
    std::map<Address, Vcai> sums;
    for (const Reward& reward : before) {
        if (!sums.emplace(reward.account, reward.amount).second) {
            return make_error(Errc::kInvalid, "an account appears twice among earlier rewards");
        }
    }
    for (const Reward& reward : epoch) {
        Vcai& sum = sums[reward.account];
        TRY(sum, add(sum, reward.amount));
    }
    std::vector<Reward> cumulative;
    Vcai total;
    for (const auto& [account, amount] : sums) {
        if (amount.wei == 0) continue;
        cumulative.push_back({account, amount});
        TRY(total, add(total, amount));
    }
    return RewardTree{kind, std::move(cumulative), total};
}

Result<std::vector<Hash>> RewardTree::proof(const Address& account) const {
    const auto found = std::lower_bound(cumulative_.begin(), cumulative_.end(), account,
                                        [](const Reward& reward, const Address& key) { return reward.account < key; });
    if (found == cumulative_.end() || found->account != account) {
        return make_error(Errc::kNotFound, "the account has no reward of this kind");
    }
    return tree_.proof(static_cast<std::size_t>(found - cumulative_.begin()));
}

}  // namespace vcity::market
