// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/runtime_asio/runtime.hpp"
#include "base/uint256.hpp"
#include "cli/keys.hpp"
#include "cli/settings.hpp"
#include "wiring/chain_connection.hpp"

namespace vcity::wiring {

// The contracts of the trust layer for commands that ask and act, one call after another. With a key it can act.
class TrustChain {
  public:
    static Result<std::unique_ptr<TrustChain>> open(const cli::Settings& settings,
                                                    std::optional<crypto::PrivateKey> key = std::nullopt);

    // kNotFound: this deployment has no such contract. Names are those of the deployment file.
    Result<Address> of(std::string_view contract) const;
    // The contract's name in the deployment, or the address as text.
    std::string name_of(const Address& address) const;
    Address stable() const { return deployment_.stable; }

    // What a view says at the head of the chain.
    Result<Bytes> call(const Address& contract, Bytes data);
    template <class T>
    Result<T> ask(std::string_view contract, Bytes data, Result<T> (*decode)(ByteView)) {
        TRY(const Address address, of(contract));
        return ask_at(address, std::move(data), decode);
    }
    template <class T>
    Result<T> ask_at(const Address& address, Bytes data, Result<T> (*decode)(ByteView)) {
        TRY(const Bytes answer, call(address, std::move(data)));
        return decode(answer);
    }
    Result<std::uint64_t> now();  // unix seconds of the newest block
    // Events of a contract since the deployment, oldest first.
    Result<std::vector<adapters::EvmLog>> logs(std::string_view contract);

    // Acting: only with a key. Each returns when the transaction is in a block.
    Address account() const { return signer_->address(); }
    Result<Signature> sign(const Hash& digest) { return signer_->sign(digest); }
    // EIP-712, of that contract in this deployment. Made here and not asked of the chain: a node that lies about a
    // digest would have the account sign anything.
    Result<Hash> typed_digest(std::string_view contract,
                              std::string domain_name,
                              std::string_view type,
                              const std::vector<U256>& words) const;
    Result<Hash> execute(std::string_view contract, Bytes data);
    // Lets a contract take that much of the account's tokens, if it may not yet.
    Result<void> allow(const Address& token, std::string_view spender, const Uint256& amount);

  private:
    TrustChain() = default;

    adapters::AsioRuntime runtime_;
    std::optional<cli::KeySigner> signer_;
    std::unique_ptr<ChainConnection> chain_;
    Deployment deployment_;
};

}  // namespace vcity::wiring
