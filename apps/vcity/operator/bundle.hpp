// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "operator/node_folder.hpp"
#include "operator/self_check.hpp"

namespace vcity::cli {

// A tar archive for whoever helps: self-test, overview, metrics, settings, the end of the log, the machine; everything
// through a Redactor that also knows the secrets in the folder. Never in it: key files, passwords, tokens, the store.
Result<std::string> support_bundle(const NodeFolder& folder, const std::vector<SelfCheck>& checks);

}  // namespace vcity::cli
