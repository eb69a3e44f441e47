// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "services/gateway/gateway_fixture.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway {
namespace {

using namespace std::chrono_literals;
using test::RecordingResponder;

class StreamTest : public test::GatewayFixture<sim::SimRuntime> {
  protected:
    std::shared_ptr<RecordingResponder> launch_stream(std::string extra_fields = {}) {
        return launch(
            a_request("POST", "/v1/chat/completions", chat_body(R"(,"stream":true)" + std::move(extra_fields)), key));
    }
    std::shared_ptr<RecordingResponder> stream(std::string extra_fields = {}) {
        return finish(launch_stream(std::move(extra_fields)));
    }
};

// The payloads of all data lines, in order.
std::vector<std::string> events_of(const RecordingResponder& answer) {
    std::vector<std::string> events;
    const std::string body = answer.body();
    std::size_t start = 0;
    while (start < body.size()) {
        const std::size_t end = body.find("\n\n", start);
        EXPECT_NE(end, std::string::npos);
        const std::string line = body.substr(start, end - start);
        if (line.starts_with("data: ")) events.push_back(line.substr(6));
        start = end + 2;
    }
    return events;
}

codec::Json json_of(const std::string& event) {
    Result<codec::Json> json = codec::parse_json(event);
    EXPECT_TRUE(json.has_value()) << event;
    return json ? *std::move(json) : codec::Json{};
}

const codec::Json& delta_of(const codec::Json& event) {
    return *event.find("choices")->get_array()->front().find("delta");
}

std::size_t count(const std::string& text, std::string_view piece) {
    std::size_t found = 0;
    for (std::size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++found;
    return found;
}

TEST_F(StreamTest, FramesAChatAsOpenAiDoes) {
    const auto answer = stream();

    EXPECT_EQ(answer->head.headers.get("content-type"), "text/event-stream; charset=utf-8");
    EXPECT_EQ(answer->head.headers.get("cache-control"), "no-cache");
    EXPECT_EQ(answer->head.headers.get("x-accel-buffering"), "no");
    const auto events = events_of(*answer);
    ASSERT_EQ(events.size(), 5U);
    EXPECT_EQ(*delta_of(json_of(events[0])).find("role")->get_string(), "assistant");
    EXPECT_EQ(*delta_of(json_of(events[1])).find("content")->get_string(), "Hello");
    EXPECT_EQ(*delta_of(json_of(events[2])).find("content")->get_string(), " world");
    const codec::Json last = json_of(events[3]);
    EXPECT_EQ(*last.find("choices")->get_array()->front().find("finish_reason")->get_string(), "stop");
    EXPECT_EQ(last.find("usage"), nullptr);
    EXPECT_EQ(events[4], "[DONE]");
}

TEST_F(StreamTest, RepeatsIdAndTimeInEveryEvent) {
    const auto answer = stream();

    const auto events = events_of(*answer);
    for (std::size_t index = 0; index + 1 < events.size(); ++index) {
        const codec::Json event = json_of(events[index]);
        EXPECT_EQ(*event.find("id")->get_string(), answer->head.headers.get("x-generation-id"));
        EXPECT_EQ(*event.find("created"), *json_of(events[0]).find("created"));
        EXPECT_EQ(*event.find("object")->get_string(), "chat.completion.chunk");
    }
}

TEST_F(StreamTest, SendsUsageWhenAsked) {
    const auto events = events_of(*stream(R"(,"stream_options":{"include_usage":true})"));

    ASSERT_EQ(events.size(), 6U);
    EXPECT_TRUE(json_of(events[1]).find("usage")->is_null());
    const codec::Json usage = json_of(events[4]);
    EXPECT_TRUE(usage.find("choices")->get_array()->empty());
    std::uint64_t total = 0;
    EXPECT_TRUE(usage.find("usage")->find("total_tokens")->get_u64(&total));
    EXPECT_EQ(total, 12U);
    EXPECT_EQ(usage.find("vcity")->find("receipt")->get_string()->size(), 66U);
    EXPECT_EQ(events[5], "[DONE]");
}

TEST_F(StreamTest, SendsUsageInTheLastContentEventByHeader) {
    ports::HttpRequest request = a_request("POST", "/v1/chat/completions", chat_body(R"(,"stream":true)"), key);
    request.headers.set("X-Usage", "always");

    const auto events = events_of(*finish(launch(std::move(request))));

    ASSERT_EQ(events.size(), 5U);
    EXPECT_NE(json_of(events[3]).find("usage"), nullptr);
}

TEST_F(StreamTest, PadsContentEventsAgainstLengthAnalysis) {
    const auto padded = stream();
    const auto plain = stream(R"(,"stream_options":{"include_obfuscation":false})");

    EXPECT_EQ(padded->chunks[1].size() % 64, 0U);
    EXPECT_EQ(plain->body().find("obfuscation"), std::string::npos);
}

TEST_F(StreamTest, StreamsCompletions) {
    const auto answer = send("POST", "/v1/completions", R"({"model":"vcity/test","prompt":"Once","stream":true})", key);

    const auto events = events_of(*answer);
    ASSERT_EQ(events.size(), 4U);
    EXPECT_EQ(*json_of(events[0]).find("choices")->get_array()->front().find("text")->get_string(), "Hello");
    EXPECT_EQ(events[3], "[DONE]");
}

TEST_F(StreamTest, GivesAnErrorBeforeTheFirstTokenItsOwnStatus) {
    scheduler.on_job = [this](const JobOrder& order) {
        scheduler.place(order);
        scheduler.fail(order, Errc::kInvalid, "prompt does not fit the context", false);
    };

    const auto answer = stream();

    EXPECT_EQ(answer->head.status, 400U);
    EXPECT_FALSE(answer->started);
    EXPECT_EQ(code_of(*answer), "context_length_exceeded");
}

TEST_F(StreamTest, EndsABrokenStreamWithAnErrorAndNoDone) {
    scheduler.on_job = [this](const JobOrder& order) {
        scheduler.place(order);
        scheduler.chunk(order, 0, "Hel");
        scheduler.fail(order, Errc::kUnavailable, "the node died", false);
    };

    const auto answer = stream();

    const auto events = events_of(*answer);
    EXPECT_EQ(answer->head.status, 200U);
    EXPECT_EQ(*delta_of(json_of(events[1])).find("content")->get_string(), "Hel");
    EXPECT_EQ(*json_of(events.back()).find("error")->find("code")->get_string(), "provider_stream_broken");
    EXPECT_EQ(count(answer->body(), "[DONE]"), 0U);
}

TEST_F(StreamTest, AWrongReceiptEndsInAnErrorEvent) {
    scheduler.on_job = [this](const JobOrder& order) {
        scheduler.place(order);
        scheduler.chunk(order, 0, "Hello");
        scheduler.finish(scheduler.receipt_for(order, "something else", 1));
    };

    const auto answer = stream();

    EXPECT_EQ(*json_of(events_of(*answer).back()).find("error")->find("code")->get_string(), "receipt_mismatch");
    EXPECT_EQ(count(answer->body(), "[DONE]"), 0U);
}

TEST_F(StreamTest, KeepsTheConnectionAliveUntilTheFirstToken) {
    scheduler.on_job = [this](const JobOrder& order) { scheduler.place(order); };
    const auto answer = launch_stream();

    pass(4s);
    EXPECT_FALSE(answer->started);
    pass(2s);
    EXPECT_TRUE(answer->started);
    pass(31s);
    EXPECT_EQ(count(answer->body(), ": keep-alive\n\n"), 2U);
    const JobOrder order = scheduler.orders.back();
    scheduler.chunk(order, 0, "Hi");
    pass(40s);
    EXPECT_EQ(count(answer->body(), ": keep-alive\n\n"), 2U);
    scheduler.finish(scheduler.receipt_for(order, "Hi", 1));
    EXPECT_EQ(count(finish(answer)->body(), "[DONE]"), 1U);
}

TEST_F(StreamTest, TellsTheSchedulerWithinASecondThatTheClientHasGone) {
    scheduler.on_job = [this](const JobOrder& order) {
        scheduler.place(order);
        scheduler.chunk(order, 0, "Hello");
    };
    scheduler.on_cancel = [this](const JobId&) {
        scheduler.finish(scheduler.receipt_for(scheduler.orders.back(), "Hello", 1), FinishReason::kCancelled);
    };
    const auto answer = launch_stream();
    pass(200ms);

    answer->connected = false;
    const TimePoint gone = world.now();
    (void)finish(answer);

    ASSERT_EQ(scheduler.cancels.size(), 1U);
    EXPECT_LE(scheduler.cancels[0].second - gone, 1s);
    pass(1s);
    const std::string id{answer->head.headers.get("x-generation-id")};
    const auto record = send("GET", "/v1/generation?id=" + id, "", key);
    EXPECT_NE(record->body().find("\"status\":\"cancelled\""), std::string::npos) << record->body();
    EXPECT_NE(record->body().find("\"completion_tokens\":1"), std::string::npos);
}

TEST_F(StreamTest, CancelsAtTheDeadline) {
    scheduler.on_job = [this](const JobOrder& order) {
        scheduler.place(order);
        scheduler.chunk(order, 0, "Hello");
    };

    const auto answer = stream();

    EXPECT_EQ(*json_of(events_of(*answer).back()).find("error")->find("code")->get_string(), "request_timeout");
    EXPECT_EQ(scheduler.cancels.size(), 1U);
}

TEST_F(StreamTest, NeverSplitsACharacter) {
    scheduler.on_job = [this](const JobOrder& order) {
        scheduler.run_honestly(order, {"\xe4\xbd", "\xa0\xe5\xa5", "\xbd"});
    };

    const auto answer = stream();

    std::string text;
    for (const std::string& event : events_of(*answer)) {
        if (event == "[DONE]") continue;
        const codec::Json json = json_of(event);
        const codec::Json* content = delta_of(json).find("content");
        if (content != nullptr) text += *content->get_string();
    }
    EXPECT_EQ(text, "\xe4\xbd\xa0\xe5\xa5\xbd");
    EXPECT_EQ(count(answer->body(), "[DONE]"), 1U);
}

TEST_F(StreamTest, IgnoresANodeThatLostItsLease) {
    scheduler.on_job = [this](const JobOrder& order) {
        scheduler.place(order, 1, 1);
        scheduler.place(order, 2, 2);
        scheduler.chunk(order, 0, "old", 1);
        scheduler.chunk(order, 0, "new", 2);
        scheduler.finish(scheduler.receipt_for(order, "new", 1));
    };

    const auto answer = stream();

    EXPECT_EQ(answer->body().find("old"), std::string::npos);
    EXPECT_NE(answer->body().find("new"), std::string::npos);
    EXPECT_EQ(answer->head.headers.get("x-attempts"), "2");
}

TEST_F(StreamTest, RepeatsAnIdempotentStream) {
    const auto post = [this] {
        ports::HttpRequest request = a_request("POST", "/v1/chat/completions", chat_body(R"(,"stream":true)"), key);
        request.headers.set("Idempotency-Key", "streamed");
        return finish(launch(std::move(request)));
    };

    const auto first = post();
    const auto second = post();

    EXPECT_EQ(first->body(), second->body());
    EXPECT_EQ(second->head.headers.get("content-type"), "text/event-stream; charset=utf-8");
    EXPECT_EQ(scheduler.orders.size(), 1U);
}

}  // namespace
}  // namespace vcity::gateway
