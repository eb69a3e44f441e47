// SPDX-License-Identifier: Apache-2.0
#include "vcity/client.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "adapters/http/client.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "codec/base64.hpp"
#include "codec/json.hpp"
#include "codec/url.hpp"
#include "event_lines.hpp"

namespace vcity::sdk {
namespace {

using codec::Json;

constexpr std::size_t kRefusalBytesMax = 1U << 20U;
constexpr std::chrono::milliseconds kBetweenQuestions{250};
// What may stand in a path without being written as %XX.
constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

std::string text_member(const Json& object, std::string_view name) {
    const Json* member = object.find(name);
    return member == nullptr || member->get_string() == nullptr ? std::string{} : *member->get_string();
}

std::uint64_t count_member(const Json* object, std::string_view name) {
    const Json* member = object == nullptr ? nullptr : object->find(name);
    std::uint64_t value = 0;
    return member != nullptr && member->get_u64(&value) ? value : 0;
}

Failure own_failure(std::string code, std::string message) {
    return {.status = 0, .code = std::move(code), .message = std::move(message)};
}

Failure to_failure(const Error& error) {
    switch (error.code) {
        case Errc::kInvalid: return own_failure("invalid_argument", error.message);
        case Errc::kTimeout: return own_failure("timeout", error.message);
        case Errc::kCorrupt:
        case Errc::kExhausted: return own_failure("bad_answer", error.message);
        default: return own_failure("unreachable", error.message);
    }
}

Failure refusal(unsigned status, std::string_view body, std::string_view request_id) {
    Failure failure{.status = status, .code = "bad_answer", .message = "", .request_id = std::string{request_id}};
    const auto json = codec::parse_json(body);
    if (const Json* error = json ? json->find("error") : nullptr; error != nullptr) {
        failure.code = text_member(*error, "code");
        failure.message = text_member(*error, "message");
    }
    if (failure.message.empty()) failure.message = fmt::format("the gateway answered {}", status);
    return failure;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char letter : text) {
        if (kPlain.find(letter) != std::string_view::npos) {
            out += letter;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(letter));
        }
    }
    return out;
}

Json chat_body(const ChatRequest& request, bool stream) {
    codec::JsonArray messages;
    for (const Message& message : request.messages) {
        messages.push_back(Json{codec::JsonObject{{"role", message.role}, {"content", message.content}}});
    }
    Json body{codec::JsonObject{{"model", request.model}, {"messages", std::move(messages)}}};
    if (request.tokens_max) body.set("max_tokens", static_cast<std::uint64_t>(*request.tokens_max));
    if (request.temperature) body.set("temperature", *request.temperature);
    if (request.seed) body.set("seed", *request.seed);
    if (!stream) return body;
    body.set("stream", true);
    body.set("stream_options", codec::JsonObject{{"include_usage", true}});
    return body;
}

// Takes what an answer, or one event of a stream, says; gives the text that it adds.
std::string take_chat(const Json& json, const char* part, ChatAnswer* answer) {
    if (answer->id.empty()) answer->id = text_member(json, "id");
    if (answer->model.empty()) answer->model = text_member(json, "model");
    if (const Json* usage = json.find("usage"); usage != nullptr && usage->is_object()) {
        answer->prompt_tokens = count_member(usage, "prompt_tokens");
        answer->completion_tokens = count_member(usage, "completion_tokens");
    }
    const Json* choices = json.find("choices");
    if (choices == nullptr || choices->get_array() == nullptr || choices->get_array()->empty()) return {};
    const Json& choice = choices->get_array()->front();
    if (std::string reason = text_member(choice, "finish_reason"); !reason.empty()) {
        answer->finish_reason = std::move(reason);
    }
    const Json* message = choice.find(part);
    std::string text = message == nullptr ? std::string{} : text_member(*message, "content");
    answer->text += text;
    return text;
}

Outcome<Job> to_job(std::string text) {
    const auto json = codec::parse_json(text);
    if (!json) return own_failure("bad_answer", json.error().message);
    Job job{.id = text_member(*json, "id"),
            .state = text_member(*json, "state"),
            .charged = text_member(*json, "charged"),
            .json = std::move(text)};
    if (job.id.empty() || job.state.empty()) return own_failure("bad_answer", "the gateway sent no job");
    return job;
}

// A stream of chat events while it is read.
struct ChatStream {
    const std::function<bool(std::string_view)>* on_text = nullptr;
    ChatAnswer answer;
    EventLines lines;
    bool is_over = false;

