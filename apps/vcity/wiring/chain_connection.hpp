// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "adapters/chain_evm/chain.hpp"
#include "adapters/chain_evm/deploy.hpp"
#include "ports/http.hpp"

namespace vcity::wiring {

// One JSON-RPC server and what acts through it. A connection without a signer reads only. Its runtime must outlive it.
class ChainConnection {
  public:
    // signer: nullptr for reading only; borrowed.
    ChainConnection(Runtime* runtime, std::string rpc_url, ports::Signer* signer);

    // For a deployment that exists: checks that the server's chain is that of the deployment and holds its contracts.
    Task<Result<void>> bind(Deployment deployment);
    // Before there are contracts, or for transactions of other kinds. Asks the server for its chain id once.
    Task<Result<adapters::TransactionSender*>> sender();

    Runtime* runtime() const { return runtime_; }
    adapters::EvmRpc* rpc() { return &rpc_; }
    // Only after bind().
    adapters::EvmChainReader* reader() { return reader_.get(); }
    adapters::EvmChainWriter* writer() { return writer_.get(); }

  private:
    Runtime* runtime_;
    std::unique_ptr<ports::HttpClient> http_;
    adapters::EvmRpc rpc_;
    ports::Signer* signer_;
    std::unique_ptr<adapters::TransactionSender> sender_;
    std::unique_ptr<adapters::EvmChainReader> reader_;
    std::unique_ptr<adapters::EvmChainWriter> writer_;
};

}  // namespace vcity::wiring
