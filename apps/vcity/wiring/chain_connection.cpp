// SPDX-License-Identifier: Apache-2.0
#include "wiring/chain_connection.hpp"

#include "wiring/http_client.hpp"

namespace vcity::wiring {

ChainConnection::ChainConnection(Runtime* runtime, std::string rpc_url, ports::Signer* signer)
    : runtime_{runtime},
      http_{make_http_client(runtime)},
      rpc_{runtime, http_.get(), std::move(rpc_url)},
      signer_{signer} {}

Task<Result<adapters::TransactionSender*>> ChainConnection::sender() {
    if (signer_ == nullptr) co_return make_error(Errc::kInvalid, "this connection only reads the chain");
    if (!sender_) {
        CO_TRY(const std::uint64_t chain_id, co_await rpc_.chain_id());
        sender_ = std::make_unique<adapters::TransactionSender>(runtime_, &rpc_, signer_, chain_id);
    }
    co_return sender_.get();
}

Task<Result<void>> ChainConnection::bind(Deployment deployment) {
    CO_TRY_OK(co_await adapters::check_chain(&rpc_, deployment));
    reader_ = std::make_unique<adapters::EvmChainReader>(runtime_, &rpc_, deployment);
    if (signer_ == nullptr) co_return Result<void>{};
    CO_TRY(adapters::TransactionSender * ready, co_await sender());
    writer_ = std::make_unique<adapters::EvmChainWriter>(runtime_, &rpc_, ready, deployment);
    co_return Result<void>{};
}

}  // namespace vcity::wiring
