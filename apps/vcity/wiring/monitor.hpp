// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/keys.hpp"
#include "cli/output.hpp"
#include "codec/json.hpp"

namespace vcity::wiring {

struct TeeOptions {
    std::string kind = "tpm2";  // tpm2, configfs, sev or sim
    std::string tcti = "device:/dev/tpmrm0";
    std::vector<std::uint32_t> registers;  // empty: 0 to 15
    std::string event_log;                 // empty: the kernel's
    cli::KeyFiles sim_root;                // of the simulation; without a keystore a fresh key each start
};

struct MonitorRunOptions {
    TeeOptions tee;
    std::string policy;
    std::string deployment = "deployment.json";
    std::string model;       // folder, or
    std::string model_root;  // 0x...
    std::string listen = "127.0.0.1:8100";
    std::string node_listen = "127.0.0.1:8101";
    std::string ops = "127.0.0.1:0";
    std::string log_level = "info";
};
// A model named by its folder or by its root, one of them.
Result<Hash> model_root_of(const std::string& folder, const std::string& root);
// Until SIGINT or SIGTERM. The device must give evidence at the start, else an error says why not.
Result<cli::Exit> run_monitor(const MonitorRunOptions& options);
// What a policy names of this machine's TPM: {"endorsement_key","attestation_key_name"}.
Result<codec::Json> tpm_identity(const TeeOptions& options);

// What a verifier brings besides the policy.
struct AttestOptions {
    std::string monitor;  // URL; or
    std::string record;   // a file of an earlier run (`save`)
    std::string policy;
    std::string model;
    std::string model_root;
    std::string collateral;   // JSON of Intel's quote verification library
    std::string snp_signer;   // DER, for hosts that give no certificate table
    std::string snp_issuers;  // PEM
    std::string nonce;        // with a record: instead of its own
    std::string save;
    std::string pins;  // with node: file of machines and their stakes
    std::string node;
    std::uint64_t at_unix_seconds = 0;  // 0: now
};
struct AttestOutcome {
    bool is_believed = false;
    codec::Json report;
};
// Asks a monitor with a fresh nonce, enrols its TPM where it has one, and judges what it says.
Result<AttestOutcome> attest_monitor(const AttestOptions& options);

}  // namespace vcity::wiring
