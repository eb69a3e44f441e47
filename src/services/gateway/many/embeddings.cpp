// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/many/embeddings.hpp"

#include <cmath>
#include <cstring>
#include <utility>

#include "codec/base64.hpp"
#include "services/gateway/api/request_fields.hpp"
#include "services/gateway/many/branches.hpp"

namespace vcity::gateway {
namespace {

constexpr std::size_t kInputsMax = 2'048;
constexpr std::size_t kVectorBytesMax = 1U << 20U;

Refusal read_inputs(const codec::Json& value, const RequestLimits& limits, std::vector<std::string>* out) {
    codec::JsonArray items;
    if (value.is_string()) items.push_back(value);
    if (const codec::JsonArray* list = value.get_array()) items = *list;
    if (items.empty() || items.size() > kInputsMax) {
        return fields::refusal(ErrorCode::kInvalidValue, "input",
                               "'input' must be a text or a list of 1 to 2048 texts");
    }
    std::size_t bytes = 0;
    for (const codec::Json& item : items) {
        const std::string* text = item.get_string();
        if (text == nullptr) {
            return fields::refusal(ErrorCode::kUnsupportedParameter, "input",
                                   "'input' must hold texts: token ids are not supported");
        }
        if (text->empty()) return fields::refusal(ErrorCode::kInvalidValue, "input", "'input' has an empty text");
        bytes += text->size();
        if (bytes > limits.prompt_bytes_max) {
            return fields::refusal(ErrorCode::kRequestTooLarge, "input", "the inputs are too long together");
        }
        out->push_back(*text);
    }
    return std::nullopt;
}

Refusal read_own(const std::string& name, const codec::Json& value, EmbeddingRequest* out) {
    if (name == "encoding_format") {
        const std::string* text = value.get_string();
        if (text == nullptr || (*text != "float" && *text != "base64")) {
            return fields::refusal(ErrorCode::kInvalidValue, name, "'encoding_format' must be float or base64");
        }
        out->as_base64 = *text == "base64";
        return std::nullopt;
    }
    std::uint64_t number = 0;
    if (!value.get_u64(&number) || number == 0 || number > kVectorBytesMax) {
        return fields::refusal(ErrorCode::kInvalidValue, name, "'dimensions' must be a positive integer");
    }
    out->dimensions = static_cast<std::uint32_t>(number);
    return std::nullopt;
}

ApiError failure(std::string message) {
    ApiError error;
    error.code = ErrorCode::kProviderFailed;
    error.message = std::move(message);
    return error;
}

codec::Json vector_json(const std::vector<float>& vector, bool as_base64) {
    if (as_base64) {
        Bytes bytes(vector.size() * sizeof(float));
        std::memcpy(bytes.data(), vector.data(), bytes.size());
        return codec::to_base64(bytes);
    }
    codec::JsonArray numbers;
    for (const float value : vector) numbers.push_back(double{value});
    return numbers;
}

}  // namespace

ApiResult<EmbeddingRequest> parse_embedding_request(const codec::Json& body, const RequestLimits& limits) {
    const codec::JsonObject* object = body.get_object();
    if (object == nullptr) return *fields::refusal(ErrorCode::kInvalidType, "", "the body must be a JSON object");
    EmbeddingRequest request;
    fields::Draft draft;
    draft.limits = limits;
    std::vector<std::string> inputs;
    for (const auto& [name, value] : *object) {
        if (value.is_null()) continue;
        Refusal refused;
        if (name == "input") {
            refused = read_inputs(value, limits, &inputs);
        } else if (name == "encoding_format" || name == "dimensions") {
            refused = read_own(name, value, &request);
        } else if (name == "model") {
            refused = fields::read_model(value, name, &draft);
        } else if (name == "provider") {
            refused = fields::read_provider(value, name, &draft);
        } else if (name == "user") {
            refused = fields::ignore_text(value, name, &draft);
        } else {
            refused =
                fields::refusal(ErrorCode::kUnknownParameter, name, "unknown parameter '" + name.substr(0, 64) + "'");
        }
        if (refused) return *std::move(refused);
    }
    if (draft.request.call.model.empty()) {
        return *fields::refusal(ErrorCode::kMissingParameter, "model", "missing required parameter 'model'");
    }
    if (inputs.empty()) {
        return *fields::refusal(ErrorCode::kMissingParameter, "input", "missing required parameter 'input'");
    }
    draft.request.endpoint = Endpoint::kEmbeddings;
    draft.request.call.answer = AnswerKind::kEmbedding;
    draft.request.call.output_tokens_max = 1;
    for (std::string& input : inputs) {
        draft.request.call.prompt = std::move(input);
        request.inputs.push_back(draft.request);
    }
    return request;
}

std::optional<std::vector<float>> cut_embedding(std::string_view base64, std::uint32_t dimensions) {
    const Result<Bytes> bytes = codec::parse_base64(base64, codec::Base64Alphabet::kStandard, kVectorBytesMax);
    if (!bytes || bytes->empty() || bytes->size() % sizeof(float) != 0) return std::nullopt;
    std::vector<float> vector(bytes->size() / sizeof(float));
    std::memcpy(vector.data(), bytes->data(), bytes->size());
    if (dimensions == 0 || dimensions == vector.size()) return vector;
    if (dimensions > vector.size()) return std::nullopt;
    vector.resize(dimensions);
    double squares = 0;
    for (const float value : vector) squares += double{value} * double{value};
    if (!(squares > 0)) return std::nullopt;
    for (float& value : vector) value = static_cast<float>(double{value} / std::sqrt(squares));
    return vector;
}

Task<ApiResult<ports::HttpResponse>> answer_embeddings(
    const Shared* shared, Exchange* exchange, KeyRecord key, EmbeddingRequest request, DeliveryLog* deliveries) {
    const std::string model = request.inputs.front().call.model;
    const std::size_t count = request.inputs.size();
    Branches branches{shared, exchange, std::move(key), std::move(request.inputs)};
    branches.set_deliveries(deliveries);
    const std::vector<ports::HttpResponse> answers = co_await branches.collect();
    if (!answers.empty() && answers.front().status != 200) co_return answers.front();
    if (answers.size() != count) co_return failure("the client has gone");
    codec::JsonArray data;
    codec::JsonArray networks;
    codec::Json usage;
    for (const ports::HttpResponse& answer : answers) {
        const Result<codec::Json> json = codec::parse_json(answer.body);
        const codec::Json* text = json ? json->find("embedding") : nullptr;
        if (text == nullptr || text->get_string() == nullptr) co_return failure("the node sent no vector");
        const auto vector = cut_embedding(*text->get_string(), request.dimensions);
        if (!vector) {
            ApiError error = failure("the model's vectors have fewer dimensions");
            error.code = ErrorCode::kInvalidValue;
            error.param = "dimensions";
            co_return error;
        }
        data.push_back(codec::JsonObject{{"object", "embedding"},
                                         {"index", static_cast<std::uint64_t>(data.size())},
                                         {"embedding", vector_json(*vector, request.as_base64)}});
        if (const codec::Json* one = json->find("usage")) usage = add_usage(usage, *one);
        if (const codec::Json* network = json->find("vcity")) networks.push_back(*network);
    }
    ports::HttpResponse response;
    response.headers = answers.front().headers;
    if (const codec::Json* cost = usage.find("cost_usd")) response.headers.set("x-cost", *cost->get_string());
    response.body = codec::dump_json(codec::JsonObject{{"object", "list"},
                                                       {"data", std::move(data)},
                                                       {"model", model},
                                                       {"usage", std::move(usage)},
                                                       {"vcity", codec::JsonObject{{"inputs", std::move(networks)}}}});
    co_return response;
}

}  // namespace vcity::gateway
