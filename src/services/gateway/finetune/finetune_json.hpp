// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/gateway/finetune/finetune_book.hpp"
#include "services/gateway/finetune/finetune_progress.hpp"

// OpenAI's objects of fine-tuning (docs/api/fine-tuning.md).
namespace vcity::gateway {

// "ftjob-" and the job id in hex, without 0x.
std::string make_finetune_id(const JobId& job_id);
std::optional<JobId> job_of_finetune(std::string_view id);
// "ft:MODEL:vcity:SUFFIX:" and eight digits of the job id.
std::string tuned_model_name(const FinetuneRecord& record);

// Without an answer of GET /v1/jobs/{id} (null): queued. files: that of GET /v1/jobs/{id}/files, or null.
codec::Json finetune_json(const FinetuneRecord& record,
                          const codec::Json& work,
                          const FinetuneProgress& progress,
                          const codec::Json& files);
// In the order of the progress.
codec::JsonArray event_list(const FinetuneRecord& record, const codec::Json& work, const FinetuneProgress& progress);
codec::JsonArray checkpoint_list(const FinetuneRecord& record,
                                 const codec::Json& work,
                                 const FinetuneProgress& progress);

}  // namespace vcity::gateway
