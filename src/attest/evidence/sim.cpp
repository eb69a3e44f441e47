// SPDX-License-Identifier: Apache-2.0
#include "attest/evidence/sim.hpp"

#include <algorithm>

#include "attest/cursor.hpp"
#include "crypto/secp256k1.hpp"
#include "crypto/sha256.hpp"

namespace vcity::attest {
namespace {

constexpr std::string_view kTag = "vcity-sim-v1";

}  // namespace

Bytes encode_simulated(const SimulatedStatement& statement) {
    Bytes bytes = to_bytes(as_bytes(kTag));
    append(&bytes, statement.platform.view());
    append(&bytes, statement.measurement.view());
    append(&bytes, statement.report_data.view());
    return bytes;
}

Result<SimulatedStatement> parse_simulated(ByteView bytes) {
    Cursor cursor{bytes, ByteOrder::kBig};
    const ByteView tag = cursor.take(kTag.size());
    SimulatedStatement statement;
    statement.platform.bytes = cursor.fixed<32>();
    statement.measurement.bytes = cursor.fixed<32>();
    statement.report_data.bytes = cursor.fixed<64>();
    if (!cursor.at_end() || as_text(tag) != kTag) return make_error(Errc::kInvalid, "sim: not a statement");
    return statement;
}

Hash simulated_digest(ByteView statement) {
    return crypto::sha256(statement);
}

Verdict verify_simulated(const Evidence& evidence, const std::vector<Address>& roots) {
    Verdict verdict;
    verdict.kind = EvidenceKind::kSimulated;
    const Result<SimulatedStatement> statement = parse_simulated(evidence.report);
    if (!statement) {
        verdict.fail(Step::kFormat, statement.error().message);
        return verdict;
    }
    if (evidence.signature.size() != Signature::kSize) {
        verdict.fail(Step::kFormat, "sim: a signature has 65 bytes");
        return verdict;
    }
    verdict.pass(Step::kFormat);
    verdict.report_data = to_bytes(statement->report_data.view());
    verdict.platform_id = to_bytes(statement->platform.view());
    verdict.measurements = {{"simulated", to_bytes(statement->measurement.view())}};
    const Result<Address> signer =
        crypto::recover(simulated_digest(evidence.report), Signature::make(evidence.signature));
    if (!signer || std::ranges::find(roots, *signer) == roots.end()) {
        verdict.fail(Step::kReportSignature, "the statement is not signed by a known root of the simulation");
        return verdict;
    }
    verdict.pass(Step::kReportSignature);
    return verdict;
}

}  // namespace vcity::attest
