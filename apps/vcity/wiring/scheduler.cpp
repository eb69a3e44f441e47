// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/scheduler.hpp"

#include <fmt/core.h>

#include "codec/hex.hpp"
#include "wiring/role_host.hpp"
#include "wiring/roles.hpp"

namespace vcity::wiring {
namespace {

Result<std::map<std::string, Hash>> parse_roots(const std::vector<std::string>& pinned) {
    std::map<std::string, Hash> roots;
    for (const std::string& text : pinned) {
        const std::size_t split = text.rfind('=');
        if (split == std::string::npos) return make_error(Errc::kInvalid, fmt::format("{} is not model=0x...", text));
        TRY(const Hash root, codec::parse_fixed<Hash>(text.substr(split + 1)));
        roots.emplace(text.substr(0, split), root);
    }
    return roots;
}

Result<scheduler::SchedulerOptions> to_options(const SchedulerRunOptions& options) {
    scheduler::SchedulerOptions result;
    TRY(result.stake, parse_vcai(options.role.stake));
    TRY(result.model_roots, parse_roots(options.pinned_roots));
    for (const std::string& text : options.gateways) {
        TRY(const Address gateway, crypto::parse_address(text));
        result.gateways.insert(gateway);
    }
    result.audit.per_mille = options.audit_per_mille;
    result.settle_every = std::chrono::seconds{options.epoch_seconds};
    result.claim_every = std::chrono::seconds{options.claim_seconds};
    return result;
}

}  // namespace

Result<cli::Exit> run_scheduler(const SchedulerRunOptions& options) {
    TRY(const auto host, RoleHost::make("scheduler", options.role));
    TRY(const Endpoint listen, parse_endpoint(options.listen));
    TRY(scheduler::SchedulerOptions settings, to_options(options));
    adapters::LinkListenerOptions link;
    link.address = listen.address;
    link.port = listen.port;
    link.certificate_file = options.certificate;
    link.key_file = options.certificate_key;
    link.log = host->log().named("link");
    TRY(const auto listener, adapters::WebSocketListener::make(host->runtime(), host->runtime()->executor(), link));
    scheduler::SchedulerDeps deps{.runtime = host->runtime(),
                                  .store = host->store(),
                                  .signer = host->signer(),
                                  .listener = listener.get(),
                                  .chain_reader = host->chain()->reader(),
                                  .chain_writer = host->chain()->writer(),
                                  .metrics = host->metrics(),
                                  .deployment = host->deployment(),
                                  .log = host->log()};
    scheduler::Scheduler role{std::move(deps), std::move(settings)};
    host->set_ready([&role] { return role.is_ready(); });
    return host->run([&role] { return role.run(); }, [&role] { role.stop(); });
}

}  // namespace vcity::wiring
