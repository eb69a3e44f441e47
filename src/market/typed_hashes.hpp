// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto/eip712.hpp"
#include "model/chain.hpp"
#include "model/monitor.hpp"
#include "model/receipt.hpp"

namespace vcity::market {

// The EIP-712 domains of the contracts. Every signature binds chain, contract and purpose through one of these.
crypto::Eip712Domain settlement_domain(const Deployment& deployment);  // UsageReceipt, Verdict
crypto::Eip712Domain escrow_domain(const Deployment& deployment);      // SpendingCap
crypto::Eip712Domain link_domain(const Deployment& deployment);        // LinkHello
crypto::Eip712Domain monitor_domain(const Deployment& deployment);     // MonitorSeal

// hashStruct of each, and the digest that is signed.
Hash receipt_hash(const UsageReceipt& receipt);
Hash verdict_hash(const Verdict& verdict);
CapId cap_id(const SpendingCap& cap);
Hash receipt_digest(const Deployment& deployment, const UsageReceipt& receipt);
Hash verdict_digest(const Deployment& deployment, const Verdict& verdict);
Hash cap_digest(const Deployment& deployment, const SpendingCap& cap);
Hash link_hello_digest(
    const Deployment& deployment, const Address& peer, Role role, const Hash& challenge, UnixMillis issued_at);

Hash seal_hash(const MonitorSeal& seal);
Hash seal_digest(const Deployment& deployment, const MonitorSeal& seal);

// Leaves of the two Merkle trees of a batch, hashed twice (Settlement.sol).
Hash receipt_leaf(const SignedReceipt& receipt);
Hash earnings_leaf(const Earning& earning);

// keccak256(abi.encode(client, scheduler, nonce)).
JobId make_job_id(const Address& client, const Address& scheduler, const Hash& nonce);
// keccak256 of the canonical JSON (RFC 8785) of the request; numbers that are not integers are written as strings with
// six decimals, so that the bytes do not depend on a float printer.
Hash request_hash(const ModelRequest& request);
Hash response_hash(std::string_view text);

// "did:ethr:0x7a69:0x..."
std::string make_did(std::uint64_t chain_id, const Address& identity);

}  // namespace vcity::market
