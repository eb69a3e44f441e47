// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/api/request.hpp"

#include <gtest/gtest.h>

namespace vcity::gateway {
namespace {

constexpr std::string_view kMessages = R"("messages":[{"role":"user","content":"hi"}])";

ApiResult<GenerationRequest> chat(const std::string& fields) {
    const Result<codec::Json> json = codec::parse_json("{" + fields + "}");
    EXPECT_TRUE(json.has_value()) << fields;
    return parse_chat_request(*json, RequestLimits{});
}

ApiResult<GenerationRequest> good_chat_with(const std::string& fields) {
    return chat(R"("model":"m",)" + std::string{kMessages} + (fields.empty() ? "" : ",") + fields);
}

ApiResult<GenerationRequest> completion(const std::string& fields) {
    const Result<codec::Json> json = codec::parse_json("{" + fields + "}");
    EXPECT_TRUE(json.has_value()) << fields;
    return parse_completion_request(*json, RequestLimits{});
}

// "code param"
std::string refusal_of(const ApiResult<GenerationRequest>& result) {
    if (result) return "accepted";
    return std::string{spec_of(result.error().code).name} + " " + result.error().param;
}

TEST(ChatRequest, TakesTheMinimum) {
    const auto request = good_chat_with("");

    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->call.model, "m");
    EXPECT_EQ(request->call.messages, (std::vector<ChatMessage>{{"user", "hi"}}));
    EXPECT_EQ(request->call.output_tokens_max, 0U);
    EXPECT_FALSE(request->stream);
    EXPECT_FALSE(request->has_seed);
}

TEST(ChatRequest, ReadsEverythingItHonours) {
    const auto request = good_chat_with(
        R"("max_completion_tokens":7,"temperature":0.25,"top_p":0.5,"seed":3,"stop":["a","b"],"stream":true,)"
        R"("stream_options":{"include_usage":true},"provider":{"max_price":{"prompt":"0.5","completion":2}})");

    ASSERT_TRUE(request.has_value()) << refusal_of(request);
    EXPECT_EQ(request->call.output_tokens_max, 7U);
    EXPECT_EQ(request->call.sampling, (Sampling{.temperature = 0.25, .top_p = 0.5, .seed = 3}));
    EXPECT_EQ(request->call.stop, (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(request->stream && request->include_usage && request->has_seed);
    EXPECT_EQ(request->prices_max->input, 500'000U);
    EXPECT_EQ(request->prices_max->output, 2'000'000U);
}

TEST(ChatRequest, JoinsTextPartsAndRenamesDeveloper) {
    const auto request = chat(R"("model":"m","messages":[{"role":"developer",)"
                              R"("content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}])");

    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->call.messages, (std::vector<ChatMessage>{{"system", "ab"}}));
}

TEST(ChatRequest, AcceptsWellKnownFieldsThatHaveNoEffect) {
    EXPECT_TRUE(good_chat_with(R"("user":"u","metadata":{"a":"b"},"n":1,"logprobs":false,"tools":[],"store":false,)"
                               R"("tool_choice":"none","response_format":{"type":"text"},"service_tier":"auto",)"
                               R"("frequency_penalty":0,"presence_penalty":0.0,"logit_bias":{},"audio":null)")
                    .has_value());
}

TEST(ChatRequest, NamesTheFieldAtFault) {
    EXPECT_EQ(refusal_of(chat(std::string{kMessages})), "missing_parameter model");
    EXPECT_EQ(refusal_of(chat(R"("model":"m")")), "missing_parameter messages");
    EXPECT_EQ(refusal_of(chat(R"("model":"m","messages":[])")), "invalid_value messages");
    EXPECT_EQ(refusal_of(chat(R"("model":"m","messages":[{"role":"user"}])")), "missing_parameter messages[0].content");
    EXPECT_EQ(refusal_of(chat(R"("model":"m","messages":[{"role":"king","content":""}])")),
              "invalid_value messages[0].role");
    EXPECT_EQ(refusal_of(chat(R"("model":"m","messages":[{"role":"user","content":"","x":1}])")),
              "unknown_parameter messages[0].x");
    EXPECT_EQ(refusal_of(chat(R"("model":7)")), "invalid_type model");
    EXPECT_EQ(refusal_of(good_chat_with(R"("foo":null)")), "unknown_parameter foo");
    EXPECT_EQ(refusal_of(good_chat_with(R"("prompt":"x")")), "unknown_parameter prompt");
}

TEST(ChatRequest, ReadsHowMuchChecking) {
    EXPECT_EQ(good_chat_with("")->call.verification, Verification::kSampled);
    const auto full = good_chat_with(R"("provider":{"verification":"full","max_price":{"prompt":1}})");
    EXPECT_EQ(full->call.verification, Verification::kFull);
    EXPECT_TRUE(full->prices_max.has_value());
    EXPECT_EQ(good_chat_with(R"("provider":{"verification":"tee"})")->call.verification, Verification::kTee);
    EXPECT_EQ(refusal_of(good_chat_with(R"("provider":{"verification":"some"})")),
              "invalid_value provider.verification");
    EXPECT_TRUE(good_chat_with(R"("provider":{"hedge":true})")->may_hedge);
    EXPECT_FALSE(good_chat_with(R"("provider":{"hedge":null})")->may_hedge);
    EXPECT_EQ(refusal_of(good_chat_with(R"("provider":{"hedge":1})")), "invalid_type provider.hedge");
    EXPECT_EQ(refusal_of(good_chat_with(R"("provider":{"verification":1})")), "invalid_type provider.verification");
}

TEST(ChatRequest, TakesANonceOfThirtyTwoBytes) {
    GenerationRequest request;
    const std::string digits(64, 'a');

    EXPECT_FALSE(read_nonce("", &request).has_value());
    EXPECT_TRUE(request.call.client_nonce.is_zero());
    EXPECT_FALSE(read_nonce("0x" + digits, &request).has_value());
    EXPECT_EQ(request.call.client_nonce.bytes[31], 0xaa);
    for (const std::string& bad : {digits, "0x" + digits + "aa", std::string{"0xzz"}, "0x" + std::string(64, '0')}) {
        EXPECT_EQ(read_nonce(bad, &request)->code, ErrorCode::kInvalidValue) << bad;
    }
}

TEST(ChatRequest, RefusesValuesOutOfRange) {
    EXPECT_EQ(refusal_of(good_chat_with(R"("temperature":2.1)")), "invalid_value temperature");
    EXPECT_EQ(refusal_of(good_chat_with(R"("temperature":-1)")), "invalid_value temperature");
    EXPECT_EQ(refusal_of(good_chat_with(R"("temperature":"hot")")), "invalid_type temperature");
    EXPECT_EQ(refusal_of(good_chat_with(R"("top_p":1.5)")), "invalid_value top_p");
    EXPECT_EQ(refusal_of(good_chat_with(R"("max_tokens":0)")), "invalid_value max_tokens");
    EXPECT_EQ(refusal_of(good_chat_with(R"("max_tokens":-1)")), "invalid_value max_tokens");
    EXPECT_EQ(refusal_of(good_chat_with(R"("max_tokens":1.5)")), "invalid_type max_tokens");
    EXPECT_EQ(refusal_of(good_chat_with(R"("stop":["a","b","c","d","e"])")), "invalid_value stop");
    EXPECT_EQ(refusal_of(good_chat_with(R"("stop":"")")), "invalid_value stop");
    EXPECT_EQ(refusal_of(good_chat_with(R"("stream":"yes")")), "invalid_type stream");
    EXPECT_EQ(refusal_of(good_chat_with(R"("stream_options":{})")), "invalid_value stream_options");
}

TEST(ChatRequest, SaysWhatIsNotSupported) {
    EXPECT_EQ(refusal_of(good_chat_with(R"("n":17)")), "invalid_value n");
    EXPECT_EQ(refusal_of(good_chat_with(R"("tools":[{"type":"web"}])")), "unsupported_parameter tools[0].type");
    EXPECT_EQ(refusal_of(good_chat_with(R"("tools":[{"type":"function","function":{"name":"a b"}}])")),
              "invalid_type tools[0].function.name");
    EXPECT_EQ(refusal_of(good_chat_with(R"("tool_choice":"required")")), "invalid_value tool_choice");
    EXPECT_EQ(refusal_of(good_chat_with(R"("top_logprobs":2)")), "invalid_value top_logprobs");
    EXPECT_EQ(refusal_of(good_chat_with(R"("response_format":{"type":"xml"})")), "invalid_value response_format.type");
    EXPECT_EQ(refusal_of(good_chat_with(
                  R"("response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"pattern":"a"}}})")),
              "unsupported_parameter response_format");
    EXPECT_EQ(refusal_of(good_chat_with(R"("presence_penalty":0.5)")), "unsupported_parameter presence_penalty");
    EXPECT_EQ(refusal_of(good_chat_with(R"("provider":{"order":["x"]})")), "invalid_value provider.order");
    EXPECT_EQ(refusal_of(good_chat_with(R"("provider":{"min_stake":-1})")), "invalid_type provider.min_stake");
    EXPECT_EQ(refusal_of(good_chat_with(R"("provider":{"sort":"throughput"})")), "unsupported_parameter provider.sort");
    EXPECT_EQ(refusal_of(chat(R"("model":"m","messages":[{"role":"user","content":[{"type":"image_url"}]}])")),
              "unsupported_parameter messages[0].content[0].type");
}

