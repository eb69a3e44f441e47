// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/result.hpp"
#include "crypto/merkle.hpp"
#include "model/chain.hpp"
#include "model/receipt.hpp"

namespace vcity::market {

// Receipts of one batch at most: what wire::parse_batch reads back.
inline constexpr std::size_t kBatchReceiptsMax = 16'384;

struct BatchInputs {
    std::uint64_t index = 0;
    std::uint32_t fee_bps = 0;
    std::vector<Earning> earnings_before;  // cumulative, of all batches before
    std::vector<std::pair<SignedReceipt, CapId>> receipts;
    std::uint64_t units_available = 0;
};

// Puts receipts into a batch: charges by cap, earnings by node, both roots. The same inputs give the same bytes;
// charges and earnings do not depend on the order of receipts or of earlier earnings. Signatures are not checked here.
// kInvalid for two receipts of one job, two earlier earnings of one node, an amount above its quote, a fee above 100 %,
// more than kBatchReceiptsMax receipts, or a sum that does not fit 64 bits.
Result<Batch> make_batch(const BatchInputs& inputs);

// Proofs of one leaf, for claims and for people who check their receipt.
// receipt_index < batch.receipts.size(). A node without earnings gets an empty proof.
std::vector<Hash> receipt_proof(const Batch& batch, std::size_t receipt_index);
std::vector<Hash> earnings_proof(const Batch& batch, const Address& node);

// Whether a receipt stands on its own: both signatures, amount within quote, times in order. kInvalid otherwise.
Result<void> check_receipt(const Deployment& deployment, const SignedReceipt& receipt);
Result<void> check_node_signature(const Deployment& deployment, const SignedReceipt& receipt);

}  // namespace vcity::market
