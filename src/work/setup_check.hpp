// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "model/work.hpp"

// Parts of check(WorkSpec) and check(WorkOrder): what surrounds the command of a step, and its files.
namespace vcity::work::detail {

Result<void> check_setup(const StepGroup& group);
// Inline content, or a hash and where to find it.
Result<void> check_source(const InputFile& file);
// Groups that it needs, each once, and not too many steps of them.
Result<void> check_takes(const WorkSpec& spec, const StepGroup& group);
// It is there when the job's files need a place.
Result<void> check_files_url(const WorkOrder& order);

}  // namespace vcity::work::detail
