// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/messages.hpp"
#include "services/gateway/api/api_error.hpp"

namespace vcity::gateway {

// "job-" and the job id in hex, without 0x.
std::string make_work_id(const JobId& job_id);
std::optional<JobId> job_of_work(std::string_view id);

// "GROUP", "GROUP/INDEX", or the step's id in hex. nullopt for anything else.
std::optional<JobId> step_of_text(const JobId& job_id, std::string_view text);

// Answers of the endpoints (docs/api/jobs.md). Money is decimal dollars, times are unix seconds with milliseconds.
codec::Json work_json(const WorkStatusReply& reply);
codec::Json accepted_json(const WorkAccepted& accepted, const std::string& name);
// Of units that are held; what names them in an order.
codec::Json reserved_json(const WorkAccepted& accepted, const std::string& name);
codec::Json quote_json(const WorkQuote& quote);
codec::Json output_json(const WorkOutputReply& reply, std::string_view step);
codec::Json explanation_json(const WorkStatusReply& reply);

// Where the next part of a step's output begins. A character that is cut is left for the next part.
std::uint64_t next_offset(const WorkOutputReply& reply);

// What to tell a client whose order or quote the scheduler refused.
ApiError work_error(const JobFailed& failed);
// What to tell a client whose question was not answered.
ApiError unanswered_error(const Error& error);

}  // namespace vcity::gateway
