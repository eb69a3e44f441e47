// SPDX-License-Identifier: Apache-2.0
#include "market/batch.hpp"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "crypto/secp256k1.hpp"
#include "market/pricing.hpp"
#include "market/typed_hashes.hpp"

namespace vcity::market {
namespace {

// Adds up receipts; ordered maps make charges and earnings independent of the order of arrival.
class Totals {
  public:
    Result<void> start(const std::vector<Earning>& earnings) {
        for (const Earning& earning : earnings) {
            if (!earnings_.emplace(earning.node, earning.cumulative).second) {
                return make_error(Errc::kInvalid, "a node has earnings twice");
            }
        }
        return {};
    }

    Result<void> add_receipt(const UsageReceipt& receipt, const CapId& cap, std::uint32_t fee_bps) {
        if (!jobs_.insert(receipt.job_id).second) return make_error(Errc::kInvalid, "two receipts of one job");
        if (receipt.amount > receipt.quote) return make_error(Errc::kInvalid, "a receipt's amount is above its quote");
        TRY(const Usd fee, fee_of(receipt.amount, fee_bps));
        TRY(const Usd share, subtract(receipt.amount, fee));
        TRY_OK(grow(&charges_[cap], receipt.amount));
        TRY_OK(grow(&earnings_[receipt.node], share));
        TRY_OK(grow(&charged_, receipt.amount));
        TRY_OK(grow(&earned_, share));
        TRY_OK(consume(receipt.units.input));
        return consume(receipt.units.output);
    }

    std::vector<Charge> charges() const {
        std::vector<Charge> result;
        result.reserve(charges_.size());
        for (const auto& [cap, amount] : charges_) result.push_back({.cap_id = cap, .amount = amount});
        return result;
    }
    std::vector<Earning> earnings() const {
        std::vector<Earning> result;
        result.reserve(earnings_.size());
        for (const auto& [node, cumulative] : earnings_) result.push_back({.node = node, .cumulative = cumulative});
        return result;
    }
    Usd earned() const { return earned_; }
    std::uint64_t units() const { return units_; }

  private:
    static Result<void> grow(Usd* total, Usd amount) {
        TRY(*total, add(*total, amount));
        return {};
    }
    Result<void> consume(std::uint64_t units) {
        if (__builtin_add_overflow(units_, units, &units_)) {
            return make_error(Errc::kInvalid, "sum of units does not fit 64 bits");
        }
        return {};
    }

    std::unordered_set<JobId> jobs_;
    std::map<CapId, Usd> charges_;
    std::map<Address, Usd> earnings_;
    Usd charged_;
    Usd earned_;
    std::uint64_t units_ = 0;
};

crypto::MerkleTree receipts_tree(const std::vector<SignedReceipt>& receipts) {
    std::vector<Hash> leaves;
    leaves.reserve(receipts.size());
    for (const SignedReceipt& receipt : receipts) leaves.push_back(receipt_leaf(receipt));
    return crypto::MerkleTree{std::move(leaves)};
}

crypto::MerkleTree earnings_tree(const std::vector<Earning>& earnings) {
    std::vector<Hash> leaves;
    leaves.reserve(earnings.size());
    for (const Earning& earning : earnings) leaves.push_back(earnings_leaf(earning));
    return crypto::MerkleTree{std::move(leaves)};
}

Result<void> check_signature(const Hash& digest, const Signature& signature, const Address& signer, const char* whose) {
    const Result<Address> recovered = crypto::recover(digest, signature);
    if (!recovered || *recovered != signer) {
        return make_error(Errc::kInvalid, std::string{"signature is not by the receipt's "} + whose);
    }
    return {};
}

}  // namespace

Result<Batch> make_batch(const BatchInputs& inputs) {
    if (inputs.receipts.size() > kBatchReceiptsMax) {
        return make_error(Errc::kInvalid, "too many receipts for one batch");
    }
    Totals totals;
    TRY_OK(totals.start(inputs.earnings_before));
    Batch batch;
    batch.receipts.reserve(inputs.receipts.size());
    for (const auto& [receipt, cap] : inputs.receipts) {
        TRY_OK(totals.add_receipt(receipt.receipt, cap, inputs.fee_bps));
        batch.receipts.push_back(receipt);
    }
    batch.charges = totals.charges();
    batch.earnings = totals.earnings();
    batch.header = {
        .index = inputs.index,
        .receipts_root = receipts_tree(batch.receipts).root(),
        .earnings_root = earnings_tree(batch.earnings).root(),
        .receipt_count = static_cast<std::uint32_t>(batch.receipts.size()),
        .total_earned = totals.earned(),
        .units_consumed = totals.units(),
        .units_available = inputs.units_available,
    };
    return batch;
}

std::vector<Hash> receipt_proof(const Batch& batch, std::size_t receipt_index) {
    return receipts_tree(batch.receipts).proof(receipt_index);
}

std::vector<Hash> earnings_proof(const Batch& batch, const Address& node) {
    const auto earning = std::ranges::find(batch.earnings, node, &Earning::node);
    if (earning == batch.earnings.end()) return {};
    return earnings_tree(batch.earnings).proof(static_cast<std::size_t>(earning - batch.earnings.begin()));
}

Result<void> check_receipt(const Deployment& deployment, const SignedReceipt& receipt) {
    if (receipt.receipt.amount > receipt.receipt.quote) {
        return make_error(Errc::kInvalid, "the receipt's amount is above its quote");
    }
    if (receipt.receipt.started_at > receipt.receipt.finished_at) {
        return make_error(Errc::kInvalid, "the receipt ends before it starts");
    }
    TRY_OK(check_node_signature(deployment, receipt));
    return check_signature(receipt_digest(deployment, receipt.receipt), receipt.scheduler_signature,
                           receipt.receipt.scheduler, "scheduler");
}

Result<void> check_node_signature(const Deployment& deployment, const SignedReceipt& receipt) {
    return check_signature(receipt_digest(deployment, receipt.receipt), receipt.node_signature, receipt.receipt.node,
                           "node");
}

}  // namespace vcity::market
