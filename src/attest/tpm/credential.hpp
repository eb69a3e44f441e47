// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::attest {

// How a verifier learns that an attestation key is in the TPM of an endorsement key it trusts: it makes a credential
// for the key's name, and only that TPM, holding a key of that name, can open it (TPM2_ActivateCredential; TPM 2.0
// library, part 1, section 24). An attestation key is restricted, so what it signs comes from the TPM.

// The name of an object: nameAlg || H(TPMT_PUBLIC), part 1, section 16. SHA-256 only; kInvalid otherwise.
Result<Bytes> tpm_name(ByteView public_area);

struct TpmCredential {
    Bytes blob;    // TPM2B_ID_OBJECT without its size
    Bytes secret;  // TPM2B_ENCRYPTED_SECRET without its size
};
// Fresh random values of one credential, never used twice.
struct CredentialSeeds {
    Hash seed;
    Hash padding;  // of OAEP
};
// TPM2_MakeCredential in software. The endorsement key must be RSA of 2,048 bits with SHA-256 and AES-128-CFB,
// restricted to decryption, made in the TPM and fixed to it (TCG EK credential profile, template L-1). credential: at
// most 32 bytes. kInvalid otherwise.
Result<TpmCredential> make_credential(ByteView endorsement_public,
                                      ByteView name,
                                      ByteView credential,
                                      const CredentialSeeds& seeds);

}  // namespace vcity::attest
