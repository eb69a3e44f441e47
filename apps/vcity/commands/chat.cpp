// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/command.hpp"
#include "wiring/api_client.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

struct ChatOptions {
    std::string prompt;
    std::string model;
    std::string system;
    std::uint32_t output_tokens_max = 128;
    double temperature = 0.7;
    std::int64_t seed = -1;
};

struct Answer {
    std::string id;
    std::string text;
    Json usage;
};

const Json* first_choice(const Json& event) {
    const Json* choices = event.find("choices");
    if (choices == nullptr || choices->get_array() == nullptr || choices->get_array()->empty()) return nullptr;
    return &choices->get_array()->front();
}

std::string delta_text(const Json& event) {
    const Json* choice = first_choice(event);
    const Json* delta = choice == nullptr ? nullptr : choice->find("delta");
    const Json* content = delta == nullptr ? nullptr : delta->find("content");
    return content == nullptr || content->get_string() == nullptr ? std::string{} : *content->get_string();
}

Json request_body(const ChatOptions& options, const std::string& model) {
    codec::JsonArray messages;
    const auto add = [&](const char* role, const std::string& content) {
        messages.push_back(Json{codec::JsonObject{{"role", role}, {"content", content}}});
    };
    if (!options.system.empty()) add("system", options.system);
    add("user", options.prompt);
    Json body{codec::JsonObject{}};
    body.set("model", model);
    body.set("messages", std::move(messages));
    body.set("max_tokens", static_cast<std::uint64_t>(options.output_tokens_max));
    body.set("temperature", options.temperature);
    if (options.seed >= 0) body.set("seed", options.seed);
    body.set("stream", true);
    body.set("stream_options", codec::JsonObject{{"include_usage", true}});
    return body;
}

Task<Result<std::string>> first_model(wiring::ApiClient* client) {
    CO_TRY(const Json models, co_await client->get("/v1/models"));
    const Json* list = models.find("data");
    if (list == nullptr || list->get_array() == nullptr || list->get_array()->empty()) {
        co_return make_error(Errc::kExhausted, "no node serves a model at present; try again in a moment");
    }
    const Json* id = list->get_array()->front().find("id");
    if (id == nullptr || id->get_string() == nullptr) co_return make_error(Errc::kCorrupt, "a model without an id");
    co_return *id->get_string();
}

Task<Result<Answer>> ask(wiring::ApiClient* client, ChatOptions options, bool show) {
    std::string model = options.model;
    if (model.empty()) {
        CO_TRY(model, co_await first_model(client));
    }
    Answer answer;
    auto on_event = [&answer, show](const Json& event) {
        const Json* id = event.find("id");
        if (answer.id.empty() && id != nullptr && id->get_string() != nullptr) answer.id = *id->get_string();
        const std::string text = delta_text(event);
        answer.text += text;
        if (show) {
            std::fwrite(text.data(), 1, text.size(), stdout);
            std::fflush(stdout);
        }
        const Json* usage = event.find("usage");
        if (usage != nullptr && usage->is_object()) answer.usage = *usage;
    };
    Json body = request_body(options, model);
    CO_TRY_OK(co_await client->stream("/v1/chat/completions", std::move(body), on_event));
    co_return answer;
}

std::string member_text(const Json& object, const char* name) {
    const Json* value = object.find(name);
    if (value == nullptr) return "?";
    return value->get_string() != nullptr ? *value->get_string() : codec::dump_json(*value);
}

Result<Exit> run_chat(const ChatOptions& options, Session* session) {
    adapters::AsioRuntime runtime;
    TRY(const auto client, wiring::gateway_client(&runtime, session->settings));
    const bool show = !session->output.is_json();
    TRY(const Answer answer, wiring::run_task(&runtime, ask(client.get(), options, show)));
    if (!show) {
        Json record{codec::JsonObject{}};
        record.set("id", answer.id);
        record.set("text", answer.text);
        record.set("usage", answer.usage);
        session->output.print(record);
        return Exit::kOk;
    }
    session->output.print_text("\n");
    session->output.note(fmt::format(
        "\n{} in, {} out, {} USD; `vcity job show {}` tells the rest", member_text(answer.usage, "prompt_tokens"),
        member_text(answer.usage, "completion_tokens"), member_text(answer.usage, "cost"), answer.id));
    return Exit::kOk;
}

}  // namespace

void add_chat_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<ChatOptions>();
    CLI::App* chat = root->add_subcommand("chat", "ask a model and watch the answer come");
    chat->add_option("prompt", options->prompt, "what to ask")->required();
    chat->add_option("-m,--model", options->model, "model id (default: the first one on offer)");
    chat->add_option("--system", options->system, "instructions before the conversation");
    chat->add_option("--max-tokens", options->output_tokens_max, "at most this many tokens")
        ->check(CLI::Range(1, 4096));
    chat->add_option("--temperature", options->temperature, "0 is always the likeliest token")
        ->check(CLI::Range(0.0, 2.0));
    chat->add_option("--seed", options->seed, "the same seed gives the same answer");
    commands->on(chat, [options](Session* session) { return run_chat(*options, session); });
}

}  // namespace vcity::cli
