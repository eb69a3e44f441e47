// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace vcity::gateway {

// The one step of a fine-tuning job, and its files under /job.
inline constexpr std::string_view kFinetuneStep = "main";
inline constexpr std::string_view kTrainName = "train.jsonl";
inline constexpr std::string_view kValidName = "valid.jsonl";

}  // namespace vcity::gateway
