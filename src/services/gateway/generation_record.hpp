// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "codec/json.hpp"
#include "services/gateway/api/answers.hpp"
#include "services/gateway/job_progress.hpp"

namespace vcity::gateway {

// Everything one generation left behind, for GET /v1/generation (docs/api/generation.md).
struct GenerationFacts {
    AnswerIdentity identity;
    const JobOrder* order = nullptr;
    const JobProgress* progress = nullptr;
    AnswerBill bill;
    bool streamed = false;
    bool cancelled = false;  // the client went away
    std::string request_id;
    double latency_ms = 0;                 // to the end
    std::optional<double> first_token_ms;  // none: no token came
};

codec::Json generation_json(const GenerationFacts& facts);
// All fields a person needs to check the receipt: amounts in micro-dollars, bytes in hex.
codec::Json receipt_json(const SignedReceipt& receipt);
// Adds what the scheduler knows of the job by now: its state, the verdict, its place in a batch.
void add_status(const JobStatusReply& status, codec::Json* json);

}  // namespace vcity::gateway
