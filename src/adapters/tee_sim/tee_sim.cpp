// SPDX-License-Identifier: Apache-2.0
#include "adapters/tee_sim/tee_sim.hpp"

#include <algorithm>

namespace vcity::adapters {

Task<Result<attest::Evidence>> SimulatedTee::evidence(Bytes report_data) {
    if (report_data.empty() || report_data.size() > report_data_max()) {
        co_return make_error(Errc::kInvalid, "report data has 1 to 64 bytes");
    }
    attest::SimulatedStatement statement{.platform = platform_, .measurement = measurement_, .report_data = {}};
    std::ranges::copy(report_data, statement.report_data.bytes.begin());
    attest::Evidence evidence;
    evidence.kind = kind();
    evidence.report = attest::encode_simulated(statement);
    const Signature signature = root_.sign(attest::simulated_digest(evidence.report));
    append(&evidence.signature, signature.view());
    co_return evidence;
}

}  // namespace vcity::adapters