    // The failure that an event, or what is no event, tells of.
    std::optional<Failure> take(std::string_view piece) {
        if (!lines.add(piece)) return own_failure("bad_answer", "the gateway sends lines without end");
        while (const std::optional<std::string> data = lines.next()) {
            if (*data == "[DONE]") {
                is_over = true;
                return std::nullopt;
            }
            const auto event = codec::parse_json(*data);
            if (!event) return own_failure("bad_answer", event.error().message);
            if (event->find("error") != nullptr) return refusal(200, *data, "");
            const std::string text = take_chat(*event, "delta", &answer);
            if (!text.empty() && !(*on_text)(text)) {
                is_over = true;
                return std::nullopt;
            }
        }
        return std::nullopt;
    }
};

}  // namespace

struct Client::Impl {
    explicit Impl(Settings given) : settings{std::move(given)} {}

    Settings settings;
    // One thread of a caller drives everything; nothing is computed elsewhere.
    adapters::AsioRuntime runtime{{.compute_threads = 1}};
    std::unique_ptr<ports::HttpClient> http;

    ports::HttpRequest request(std::string_view method, std::string_view path, std::string body) const {
        ports::HttpRequest result;
        result.method = std::string{method};
        result.target = settings.gateway + std::string{path};
        result.body = std::move(body);
        if (!settings.key.empty()) result.headers.set("Authorization", "Bearer " + settings.key);
        if (!result.body.empty()) result.headers.set("Content-Type", "application/json");
        result.headers.set("User-Agent", "vcity-cpp");
        return result;
    }

    TimePoint deadline() const { return runtime.now() + settings.patience; }

    template <class T>
    static Task<int> keep(Task<T> task, std::optional<T>* out) {
        T result = co_await std::move(task);
        out->emplace(std::move(result));
        co_return 0;
    }

    template <class T>
    T run(Task<T> task) {
        std::optional<T> result;
        runtime.run_to_completion(keep(std::move(task), &result));
        if (!result) return own_failure("unreachable", "the process was told to end");
        return *std::move(result);
    }

    Task<Outcome<std::string>> exchange(ports::HttpRequest outgoing) {
        const auto answer = co_await http->send(std::move(outgoing), deadline());
        if (!answer) co_return to_failure(answer.error());
        if (answer->status < 200 || answer->status > 299) {
            co_return refusal(answer->status, answer->body, answer->headers.get("x-request-id"));
        }
        co_return answer->body;
    }

    Outcome<std::string> call(std::string_view method, std::string_view path, std::string body) {
        return run(exchange(request(method, path, std::move(body))));
    }

    // The head of a stream is there; what is no stream is its refusal.
    Task<Outcome<ChatAnswer>> stream(ports::HttpRequest outgoing, ChatStream state) {
        const TimePoint until = deadline();
        const auto opened = co_await http->open(std::move(outgoing), until);
        if (!opened) co_return to_failure(opened.error());
        const ports::HttpResponse& head = (*opened)->head();
        std::string refused;
        while (!state.is_over) {
            const auto piece = co_await (*opened)->read(until);
            if (!piece) co_return to_failure(piece.error());
            if (head.status != 200) {
                refused += *piece;
                if (!piece->empty() && refused.size() <= kRefusalBytesMax) continue;
                co_return refusal(head.status, refused, head.headers.get("x-request-id"));
            }
            if (piece->empty()) co_return own_failure("broken_stream", "the answer broke off before its end");
            if (auto failure = state.take(*piece)) co_return *std::move(failure);
        }
        co_return std::move(state.answer);
    }

    Task<Outcome<int>> pause() {
        co_await runtime.sleep_until(runtime.now() + kBetweenQuestions);
        co_return 0;
    }
};

Outcome<Client> Client::make(Settings settings) {
    while (settings.gateway.ends_with('/')) settings.gateway.pop_back();
    const auto url = codec::parse_url(settings.gateway + "/");
    if (!url) return own_failure("invalid_argument", "the gateway's address: " + url.error().message);
    const auto is_bad = [](char letter) { return letter < 0x21 || letter > 0x7E; };
    if (std::ranges::any_of(settings.key, is_bad)) {
        return own_failure("invalid_argument", "the key holds characters that no key has");
    }
    auto impl = std::make_unique<Impl>(std::move(settings));
    adapters::HttpClientOptions options;
    options.authorities_file = impl->settings.authorities_file;
    auto http = adapters::BeastHttpClient::make(&impl->runtime, options);
    if (!http) return to_failure(http.error());
    impl->http = *std::move(http);
    return Client{std::move(impl)};
}

