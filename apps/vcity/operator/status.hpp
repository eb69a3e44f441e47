// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "codec/json.hpp"
#include "operator/node_folder.hpp"

namespace vcity::cli {

// Everything an owner asks first, in blocks: service, node, network, payments, wallet, stake, earnings, tasks, and who
// is good enough to be asked again ("verification"). What cannot be told is null, with the reason in "issues".
Result<codec::Json> node_overview(const NodeFolder& folder);
// The same for a terminal.
std::string overview_text(const codec::Json& overview);

}  // namespace vcity::cli
