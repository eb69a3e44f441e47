// SPDX-License-Identifier: Apache-2.0
#include "services/verifier/blackbox/endpoint_reply.hpp"

#include <gtest/gtest.h>

namespace vcity::verifier {
namespace {

constexpr EndpointApi kChat = EndpointApi::kChat;
constexpr EndpointApi kCompletions = EndpointApi::kCompletions;

std::string chat_with(const std::string& content) {
    return R"({"choices":[{"logprobs":{"content":)" + content + "}}]}";
}
std::string completion_with(const std::string& logprobs) {
    return R"({"choices":[{"logprobs":)" + logprobs + "}]}";
}

TEST(RequestBody, IsAnOrdinaryRequest) {
    EXPECT_EQ(request_body({kChat, "m", "hi", 7, 3}),
              R"({"model":"m","messages":[{"role":"user","content":"hi"}],"logprobs":true,"top_logprobs":3,)"
              R"("max_tokens":7,"temperature":0})");
    EXPECT_EQ(request_body({kCompletions, "m", "hi", 7, 3}),
              R"({"model":"m","prompt":"hi","logprobs":3,"max_tokens":7,"temperature":0})");
    EXPECT_EQ(path_of(kChat), "/chat/completions");
    EXPECT_EQ(path_of(kCompletions), "/completions");
}

TEST(ParseEndpointReply, ReadsAChat) {
    const auto tokens = parse_endpoint_reply(
        kChat, chat_with(R"([{"token":"a","logprob":-1,"bytes":[228,189],"top_logprobs":[)"
                         R"({"token":"a","logprob":-1,"bytes":[228,189]},{"token":"b","logprob":-2.5,"bytes":null}]},)"
                         R"({"token":" c","logprob":0}])"));
    ASSERT_TRUE(tokens) << tokens.error().message;
    EXPECT_EQ(*tokens, (std::vector<ClaimedToken>{{"\xe4\xbd", -1, {{"b", -2.5}}}, {" c", 0, {}}}));
}

TEST(ParseEndpointReply, ReadsACompletion) {
    const auto tokens = parse_endpoint_reply(
        kCompletions, completion_with(R"({"tokens":["a","b"],"token_logprobs":[-1,-9999.0],)"
                                      R"("top_logprobs":[{"a":-1,"x":-2},null],"text_offset":[0,1]})"));
    ASSERT_TRUE(tokens) << tokens.error().message;
    EXPECT_EQ(*tokens, (std::vector<ClaimedToken>{{"a", -1, {{"x", -2}}}, {"b", -9999, {}}}));
}

TEST(ParseEndpointReply, SaysWhenThereAreNoLogProbabilities) {
    EXPECT_EQ(parse_endpoint_reply(kChat, R"({"choices":[{"logprobs":null}]})").error().code, Errc::kNotFound);
    EXPECT_EQ(parse_endpoint_reply(kChat, R"({"choices":[{}]})").error().code, Errc::kNotFound);
    EXPECT_EQ(parse_endpoint_reply(kChat, R"({"choices":[{"logprobs":{}}]})").error().code, Errc::kNotFound);
    EXPECT_TRUE(parse_endpoint_reply(kChat, chat_with("[]"))->empty());
}

TEST(ParseEndpointReply, RefusesEveryOtherForm) {
    for (const char* bad :
         {"", "[]", "{}", R"({"choices":[]})", R"({"choices":{}})", R"({"choices":[1]})", R"({"error":"x"})"}) {
        EXPECT_FALSE(parse_endpoint_reply(kChat, bad)) << bad;
        EXPECT_FALSE(parse_endpoint_reply(kCompletions, bad)) << bad;
    }
    for (const char* bad : {"1", "[1]", "[{}]", R"([{"token":"a"}])", R"([{"token":"a","logprob":"x"}])",
                            R"([{"token":"a","logprob":0.5}])", R"([{"token":"a","logprob":-1,"bytes":[256]}])",
                            R"([{"token":"a","logprob":-1,"bytes":[-1]}])", R"([{"token":1,"logprob":-1}])",
                            R"([{"token":"a","logprob":-1,"top_logprobs":1}])",
                            R"([{"token":"a","logprob":-1,"top_logprobs":[{"token":"b"}]}])"}) {
        EXPECT_EQ(parse_endpoint_reply(kChat, chat_with(bad)).error().code, Errc::kCorrupt) << bad;
    }
    for (const char* bad : {"1", "{}", R"({"tokens":["a"]})", R"({"tokens":["a"],"token_logprobs":[]})",
                            R"({"tokens":["a"],"token_logprobs":[null]})", R"({"tokens":[1],"token_logprobs":[-1]})",
                            R"({"tokens":["a"],"token_logprobs":[-1],"top_logprobs":[]})",
                            R"({"tokens":["a"],"token_logprobs":[-1],"top_logprobs":[1]})",
                            R"({"tokens":["a"],"token_logprobs":[-1],"top_logprobs":[{"b":1}]})"}) {
        EXPECT_FALSE(parse_endpoint_reply(kCompletions, completion_with(bad))) << bad;
    }
}

TEST(ParseEndpointReply, BoundsWhatIsLong) {
    const std::string token = R"({"token":"a","logprob":-1})";
    std::string many = token;
    for (std::size_t i = 0; i < kReplyTokensMax; ++i) many += "," + token;
    EXPECT_FALSE(parse_endpoint_reply(kChat, chat_with("[" + many + "]")));
    const std::string wide(kReplyTokenBytesMax + 1, 'a');
    EXPECT_FALSE(parse_endpoint_reply(kChat, chat_with(R"([{"logprob":-1,"token":")" + wide + "\"}]")));
    EXPECT_FALSE(parse_endpoint_reply(kChat, std::string(kReplyBytesMax + 1, ' ')));

    std::string tops = R"({"token":"b","logprob":-1})";
    for (int i = 0; i < 30; ++i) tops += R"(,{"token":"b","logprob":-1})";
    const auto cut =
        parse_endpoint_reply(kChat, chat_with(R"([{"token":"a","logprob":-1,"top_logprobs":[)" + tops + "]}]"));
    EXPECT_EQ(cut.value().front().alternatives.size(), kReplyAlternativesMax);
}

}  // namespace
}  // namespace vcity::verifier
