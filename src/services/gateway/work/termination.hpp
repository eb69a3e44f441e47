// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "codec/json.hpp"
#include "model/work.hpp"

namespace vcity::gateway {

// Why a step is over, for programs: one of a closed list (docs/api/jobs.md). `job`: the state of its job, and why that
// failed.
//   completed      its command ended well
//   exit_code      its command ended with another status than 0
//   time_limit     seconds_max was over: a service is done then, anything else has failed
//   output_limit   it wrote more than it may
//   files          what it left could not be kept
//   deadline       the job's deadline has passed
//   cancelled      its customer cancelled the job
//   job_failed     another step failed that it waited for
//   inputs         a file at an address that its customer named could not be had
//   preempted      it had to give way, too often
//   node_fault     the nodes it ran on failed, too often
//   not_placed     no unit took it
std::string_view termination_reason(const StepStatus& step, WorkState job_state, std::string_view job_error);

// {"reason", "exit_code", "at"}; null while the step is not over.
codec::Json termination_json(const StepStatus& step, WorkState job_state, std::string_view job_error);

}  // namespace vcity::gateway
