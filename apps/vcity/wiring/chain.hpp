// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "cli/settings.hpp"
#include "codec/json.hpp"
#include "crypto/secp256k1.hpp"
#include "model/chain.hpp"

namespace vcity::wiring {

// What client commands do on chain, one call each. All errors say what to set when the chain or the deployment file is
// not known.
Result<Deployment> load_deployment(const cli::Settings& settings);

struct AccountBalances {
    Usd wallet;
    Usd escrow_available;
};
Result<AccountBalances> read_balances(const cli::Settings& settings, const Address& account);
Result<std::optional<PostedBatch>> read_batch(const cli::Settings& settings,
                                              const Address& scheduler,
                                              std::uint64_t index);
// by_permit: one transaction with a signed permit (ERC-2612); else an approval first, for tokens without permits.
struct DepositTerms {
    Usd amount;
    bool by_permit = true;
};
Result<Hash> deposit(const cli::Settings& settings, crypto::PrivateKey key, const DepositTerms& terms);

struct SignedCapText {
    SignedCap cap;
    codec::Json json;  // as the gateway's admin endpoint takes it
};
// nonce 0: the present time in milliseconds, which no earlier cap of this client has used.
struct CapTerms {
    Address scheduler;
    Usd limit;
    std::uint64_t days = 30;
    std::uint64_t nonce = 0;
};
Result<SignedCapText> sign_cap(const Deployment& deployment, const crypto::PrivateKey& key, const CapTerms& terms);

}  // namespace vcity::wiring
