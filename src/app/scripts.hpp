// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "app/app_spec.hpp"

// What the steps of an app run where it is a shell that does the work; POSIX sh, sed, awk and coreutils only.
namespace vcity::app {

// setup in a shell of its own, then run; the step's exit code is that of the first that fails.
std::vector<std::string> setup_and_run(const std::string& setup, const std::string& run);
// Stays until it is told to end: a pod without a command.
std::vector<std::string> stay();

// One shard of a batch: its lines of requests.tsv ("<custom id as JSON>TAB<body>") through the customer's command;
// out/results.tsv gets "ok" or "error", TAB and the line of the answer, one for each request, in their order. A failing
// request is an answer. What was done before is in checkpoint/ and is not done again.
std::vector<std::string> shard_command(const BatchPart& batch, const std::string& setup, const std::string& run);
// The results of all shards in order: out/output.jsonl, out/errors.jsonl, out/summary.json.
std::vector<std::string> merge_command(std::uint32_t shards);

}  // namespace vcity::app
