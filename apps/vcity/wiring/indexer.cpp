// SPDX-License-Identifier: Apache-2.0
#include "services/indexer/indexer.hpp"

#include "adapters/chain_evm/contract_events.hpp"
#include "async/task_group.hpp"
#include "services/indexer/api.hpp"
#include "wiring/role_host.hpp"
#include "wiring/roles.hpp"

namespace vcity::wiring {
namespace {

Task<Result<void>> serve(Runtime* runtime, indexer::Indexer* role, adapters::HttpServer* server) {
    co_await role->run();
    co_return co_await server->shutdown(runtime->now() + std::chrono::seconds(5));
}

}  // namespace

Result<cli::Exit> run_indexer(const IndexerRunOptions& options) {
    TRY(const auto host, RoleHost::make("indexer", options.role));
    TRY(const Endpoint listen, parse_endpoint(options.listen));
    adapters::EvmChainEvents events{host->chain()->rpc(), host->deployment()};
    adapters::EvmContractEvents contract_events{host->chain()->rpc(), host->deployment()};
    indexer::IndexerDeps deps{.runtime = host->runtime(),
                              .events = &events,
                              .contract_events = &contract_events,
                              .store = host->store(),
                              .metrics = host->metrics(),
                              .log = host->log(),
                              .deployment = host->deployment()};
    indexer::Indexer role{std::move(deps), {}};
    indexer::IndexerApi api{host->store(), host->log().named("api")};
    adapters::HttpServerOptions http;
    http.address = listen.address;
    http.port = listen.port;
    http.log = host->log().named("http");
    TRY(const auto server, adapters::HttpServer::make(host->runtime(), host->runtime()->executor(), &api, http));
    host->set_ready([] { return true; });
    return host->run([&] { return serve(host->runtime(), &role, server.get()); }, [&role] { role.stop(); });
}

}  // namespace vcity::wiring
