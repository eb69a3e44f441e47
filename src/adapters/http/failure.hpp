// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ports/http.hpp"

namespace vcity::adapters {

// Why a request never reached the handler. The texts are ours and fixed: nothing of the request is in them.
struct HttpFailure {
    unsigned status = 400;
    const char* code = "";     // stable, snake_case
    const char* message = "";  // for people
};

// The error object that OpenAI's clients understand.
ports::HttpResponse openai_failure(const HttpFailure& failure);

}  // namespace vcity::adapters