Client::Client(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Outcome<std::vector<std::string>> Client::models() {
    const auto body = impl_->call("GET", "/v1/models", "");
    if (!body) return body.failure();
    const auto json = codec::parse_json(*body);
    const Json* data = json ? json->find("data") : nullptr;
    if (data == nullptr || data->get_array() == nullptr) {
        return own_failure("bad_answer", "the gateway sent no list of models");
    }
    std::vector<std::string> ids;
    for (const Json& model : *data->get_array()) ids.push_back(text_member(model, "id"));
    return ids;
}

Outcome<ChatAnswer> Client::chat(const ChatRequest& request) {
    auto outgoing = impl_->request("POST", "/v1/chat/completions", codec::dump_json(chat_body(request, false)));
    if (!request.idempotency_key.empty()) outgoing.headers.set("Idempotency-Key", request.idempotency_key);
    const auto body = impl_->run(impl_->exchange(std::move(outgoing)));
    if (!body) return body.failure();
    const auto json = codec::parse_json(*body);
    if (!json) return own_failure("bad_answer", json.error().message);
    ChatAnswer answer;
    take_chat(*json, "message", &answer);
    if (answer.id.empty()) return own_failure("bad_answer", "the gateway sent no answer of a model");
    return answer;
}

Outcome<ChatAnswer> Client::chat(const ChatRequest& request, const std::function<bool(std::string_view)>& on_text) {
    auto outgoing = impl_->request("POST", "/v1/chat/completions", codec::dump_json(chat_body(request, true)));
    if (!request.idempotency_key.empty()) outgoing.headers.set("Idempotency-Key", request.idempotency_key);
    ChatStream state;
    state.on_text = &on_text;
    return impl_->run(impl_->stream(std::move(outgoing), std::move(state)));
}

Outcome<std::string> Client::generation(std::string_view id) {
    return impl_->call("GET", "/v1/generation?id=" + escaped(id), "");
}

Outcome<Job> Client::submit(std::string_view spec_json, std::string_view idempotency_key) {
    auto outgoing = impl_->request("POST", "/v1/jobs", std::string{spec_json});
    if (!idempotency_key.empty()) outgoing.headers.set("Idempotency-Key", std::string{idempotency_key});
    auto body = impl_->run(impl_->exchange(std::move(outgoing)));
    return body ? to_job(std::move(body).value()) : Outcome<Job>{body.failure()};
}

Outcome<Job> Client::job(std::string_view id) {
    auto body = impl_->call("GET", "/v1/jobs/" + escaped(id), "");
    return body ? to_job(std::move(body).value()) : Outcome<Job>{body.failure()};
}

Outcome<Job> Client::cancel(std::string_view id) {
    auto body = impl_->call("DELETE", "/v1/jobs/" + escaped(id), "");
    return body ? to_job(std::move(body).value()) : Outcome<Job>{body.failure()};
}

Outcome<Job> Client::wait(std::string_view id, std::chrono::milliseconds patience) {
    const TimePoint until = impl_->runtime.now() + patience;
    while (true) {
        auto found = job(id);
        if (!found || found->is_over()) return found;
        if (impl_->runtime.now() >= until) return own_failure("timeout", "the job has not ended yet");
        if (const auto paused = impl_->run(impl_->pause()); !paused) return paused.failure();
    }
}

Outcome<JobOutput> Client::output(std::string_view id, std::string_view step, std::uint64_t offset) {
    const std::string path = fmt::format("/v1/jobs/{}/logs?step={}&offset={}", escaped(id), escaped(step), offset);
    const auto body = impl_->call("GET", path, "");
    if (!body) return body.failure();
    const auto json = codec::parse_json(*body);
    const Json* end = json ? json->find("end") : nullptr;
    if (end == nullptr || end->get_bool() == nullptr) return own_failure("bad_answer", "the gateway sent no output");
    JobOutput output{.bytes = text_member(*json, "data"),
                     .next_offset = count_member(&*json, "next_offset"),
                     .end = *end->get_bool()};
    if (text_member(*json, "encoding") == "base64") {
        const auto bytes = codec::parse_base64(output.bytes, codec::Base64Alphabet::kStandard);
        if (!bytes) return own_failure("bad_answer", bytes.error().message);
        output.bytes.assign(bytes->begin(), bytes->end());
    }
    return output;
}

Outcome<Deployment> Client::deployment() {
    const auto body = impl_->call("GET", "/api/v1/network", "");
    if (!body) return body.failure();
    const auto json = codec::parse_json(*body);
    const Json* contracts = json ? json->find("contracts") : nullptr;
    if (contracts == nullptr) return own_failure("bad_answer", "the gateway names no contracts");
    return Deployment{.chain_id = count_member(&*json, "chain_id"),
                      .settlement = text_member(*contracts, "Settlement")};
}

Outcome<std::string> Client::call(std::string_view method, std::string_view path, std::string_view body) {
    if (!path.starts_with('/')) return own_failure("invalid_argument", "a path begins with /");
    return impl_->call(method, path, std::string{body});
}

}  // namespace vcity::sdk
