// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "codec/json.hpp"
#include "services/node/agent.hpp"
#include "services/node/work_log.hpp"
#include "wiring/role_host.hpp"

namespace vcity::wiring {

// Where a running node leaves, in its state folder, how its owner reaches it: the health port's URL, the process, and
// a token that only the owner of the folder can read.
std::string ops_facts_path(const std::string& state);  // {"url": "http://127.0.0.1:40001", "pid": 1234}
std::string ops_token_path(const std::string& state);

// Makes the token where there is none, writes the facts and answers on the node's health port:
//   GET  /admin/status                     what the node is and does
//   GET  /admin/work?after=KEY             what it has signed for, page by page
//   POST /admin/drain, /admin/resume       no new work, with {"now": true} steps that run end as well; again
//   POST /admin/maintenance                {"from_ms", "to_ms", "category"}; /admin/maintenance/cancel drops all
// and the metrics of its units and of the steps that run. The agent must outlive the host's run().
Result<void> serve_owner(RoleHost* host, node::NodeAgent* agent, const NodeRunOptions& options);

// As the commands of the owner read them.
codec::Json to_json(const node::WorkEntry& entry);
codec::Json to_json(const node::WorkPage& page);
// Prometheus text of units and running steps.
std::string unit_metrics(const node::NodeStatus& status, UnixMillis now);

}  // namespace vcity::wiring
