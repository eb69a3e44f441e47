// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "attest/evidence/evidence.hpp"
#include "ports/tee.hpp"

struct ESYS_CONTEXT;
struct TSS2_TCTI_OPAQUE_CONTEXT_BLOB;

namespace vcity::adapters {

// The commands that attestation needs; blocking, one at a time under a lock, any thread. Hides tss2.
class TpmDevice {
  public:
    static Result<std::shared_ptr<TpmDevice>> open(const std::string& tcti, std::vector<std::uint32_t> registers);
    ~TpmDevice();
    TpmDevice(const TpmDevice&) = delete;
    TpmDevice& operator=(const TpmDevice&) = delete;

    // Quote and the registers' values, with a digest that fits them; nonce: 32 bytes.
    Result<attest::Evidence> quote(ByteView nonce);
    Result<ports::TpmIdentity> identity();
    Result<Bytes> activate(ByteView blob, ByteView secret);

  private:
    TpmDevice() = default;
    Result<void> make_attestation_key();
    Result<std::vector<Bytes>> read_registers();
    Result<attest::Evidence> quote_once(ByteView nonce);
    Bytes read_endorsement_certificate();

    std::mutex mutex_;
    TSS2_TCTI_OPAQUE_CONTEXT_BLOB* tcti_ = nullptr;
    ESYS_CONTEXT* esys_ = nullptr;
    std::vector<std::uint32_t> registers_;
    std::uint32_t attestation_key_ = 0;  // ESYS_TR; 0: not made
    Bytes attestation_public_;
};

}  // namespace vcity::adapters
