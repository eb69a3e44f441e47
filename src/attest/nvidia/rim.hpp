// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "attest/roots.hpp"
#include "attest/verdict.hpp"

namespace vcity::attest {

// A reference integrity manifest of NVIDIA: a SWID tag (ISO/IEC 19770-2, TCG RIM information model) with the digests
// that genuine firmware of one version measures, signed in the document (XML signature, ECDSA-P384 with SHA-384).
struct ReferenceManifest {
    std::string product;  // "GH100"
    std::string version;  // of the driver or VBIOS
    // The active measurements by index (0 is SPDM block 1), with the digests that are allowed.
    std::map<std::uint8_t, std::vector<Bytes>> measurements;
    UnixMillis expires{};  // of the first certificate of the chain to expire
};

// Parses and verifies: one enveloped signature over the whole document with exactly the algorithms NVIDIA uses, by the
// first certificate of a chain to a pinned root. kInvalid when malformed, kDenied with the reason when not genuine.
Result<ReferenceManifest> verify_rim(std::string_view xml, const TrustAnchors& anchors, UnixMillis now);

// Compares the blocks of a verdict with the manifests of its driver and its VBIOS: Step::kReferenceValues. Every
// active index must be measured as allowed, none may be active in both, and the driver's version is that of `driver`.
void check_references(const ReferenceManifest& driver, const ReferenceManifest& vbios, Verdict* verdict);

}  // namespace vcity::attest
