// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/batches/batch_input.hpp"

#include <fmt/format.h>

namespace vcity::gateway {
namespace {

using codec::Json;

constexpr std::size_t kIdBytesMax = 512;

BatchFault fault(std::string code, std::string message, std::string param) {
    return {.code = std::move(code), .message = std::move(message), .param = std::move(param), .line = 0};
}

const std::string* text_of(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    return value == nullptr ? nullptr : value->get_string();
}

}  // namespace

std::variant<BatchRequest, BatchFault> parse_batch_line(std::string_view line,
                                                        std::string_view endpoint,
                                                        const RequestLimits& limits) {
    const Result<Json> json = codec::parse_json(line);
    if (!json || !json->is_object()) return fault("invalid_json_line", "this line is not a JSON object", "");
    for (const auto& [name, value] : *json->get_object()) {
        const bool is_known = name == "custom_id" || name == "method" || name == "url" || name == "body";
        if (!is_known) return fault("unknown_parameter", "a request has custom_id, method, url and body", "");
    }
    const std::string* id = text_of(*json, "custom_id");
    if (id == nullptr || id->empty() || id->size() > kIdBytesMax) {
        return fault("invalid_custom_id", fmt::format("'custom_id' must be a text of 1 to {} bytes", kIdBytesMax),
                     "custom_id");
    }
    const std::string* method = text_of(*json, "method");
    if (method == nullptr || *method != "POST") return fault("invalid_method", "'method' must be POST", "method");
    const std::string* url = text_of(*json, "url");
    if (url == nullptr || *url != endpoint) {
        return fault("mismatched_endpoint", fmt::format("'url' must be {}, as the batch says", endpoint), "url");
    }
    const Json* body = json->find("body");
    if (body == nullptr || !body->is_object()) return fault("invalid_body", "'body' must be an object", "body");
    ApiResult<GenerationRequest> request = endpoint == "/v1/chat/completions" ? parse_chat_request(*body, limits)
                                                                              : parse_completion_request(*body, limits);
    if (!request) {
        const std::string param = request.error().param.empty() ? "body" : "body." + request.error().param;
        return fault(std::string{spec_of(request.error().code).name}, request.error().message, param);
    }
    if (request->stream) return fault("invalid_value", "a request of a batch is not streamed", "body.stream");
    return BatchRequest{.custom_id = *id, .request = *std::move(request)};
}

void BatchScanner::add(BatchFault found) {
    found.line = number_;
    if (!is_hopeless()) faults_.push_back(std::move(found));
}

void BatchScanner::feed(std::string_view piece) {
    while (!piece.empty() && !is_hopeless()) {
        const std::size_t end = piece.find('\n');
        const std::string_view part = piece.substr(0, end);
        if (line_.size() + part.size() > limits_.line_bytes_max) is_too_long_ = true;
        if (!is_too_long_) line_ += part;
        const std::size_t taken = end == std::string_view::npos ? piece.size() : end + 1;
        read_ += taken;
        piece.remove_prefix(taken);
        if (end != std::string_view::npos) end_line();
    }
}

void BatchScanner::end_line() {
    ++number_;
    const std::uint64_t offset = std::exchange(offset_, read_);
    const std::string line = std::exchange(line_, {});
    if (std::exchange(is_too_long_, false)) {
        return add(fault("line_too_long", fmt::format("a line has {} bytes at most", limits_.line_bytes_max), ""));
    }
    if (line.find_first_not_of(" \t\r") == std::string::npos) return;
    if (lines_.size() == limits_.requests_max) {
        add(fault("too_many_requests", fmt::format("a batch has {} requests at most", limits_.requests_max), ""));
        limits_.faults_max = faults_.size();
        return;
    }
    const auto parsed = parse_batch_line(line, endpoint_, requests_);
    if (const auto* wrong = std::get_if<BatchFault>(&parsed)) return add(*wrong);
    const auto& request = std::get<BatchRequest>(parsed);
    if (!ids_.insert(request.custom_id).second) {
        return add(fault("duplicate_custom_id", "this custom_id stands in an earlier line, too", "custom_id"));
    }
    lines_.push_back({.offset = offset, .bytes = static_cast<std::uint32_t>(line.size())});
}

void BatchScanner::finish() {
    if (!line_.empty() || is_too_long_) end_line();
    number_ = 0;
    if (lines_.empty() && faults_.empty()) add(fault("empty_file", "the file has no requests", ""));
    ids_.clear();
}

std::string answer_line(std::string_view batch,
                        std::size_t index,
                        const std::string& custom_id,
                        unsigned status,
                        const std::string& request_id,
                        Json body) {
    return codec::dump_json(codec::JsonObject{
               {"id", fmt::format("batch_req_{}_{}", batch.substr(6), index)},
               {"custom_id", custom_id},
               {"response",
                codec::JsonObject{{"status_code", status}, {"request_id", request_id}, {"body", std::move(body)}}},
               {"error", nullptr}}) +
           "\n";
}

std::string failure_line(std::string_view batch,
                         std::size_t index,
                         const std::string& custom_id,
                         std::string_view code,
                         std::string_view message) {
    return codec::dump_json(codec::JsonObject{{"id", fmt::format("batch_req_{}_{}", batch.substr(6), index)},
                                              {"custom_id", custom_id},
                                              {"response", nullptr},
                                              {"error", codec::JsonObject{{"code", code}, {"message", message}}}}) +
           "\n";
}

}  // namespace vcity::gateway
