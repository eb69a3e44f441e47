// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <string_view>
#include <vector>

#include "attest/signature.hpp"
#include "attest/tpm/event_log.hpp"
#include "attest/verdict.hpp"

namespace vcity::attest {

// Which registers of one bank a quote covers.
struct PcrSelection {
    HashAlgorithm bank = HashAlgorithm::kSha256;
    std::vector<std::uint32_t> registers;  // ascending
};

// TPMS_ATTEST of a quote, big-endian (TPM 2.0 library, part 2, section 10.12.12). Views borrow the bytes parsed.
struct TpmQuote {
    ByteView qualified_signer;
    ByteView extra_data;  // the nonce
    std::uint64_t clock_ms = 0;
    std::uint32_t reset_count = 0;
    std::uint32_t restart_count = 0;
    bool is_clock_safe = false;
    std::uint64_t firmware_version = 0;
    std::vector<PcrSelection> selections;
    ByteView pcr_digest;
};
// At most 1 KiB and 4 banks. The magic must be TPM_GENERATED and the type a quote, else an outsider's data could pass
// for the TPM's own. kInvalid otherwise.
Result<TpmQuote> parse_tpm_quote(ByteView bytes);

enum class TpmScheme : std::uint8_t { kRsaSsa, kRsaPss, kEcdsa };
struct TpmSignature {
    TpmScheme scheme = TpmScheme::kRsaSsa;
    HashAlgorithm hash = HashAlgorithm::kSha256;
    Bytes value;  // of RSA, or r || s
};
// TPMT_SIGNATURE (part 2, section 11.3.4). RSASSA, RSAPSS and ECDSA over P-256 or P-384 only.
Result<TpmSignature> parse_tpm_signature(ByteView bytes);

// The key of a TPMT_PUBLIC (part 2, section 12.2.4). It must be a restricted signing key that the TPM made and cannot
// give away (restricted, sign, fixedTPM, fixedParent, not decrypt): otherwise its owner could sign anything.
Result<PublicKey> parse_tpm_public(ByteView bytes);

struct TpmEvidence {
    Bytes message;  // TPMS_ATTEST
    TpmSignature signature;
    // The quoted registers in the order of the selection, or of the whole bank (24).
    std::vector<Bytes> pcrs;
};

// The quote is signed by the attestation key and the PCR values have the quoted digest. report_data is the nonce,
// measurements are pcr0.., platform_id stays empty. Who holds the key is not known: see verify_vtpm(), and label a TPM
// on an owner's machine "measured", not "TEE". SHA-1 banks and signatures are verified; the bank is in the versions as
// "bank_bits" (160, 256, ...), so that a policy can refuse them.
Verdict verify_tpm_quote(const TpmEvidence& evidence, const PublicKey& attestation_key);

// Replays the log and compares every register that the verdict has and the log extends: Step::kEventLog.
void check_tpm_log(ByteView log, Verdict* verdict);

}  // namespace vcity::attest
