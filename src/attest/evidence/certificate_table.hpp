// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/snp.hpp"

namespace vcity::attest {

// The table that a host hands its SEV-SNP guest beside a report (AMD 56421, GHCB specification, section 4.1.8.1):
// entries {GUID 16, u32 offset, u32 length}, ended by one of zeros, then the certificates, DER or PEM. Gives the VCEK,
// or the VLEK where there is no VCEK, and ASK, ASVK and ARK as PEM; other GUIDs are left out. An empty table, or one of
// zeros only, gives empty members. At most 16 entries. kInvalid when an entry points outside or a certificate is
// malformed.
Result<SnpCertificates> parse_certificate_table(ByteView table);

}  // namespace vcity::attest
