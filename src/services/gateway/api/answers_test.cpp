// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/api/answers.hpp"

#include <gtest/gtest.h>

#include "services/gateway/api/responses.hpp"
#include "services/gateway/api/tool_use.hpp"
#include "services/gateway/many/branches.hpp"
#include "services/gateway/many/embeddings.hpp"

namespace vcity::gateway {
namespace {

AnswerIdentity identity_of(Endpoint endpoint) {
    JobId job;
    job.bytes.fill(0x2f);
    return {.endpoint = endpoint, .id = make_generation_id(endpoint, job), .created_unix_seconds = 5, .model = "m"};
}

AnswerBill a_bill() {
    AnswerBill bill;
    bill.units = {.input = 3, .output = 2};
    bill.cost = Usd{7};
    return bill;
}

// The JSON of every event, in order.
std::vector<codec::Json> events_of(std::string_view stream) {
    constexpr std::string_view kData = "data: ";
    std::vector<codec::Json> events;
    for (std::size_t at = stream.find(kData); at != std::string_view::npos; at = stream.find(kData, at + 1)) {
        const std::size_t begin = at + kData.size();
        const auto json = codec::parse_json(stream.substr(begin, stream.find("\n\n", begin) - begin));
        if (json) events.push_back(*json);
    }
    return events;
}

constexpr std::string_view kCall = R"(<tool_call>{"name":"f","arguments":{"a":1}})";

TEST(AnswerStream, GivesACallOnceItIsWhole) {
    AnswerStream stream{identity_of(Endpoint::kChat), {.may_call = true}};
    EXPECT_EQ(stream.content(kCall.substr(0, 4), {}), "");
    EXPECT_EQ(stream.content(kCall.substr(4), {}), "");
    const auto events = events_of(stream.finish(FinishReason::kStop, nullptr));
    ASSERT_EQ(events.size(), 3U);
    const std::string last = codec::dump_json(events[2]);
    EXPECT_NE(codec::dump_json(events[0]).find(R"("name":"f","arguments":"")"), std::string::npos);
    EXPECT_NE(codec::dump_json(events[1]).find("\"arguments\":\"{\\\"a\\\":1}\""), std::string::npos);
    EXPECT_NE(last.find(R"("finish_reason":"tool_calls")"), std::string::npos) << last;
}

TEST(AnswerStream, GivesTextThatIsNoCallAsItComes) {
    AnswerStream stream{identity_of(Endpoint::kChat), {.may_call = true}};
    EXPECT_EQ(stream.content("<tool", {}), "");
    EXPECT_NE(stream.content("box>", {}).find(R"("content":"<toolbox>")"), std::string::npos);
    EXPECT_NE(stream.content(" a", {}).find(R"("content":" a")"), std::string::npos);
    EXPECT_NE(stream.finish(FinishReason::kStop, nullptr).find(R"("finish_reason":"stop")"), std::string::npos);
}

TEST(ToolCall, OnlyOneThatMustComeMayBeWithoutItsMark) {
    EXPECT_TRUE(parse_call(kCall, false).has_value());
    EXPECT_TRUE(parse_call(kCall.substr(kCallBegin.size()), true).has_value());
    EXPECT_FALSE(parse_call(kCall.substr(kCallBegin.size()), false).has_value());
    EXPECT_FALSE(parse_call(kCall.substr(0, 20), true).has_value());
}

TEST(ResponseStream, NumbersItsEventsAndEndsWithTheWholeResponse) {
    ResponseStream stream{identity_of(Endpoint::kResponses), {}};
    std::string all = stream.opening();
    all += stream.content("a", {});
    all += stream.content("b", {});
    all += stream.finish(FinishReason::kLength, nullptr);
    all += stream.usage(a_bill());
    all += stream.end();
    const auto events = events_of(all);
    ASSERT_EQ(events.size(), 10U);
    for (std::size_t i = 0; i < events.size(); ++i) {
        EXPECT_EQ(*events[i].find("sequence_number"), codec::Json{static_cast<std::uint64_t>(i)});
    }
    EXPECT_EQ(*events.back().find("type"), codec::Json{"response.incomplete"});
    const std::string response = codec::dump_json(*events.back().find("response"));
    EXPECT_NE(response.find(R"("text":"ab")"), std::string::npos) << response;
    EXPECT_NE(response.find(R"("reason":"max_output_tokens")"), std::string::npos) << response;
}

TEST(ResponseRequest, BecomesAChat) {
    const auto body = codec::parse_json(
        R"({"model":"m","instructions":"be kind",)"
        R"("input":[{"role":"user","content":[{"type":"input_text","text":"q"}]},)"
        R"({"type":"function_call","call_id":"c","name":"f","arguments":"{}"},)"
        R"({"type":"function_call_output","call_id":"c","output":"4"}],"max_output_tokens":5,"store":false})");
    const auto request = parse_response_request(*body, {});
    ASSERT_TRUE(request.has_value()) << request.error().message;
    EXPECT_EQ(request->endpoint, Endpoint::kResponses);
    EXPECT_EQ(request->call.output_tokens_max, 5U);
    EXPECT_EQ(request->call.messages,
              (std::vector<ChatMessage>{{"system", "be kind"},
                                        {"user", "q"},
                                        {"assistant", R"(<tool_call>{"name":"f","arguments":{}})"},
                                        {"user", "<tool_response>4</tool_response>"}}));
    for (const char* field : {R"("store":true)", R"("background":true)", R"("previous_response_id":"r")", R"("x":1)"}) {
        const auto json = codec::parse_json(R"({"model":"m","input":"q",)" + std::string{field} + "}");
        EXPECT_FALSE(parse_response_request(*json, {}).has_value()) << field;
    }
}

TEST(EmbeddingRequest, IsOneJobForEachText) {
    const auto body = codec::parse_json(R"({"model":"m","input":["a","b"],"dimensions":2,)"
                                        R"("encoding_format":"base64"})");
    const auto request = parse_embedding_request(*body, {});
    ASSERT_TRUE(request.has_value()) << request.error().message;
    EXPECT_EQ(request->inputs.size(), 2U);
    EXPECT_EQ(request->inputs[1].call.prompt, "b");
    EXPECT_EQ(request->inputs[1].call.answer, AnswerKind::kEmbedding);
    EXPECT_TRUE(request->as_base64);
    for (const char* bad : {R"({"model":"m"})", R"({"model":"m","input":[]})", R"({"model":"m","input":[1]})",
                            R"({"model":"m","input":"a","dimensions":0})", R"({"input":"a"})"}) {
        EXPECT_FALSE(parse_embedding_request(*codec::parse_json(bad), {}).has_value()) << bad;
    }
}

TEST(Embedding, IsCutToDimensionsAtLengthOne) {
    // 3, 4, 0 as fp32.
    const auto vector = cut_embedding("AABAQAAAgEAAAAAA", 2);
    ASSERT_TRUE(vector.has_value());
    EXPECT_FLOAT_EQ((*vector)[0], 0.6F);
    EXPECT_FLOAT_EQ((*vector)[1], 0.8F);
    EXPECT_EQ(cut_embedding("AABAQAAAgEAAAAAA", 0)->size(), 3U);
    EXPECT_FALSE(cut_embedding("AABAQAAAgEAAAAAA", 4).has_value());
    EXPECT_FALSE(cut_embedding("AAB", 0).has_value());
}

TEST(Usage, IsAddedUpExactly) {
    const codec::Json one = usage_json(a_bill());
    const codec::Json sum = add_usage(add_usage({}, one), one);
    EXPECT_EQ(*sum.find("total_tokens"), codec::Json{std::uint64_t{10}});
    EXPECT_EQ(*sum.find("cost_usd"), codec::Json{"0.000014"});
}

}  // namespace
}  // namespace vcity::gateway
