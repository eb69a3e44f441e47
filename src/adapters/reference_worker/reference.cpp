// SPDX-License-Identifier: Apache-2.0
#include "adapters/reference_worker/reference.hpp"

#include <cmath>

#include "codec/hex.hpp"
#include "codec/json.hpp"

namespace vcity::adapters {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

constexpr std::size_t kLineBytesMax = 8U << 20U;
constexpr std::size_t kReadBytes = 64U << 10U;

Json hex_json(const std::string& bytes) {
    return Json{codec::to_hex(as_bytes(bytes))};
}

std::string line_of(const ports::ReferenceQuestion& question) {
    Json json{JsonObject{}};
    if (question.messages.empty()) {
        json.set("prompt", question.prompt);
    } else {
        JsonArray messages;
        for (const ports::ReferenceMessage& message : question.messages) {
            Json one{JsonObject{}};
            one.set("role", message.role);
            one.set("content", message.content);
            messages.push_back(std::move(one));
        }
        json.set("messages", std::move(messages));
    }
    JsonArray tokens;
    for (const ports::ReferenceToken& token : question.tokens) {
        JsonArray alternatives;
        for (const std::string& bytes : token.alternatives) alternatives.push_back(hex_json(bytes));
        Json one{JsonObject{}};
        one.set("bytes", hex_json(token.bytes));
        one.set("alternatives", std::move(alternatives));
        tokens.push_back(std::move(one));
    }
    json.set("tokens", std::move(tokens));
    return codec::dump_json(json) + "\n";
}

Error not_understood(const char* what) {
    return make_error(Errc::kCorrupt, std::string{"the reference's answer: "} + what);
}

Result<double> number(const Json* json) {
    double value = 0;
    if (json == nullptr || !json->get_double(&value) || !std::isfinite(value)) return not_understood("no number");
    return value;
}

Result<ports::ReferenceReading> parse_reading(const Json& json, std::size_t alternatives) {
    ports::ReferenceReading reading;
    TRY(reading.logprob, number(json.find("logprob")));
    TRY(reading.margin, number(json.find("margin")));
    const Json* list = json.find("alternatives");
    if (list == nullptr || list->get_array() == nullptr || list->get_array()->size() != alternatives) {
        return not_understood("not as many alternatives as asked");
    }
    for (const Json& one : *list->get_array()) {
        std::optional<double> value;
        if (!one.is_null()) {
            TRY(value, number(&one));
        }
        reading.alternatives.push_back(value);
    }
    return reading;
}

Result<std::vector<ports::ReferenceReading>> parse_answer(const std::string& line,
                                                          const ports::ReferenceQuestion& question) {
    const Result<Json> parsed = codec::parse_json(line, {.bytes_max = kLineBytesMax});
    if (!parsed) return not_understood("no JSON");
    const Json& json = *parsed;
    const Json* refusal = json.find("error");
    if (refusal != nullptr && refusal->get_string() != nullptr) {
        return make_error(Errc::kInvalid, "the reference cannot read it: " + *refusal->get_string());
    }
    const Json* tokens = json.find("tokens");
    if (tokens == nullptr || tokens->get_array() == nullptr) return not_understood("no list of tokens");
    if (tokens->get_array()->size() > question.tokens.size()) return not_understood("more tokens than asked");
    std::vector<ports::ReferenceReading> readings;
    for (const Json& token : *tokens->get_array()) {
        const std::size_t alternatives = question.tokens[readings.size()].alternatives.size();
        TRY(ports::ReferenceReading reading, parse_reading(token, alternatives));
        readings.push_back(std::move(reading));
    }
    return readings;
}

}  // namespace

ReferenceWorker::ReferenceWorker(Runtime* runtime, ports::Sandbox* sandbox, ReferenceWorkerOptions options)
    : runtime_{runtime}, sandbox_{sandbox}, options_{std::move(options)} {}

ReferenceWorker::~ReferenceWorker() {
    end();
}

void ReferenceWorker::end() {
    if (process_ != nullptr) process_->kill();
    process_.reset();
    buffer_.clear();
}

Task<Result<std::string>> ReferenceWorker::read_line(TimePoint deadline) {
    std::size_t searched = 0;
    for (;;) {
        const std::size_t end_of_line = buffer_.find('\n', searched);
        if (end_of_line != std::string::npos) {
            std::string line = buffer_.substr(0, end_of_line);
            buffer_.erase(0, end_of_line + 1);
            co_return line;
        }
        searched = buffer_.size();
        if (searched > kLineBytesMax) co_return not_understood("too long");
        CO_TRY(const Bytes bytes, co_await process_->read(kReadBytes, deadline));
        buffer_.append(bytes.begin(), bytes.end());
    }
}

Task<Result<void>> ReferenceWorker::start() {
    CO_TRY(process_, co_await sandbox_->start(options_.program));
    CO_TRY(const std::string hello, co_await read_line(runtime_->now() + options_.load_max));
    CO_TRY(const Json json, codec::parse_json(hello, {.bytes_max = kLineBytesMax}));
    const Json* ready = json.find("ready");
    if (ready == nullptr || ready->get_bool() == nullptr || !*ready->get_bool()) {
        co_return not_understood("it does not say that it is ready");
    }
    co_return Result<void>{};
}

Task<Result<std::string>> ReferenceWorker::ask(std::string line, TimePoint deadline) {
    if (process_ == nullptr) {
        CO_TRY_OK(co_await start());
    }
    Bytes bytes{line.begin(), line.end()};
    CO_TRY_OK(co_await process_->write(std::move(bytes)));
    co_return co_await read_line(deadline);
}

Task<Result<std::vector<ports::ReferenceReading>>> ReferenceWorker::read(ports::ReferenceQuestion question,
                                                                         TimePoint deadline) {
    Result<std::string> line = co_await ask(line_of(question), deadline);
    if (!line) {
        end();
        co_return std::move(line).error();
    }
    Result<std::vector<ports::ReferenceReading>> readings = parse_answer(*line, question);
    if (!readings && readings.error().code != Errc::kInvalid) end();
    co_return readings;
}

}  // namespace vcity::adapters
