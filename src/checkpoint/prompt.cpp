// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/prompt.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace vcity::checkpoint {
namespace {

constexpr std::array<std::pair<std::string_view, ChatForm>, 4> kMarkers{{
    {"<|im_start|>", ChatForm::kChatMl},
    {"<|start_header_id|>", ChatForm::kLlama3},
    {"[INST]", ChatForm::kLlama2},
    {"<|assistant|>", ChatForm::kTurnTokens},
}};

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Appends control tokens and texts to a prompt.
class Writer {
  public:
    explicit Writer(const Tokenizer& tokenizer) : tokenizer_{&tokenizer} {}

    Result<void> control(std::string_view name) {
        const auto id = tokenizer_->special(name);
        if (!id) return make_error(Errc::kInvalid, "the tokenizer has no token " + std::string{name});
        out_.push_back(*id);
        return {};
    }
    Result<void> text(std::string_view text) {
        TRY(const auto ids, tokenizer_->encode(text));
        out_.insert(out_.end(), ids.begin(), ids.end());
        return {};
    }
    void token(const std::optional<std::uint32_t>& id) {
        if (id) out_.push_back(*id);
    }
    std::vector<std::uint32_t> take() { return std::move(out_); }

  private:
    const Tokenizer* tokenizer_;
    std::vector<std::uint32_t> out_;
};

// A system message has no place in this form and is left out: the model never saw one.
Result<void> write_turn_tokens(const ModelRequest& request, const PromptRules& rules, Writer* out) {
    out->token(rules.begin);
    for (const ChatMessage& message : request.messages) {
        if (message.role == "system") continue;
        const bool assistant = message.role == "assistant";
        TRY_OK(out->control(assistant ? "<|assistant|>" : "<|user|>"));
        TRY_OK(out->text(message.content));
        if (assistant) out->token(rules.end);
    }
    return out->control("<|assistant|>");
}

Result<void> write_chat_ml(const ModelRequest& request, Writer* out) {
    for (const ChatMessage& message : request.messages) {
        TRY_OK(out->control("<|im_start|>"));
        TRY_OK(out->text(message.role + "\n" + message.content));
        TRY_OK(out->control("<|im_end|>"));
        TRY_OK(out->text("\n"));
    }
    TRY_OK(out->control("<|im_start|>"));
    return out->text("assistant\n");
}

Result<void> write_llama3(const ModelRequest& request, const PromptRules& rules, Writer* out) {
    const auto header = [&](std::string_view role) -> Result<void> {
        TRY_OK(out->control("<|start_header_id|>"));
        TRY_OK(out->text(role));
        TRY_OK(out->control("<|end_header_id|>"));
        return {};
    };
    out->token(rules.begin);
    for (const ChatMessage& message : request.messages) {
        TRY_OK(header(message.role));
        TRY_OK(out->text("\n\n" + std::string{trim(message.content)}));
        TRY_OK(out->control("<|eot_id|>"));
    }
    TRY_OK(header("assistant"));
    return out->text("\n\n");
}

// The first system message is put into the first user turn, as Llama 2 was trained.
Result<void> write_llama2(const ModelRequest& request, const PromptRules& rules, Writer* out) {
    std::string system;
    for (const ChatMessage& message : request.messages) {
        const std::string content{trim(message.content)};
        if (message.role == "system") {
            system = "<<SYS>>\n" + content + "\n<</SYS>>\n\n";
        } else if (message.role == "user") {
            out->token(rules.begin);
            TRY_OK(out->text("[INST] " + std::exchange(system, {}) + content + " [/INST]"));
        } else {
            TRY_OK(out->text(content));
            out->token(rules.end);
        }
    }
    return {};
}

Result<void> write_chat(const ModelRequest& request, const PromptRules& rules, Writer* out) {
    switch (*rules.chat) {
        case ChatForm::kTurnTokens: return write_turn_tokens(request, rules, out);
        case ChatForm::kChatMl: return write_chat_ml(request, out);
        case ChatForm::kLlama2: return write_llama2(request, rules, out);
        case ChatForm::kLlama3: return write_llama3(request, rules, out);
    }
    return {};
}

std::string token_name(const codec::Json& config, std::string_view field) {
    const codec::Json* json = config.find(field);
    if (json != nullptr && json->is_object()) json = json->find("content");
    return json == nullptr || json->get_string() == nullptr ? std::string{} : *json->get_string();
}

}  // namespace

std::string_view to_string(ChatForm form) {
    switch (form) {
        case ChatForm::kTurnTokens: return "turn-tokens";
        case ChatForm::kChatMl: return "chatml";
        case ChatForm::kLlama2: return "llama2";
        case ChatForm::kLlama3: return "llama3";
    }
    return "";
}

Result<PromptRules> parse_prompt_rules(const codec::Json& config, const Tokenizer& tokenizer) {
    PromptRules rules;
    rules.begin = tokenizer.special(token_name(config, "bos_token"));
    rules.end = tokenizer.special(token_name(config, "eos_token"));
    const codec::Json* add = config.find("add_bos_token");
    rules.begin_on_text = add == nullptr || add->get_bool() == nullptr || *add->get_bool();
    const codec::Json* field = config.find("chat_template");
    if (field == nullptr || field->is_null()) return rules;
    const std::string* text = field->get_string();
    if (text == nullptr) return make_error(Errc::kInvalid, "tokenizer_config.json: chat_template must be one text");
    for (const auto& [marker, form] : kMarkers) {
        if (text->find(marker) == std::string::npos) continue;
        rules.chat = form;
        return rules;
    }
    return make_error(Errc::kInvalid, "tokenizer_config.json: this kind of chat_template is not supported");
}

Result<std::vector<std::uint32_t>> encode_prompt(const ModelRequest& request,
                                                 const Tokenizer& tokenizer,
                                                 const PromptRules& rules) {
    Writer out{tokenizer};
    if (request.messages.empty()) {
        if (rules.begin_on_text) out.token(rules.begin);
        TRY_OK(out.text(request.prompt));
        return out.take();
    }
    if (!rules.chat) return make_error(Errc::kInvalid, "this model has no chat template; send a plain prompt");
    for (const ChatMessage& message : request.messages) {
        if (message.role != "system" && message.role != "user" && message.role != "assistant") {
            return make_error(Errc::kInvalid, "messages: role must be system, user or assistant");
        }
    }
    TRY_OK(write_chat(request, rules, &out));
    return out.take();
}

Result<std::uint64_t> output_tokens_limit(const ModelConfig& config,
                                          std::uint64_t prompt_tokens,
                                          std::uint64_t output_tokens_max) {
    if (prompt_tokens >= config.max_positions) {
        return make_error(Errc::kInvalid, "the prompt has " + std::to_string(prompt_tokens) +
                                              " tokens, the model takes " + std::to_string(config.max_positions) +
                                              " with the answer");
    }
    return std::min(output_tokens_max, config.max_positions - prompt_tokens);
}

}  // namespace vcity::checkpoint
