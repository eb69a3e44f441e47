// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/amount.hpp"
#include "codec/json.hpp"
#include "services/gateway/api/api_error.hpp"

namespace vcity::gateway {

// What a client asks for with POST /v1/fine_tuning/jobs: OpenAI's fields, and ours for money and machine.
struct FinetuneRequest {
    std::string model;  // "OWNER/NAME" or "NAME" of a base model
    std::string training_file;
    std::string validation_file;  // empty: the worker holds a tenth of the training file out
    std::string suffix;
    std::uint32_t seed = 1;
    // "auto" or absent: none.
    std::optional<std::uint32_t> epochs;
    std::optional<std::uint32_t> batch;
    std::optional<double> rate_multiplier;
    codec::Json metadata;
    // Not OpenAI's.
    Usd budget;  // zero: what the gateway has for those who name none
    std::uint32_t rank = 8;
    std::uint32_t alpha = 16;
    std::uint32_t seconds_max = 3600;
    std::uint32_t deadline_minutes = 24 * 60;
    codec::Json resources;  // of a step, see docs/api/jobs.md; null: one core, 2 GiB of memory and of disk

    // What nodes call the model's folder.
    std::string folder() const { return model.substr(model.find('/') + 1); }
    std::uint32_t epochs_used() const { return epochs.value_or(3); }
    std::uint32_t batch_used() const { return batch.value_or(8); }
    double rate_used() const { return rate_multiplier.value_or(1.0); }
};

// Refusals name the field. Only supervised fine-tuning, and no integrations. Files are only named here, not looked for.
ApiResult<FinetuneRequest> parse_finetune_request(const codec::Json& body);

// The body of POST /v1/jobs that runs it: one step with the program "finetune".
codec::Json finetune_order(const FinetuneRequest& request);

}  // namespace vcity::gateway
