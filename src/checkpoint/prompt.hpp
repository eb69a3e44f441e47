// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "checkpoint/model_config.hpp"
#include "checkpoint/tokenizer.hpp"
#include "codec/json.hpp"
#include "model/request.hpp"

namespace vcity::checkpoint {

// How the turns of a chat are written. A model's chat_template is a program (Jinja) that strangers wrote; it is not run
// but recognised by the markers it uses.
enum class ChatForm : std::uint8_t {
    kTurnTokens,  // <s> then <|user|>... or <|assistant|>...</s>; no system turn (this project's own models)
    kChatMl,      // <|im_start|>role\n...<|im_end|>\n
    kLlama2,      // <s>[INST] <<SYS>>...<</SYS>> ... [/INST] ... </s>
    kLlama3,      // <|begin_of_text|><|start_header_id|>role<|end_header_id|>\n\n...<|eot_id|>
};
std::string_view to_string(ChatForm form);

// What tokenizer_config.json says of prompts.
struct PromptRules {
    std::optional<ChatForm> chat;  // empty: the model cannot chat
    std::optional<std::uint32_t> begin;
    std::optional<std::uint32_t> end;  // closes an assistant's turn
    bool begin_on_text = true;         // whether a plain prompt starts with `begin`
};

// `config` is tokenizer_config.json; kInvalid for a chat template that is not one of the forms above.
Result<PromptRules> parse_prompt_rules(const codec::Json& config, const Tokenizer& tokenizer);

// The tokens a model is given for a request: the same function for the worker, which runs it, and the verifier, which
// repeats it. kInvalid for a chat with a model that cannot, an unknown role, or text that cannot be tokenised.
Result<std::vector<std::uint32_t>> encode_prompt(const ModelRequest& request,
                                                 const Tokenizer& tokenizer,
                                                 const PromptRules& rules);

// How many output tokens a request may have with a prompt of so many tokens: what it asks for or what the context
// leaves. Every token but the last is run, so prompt + output - 1 positions are needed. kInvalid when the prompt leaves
// no room.
Result<std::uint64_t> output_tokens_limit(const ModelConfig& config,
                                          std::uint64_t prompt_tokens,
                                          std::uint64_t output_tokens_max);

}  // namespace vcity::checkpoint