TEST(ChatRequest, ReadsWhichNodesMayHaveIt) {
    const std::string node = "0x" + std::string(40, 'a');
    const auto request =
        good_chat_with(R"("models":["a","b"],"provider":{"only":[")" + node + R"("],"ignore":[],"sort":"price",)" +
                       R"("region":"eu","min_reputation":0.5,"min_stake":5000,"allow_fallbacks":false})");
    ASSERT_TRUE(request.has_value()) << refusal_of(request);
    EXPECT_EQ(request->models, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(request->wish.only.size(), 1U);
    EXPECT_EQ(request->wish.regions, std::vector<std::string>{"eu"});
    EXPECT_EQ(request->wish.reputation_min_bp, 5'000);
    EXPECT_EQ(request->wish.stake_min_vcai, 5'000U);
    EXPECT_EQ(request->wish.sort, NodeWish::Sort::kPrice);
    EXPECT_FALSE(request->wish.allow_fallbacks);
}

TEST(ChatRequest, TurnsToolsAndSchemasIntoForms) {
    const std::string tool = R"({"type":"function","function":{"name":"f","parameters":{"type":"object",)"
                             R"("properties":{"a":{"$ref":"#/$defs/n"}},)"
                             R"("$defs":{"n":{"type":"integer"}}}}})";
    const auto automatic = good_chat_with(R"("tools":[)" + tool + "]");
    ASSERT_TRUE(automatic.has_value()) << refusal_of(automatic);
    EXPECT_TRUE(automatic->may_call);
    EXPECT_FALSE(automatic->must_call);
    EXPECT_EQ(automatic->call.messages.front().role, "system");
    EXPECT_TRUE(automatic->call.form.starts_with(R"({"after":"<tool_call>")")) << automatic->call.form;
    const auto forced =
        good_chat_with(R"("tools":[)" + tool + R"(],"tool_choice":{"type":"function","function":{"name":"f"}})");
    ASSERT_TRUE(forced.has_value()) << refusal_of(forced);
    EXPECT_TRUE(forced->must_call && forced->call.form.starts_with(R"({"schema")"));
    EXPECT_TRUE(good_chat_with(R"("tools":[)" + tool + R"(],"tool_choice":"none")")->call.form.empty());
    const auto logged = good_chat_with(R"("logprobs":true,"top_logprobs":3,"n":2)");
    EXPECT_EQ(logged->call.logprobs, 4U);
    EXPECT_EQ(logged->choices, 2U);
    EXPECT_EQ(good_chat_with(R"("response_format":{"type":"json_object"})")->call.form,
              R"({"schema":{"type":"object"}})");
}

TEST(ChatRequest, WritesCallsAndResultsIntoThePrompt) {
    const auto request =
        chat(R"("model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,)"
             R"("tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},)"
             R"({"role":"tool","tool_call_id":"c","content":"42"}])");
    ASSERT_TRUE(request.has_value()) << refusal_of(request);
    EXPECT_EQ(request->call.messages[1].content, R"(<tool_call>{"name":"f","arguments":{"a":1}})");
    EXPECT_EQ(request->call.messages[2], (ChatMessage{"user", "<tool_response>42</tool_response>"}));
}

