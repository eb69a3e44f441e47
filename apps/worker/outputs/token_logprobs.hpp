// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "checkpoint/tokenizer.hpp"
#include "model/request.hpp"

namespace vcity::worker {

// log softmax of finite logits, of the chosen token and of the `top` most probable ones; of equal ones the lower ids.
TokenLogprobs token_logprobs(const checkpoint::Tokenizer& tokenizer,
                             const std::vector<float>& logits,
                             std::uint32_t chosen,
                             std::uint32_t top);

}  // namespace vcity::worker
