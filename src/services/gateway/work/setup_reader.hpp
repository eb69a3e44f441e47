// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "services/gateway/work/spec_reader.hpp"
#include "services/gateway/work/work_request.hpp"

// What surrounds the command of a step, from JSON: its inputs, ports and network.
namespace vcity::gateway::spec {

// {"name": "text" | {"text"} | {"base64"} | {"file": "file-..."} | {"url", "sha256", "bytes"}}. Of a file only the id
// is noted, for resolve_files().
Refusal read_inputs(const codec::Json& value, const std::string& path, StepGroup* group);
// [{"name": "web", "port": 8080}]
Refusal read_ports(const codec::Json& value, const std::string& path, StepGroup* group);
// "none", "public", or a list of hosts.
Refusal read_egress(const codec::Json& value, const std::string& path, StepGroup* group);

// Hash and size in place of the ids of files.
Refusal resolve_files(const FileResolver& resolve, WorkSpec* spec);

}  // namespace vcity::gateway::spec