TEST(ChatRequest, BoundsThePrompt) {
    RequestLimits limits;
    limits.prompt_bytes_max = 5;
    const Result<codec::Json> json = codec::parse_json(
        R"({"model":"m","messages":[{"role":"user","content":"abc"},{"role":"user","content":"def"}]})");

    EXPECT_EQ(refusal_of(parse_chat_request(*json, limits)), "request_too_large messages");
}

TEST(ChatRequest, TakesNegativeSeeds) {
    EXPECT_EQ(good_chat_with(R"("seed":-1)")->call.sampling.seed, UINT64_MAX);
    EXPECT_EQ(good_chat_with(R"("seed":18446744073709551615)")->call.sampling.seed, UINT64_MAX);
    EXPECT_EQ(refusal_of(good_chat_with(R"("seed":1.5)")), "invalid_type seed");
}

TEST(CompletionRequest, TakesOnePrompt) {
    const auto request = completion(R"("model":"m","prompt":["x"])");

    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->call.prompt, "x");
    EXPECT_EQ(request->call.output_tokens_max, 16U);
    EXPECT_EQ(refusal_of(completion(R"("model":"m","prompt":["x","y"])")), "unsupported_parameter prompt");
    EXPECT_EQ(refusal_of(completion(R"("model":"m","prompt":[1,2])")), "unsupported_parameter prompt");
    EXPECT_EQ(refusal_of(completion(R"("model":"m","prompt":"x","echo":true)")), "unsupported_parameter echo");
    EXPECT_EQ(refusal_of(completion(R"("model":"m","messages":[])")), "unknown_parameter messages");
}

TEST(RequestBody, SaysWhereItIsBroken) {
    const auto truncated = parse_body(R"({"model":)", RequestLimits{});
    const auto bad_text = parse_body("{\"model\":\"ab\xff\"}", RequestLimits{});

    EXPECT_EQ(truncated.error().code, ErrorCode::kInvalidJson);
    EXPECT_NE(truncated.error().message.find("byte 10"), std::string::npos) << truncated.error().message;
    EXPECT_EQ(bad_text.error().code, ErrorCode::kInvalidUtf8);
    EXPECT_NE(bad_text.error().message.find("offset 12"), std::string::npos) << bad_text.error().message;
    EXPECT_EQ(parse_body(R"({"a":1,"a":2})", RequestLimits{}).error().code, ErrorCode::kInvalidJson);
    EXPECT_EQ(parse_body(std::string(3U << 20U, 'x'), RequestLimits{}).error().code, ErrorCode::kRequestTooLarge);
    EXPECT_EQ(parse_body(std::string(100'000, '['), RequestLimits{}).error().code, ErrorCode::kInvalidJson);
}

}  // namespace
}  // namespace vcity::gateway
