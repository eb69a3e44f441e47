// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/certificate.hpp"

namespace vcity::attest {

// Whom a verifier believes. Tests and the simulated driver bring their own.
struct TrustAnchors {
    RootPins intel;
    RootPins amd;
    RootPins nvidia_device;
    RootPins nvidia_reference;
};

// The vendors' production roots, by fingerprint: Intel SGX Root CA; AMD ARK-Milan, ARK-Genoa, ARK-Turin; NVIDIA Device
// Identity CA; NVIDIA CoRIM signing Root CA.
TrustAnchors vendor_anchors();

}  // namespace vcity::attest
