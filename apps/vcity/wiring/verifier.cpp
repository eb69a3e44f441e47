// SPDX-License-Identifier: Apache-2.0
#include "services/verifier/verifier.hpp"

#include <filesystem>

#include "adapters/audit_llama/llama_auditor.hpp"
#include "wiring/role_host.hpp"
#include "wiring/roles.hpp"
#include "wiring/run.hpp"

namespace vcity::wiring {

Result<cli::Exit> run_verifier(const VerifierRunOptions& options) {
    TRY(const auto host, RoleHost::make("verifier", options.role));
    TRY(const auto dialer, host->make_dialer());
    std::vector<std::unique_ptr<adapters::LlamaAuditor>> auditors;
    std::vector<ports::Auditor*> borrowed;
    for (const std::string& folder : options.models) {
        adapters::LlamaAuditorOptions settings;
        settings.folder = folder;
        // What `vcity-worker enrol` wrote for this model; without it sketches decide nothing.
        const std::filesystem::path enrolment = settings.folder / "sketch-enrolment.txt";
        if (std::filesystem::exists(enrolment)) settings.enrolment = enrolment;
        TRY(auto auditor, run_task(host->runtime(), adapters::LlamaAuditor::open(host->runtime(), settings)));
        borrowed.push_back(auditor.get());
        auditors.push_back(std::move(auditor));
    }
    verifier::VerifierOptions settings;
    TRY(settings.schedulers, parse_schedulers(options.also_schedulers));
    settings.schedulers.insert(settings.schedulers.begin(), options.schedulers);
    settings.software_version = VCITY_VERSION;
    settings.capacity.every = std::chrono::seconds{options.capacity_every};
    TRY(settings.stake, parse_vcai(options.role.stake));
    verifier::VerifierDeps deps{.runtime = host->runtime(),
                                .store = host->store(),
                                .signer = host->signer(),
                                .dialer = dialer.get(),
                                .auditors = borrowed,
                                .chain_reader = host->chain()->reader(),
                                .chain_writer = host->chain()->writer(),
                                .metrics = host->metrics(),
                                .deployment = host->deployment(),
                                .log = host->log()};
    verifier::Verifier role{std::move(deps), std::move(settings)};
    host->set_ready([&role] { return role.is_connected(); });
    return host->run([&role] { return role.run(); }, [&role] { role.stop(); });
}

}  // namespace vcity::wiring
