// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "services/gateway/batches/batch_api.hpp"
#include "services/gateway/gateway_fixture.hpp"
#include "sim/fakes/blobs.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway {
namespace {

using namespace std::chrono_literals;
using codec::Json;
using test::RecordingResponder;
using Answer = std::shared_ptr<RecordingResponder>;

std::string line_of(const std::string& id, const std::string& more = {}) {
    return R"({"custom_id":")" + id + R"(","method":"POST","url":"/v1/chat/completions","body":)" +
           R"({"model":"vcity/test","messages":[{"role":"user","content":")" + id + R"("}])" + more + "}}\n";
}

std::string text_in(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    return value != nullptr && value->is_string() ? *value->get_string() : "";
}

std::uint64_t count_in(const Json& batch, std::string_view name) {
    std::uint64_t count = 0;
    const Json* counts = batch.find("request_counts");
    EXPECT_TRUE(counts != nullptr && counts->find(name)->get_u64(&count));
    return count;
}

TEST(BatchScanner, FindsTheRequestsHoweverTheFileComesInPieces) {
    const std::string text = line_of("a") + "\n  \r\n" + line_of("b") + line_of("c");
    for (const std::size_t piece : {1U, 7U, 1000U}) {
        BatchScanner scanner{"/v1/chat/completions", {}, {}};
        for (std::size_t at = 0; at < text.size(); at += piece) scanner.feed(std::string_view{text}.substr(at, piece));
        scanner.finish();

        EXPECT_TRUE(scanner.faults().empty());
        const std::vector<BatchLine> lines = scanner.take_lines();
        ASSERT_EQ(lines.size(), 3U);
        for (std::size_t index = 0; index < 3; ++index) {
            const auto parsed =
                parse_batch_line(text.substr(lines[index].offset, lines[index].bytes), "/v1/chat/completions", {});
            ASSERT_TRUE(std::holds_alternative<BatchRequest>(parsed));
            EXPECT_EQ(std::get<BatchRequest>(parsed).custom_id, std::string(1, static_cast<char>('a' + index)));
        }
    }
}

TEST(BatchScanner, NamesLineAndFieldOfWhatIsWrong) {
    BatchScanner scanner{"/v1/chat/completions", {}, {.requests_max = 9, .line_bytes_max = 300, .faults_max = 20}};
    scanner.feed(line_of("a") + line_of("a") + "{oops\n[]\n" + line_of("b", R"(,"stream":true)") +
                 line_of("c", R"(,"moon":1)") + std::string(400, 'x') + "\n" +
                 R"({"custom_id":"d","method":"GET","url":"/v1/chat/completions","body":{}})" + "\n" +
                 R"({"custom_id":"e","method":"POST","url":"/v1/completions","body":{}})");
    scanner.finish();

    std::vector<std::string> found;
    for (const BatchFault& fault : scanner.faults()) found.push_back(std::to_string(fault.line) + " " + fault.param);
    EXPECT_EQ(found, (std::vector<std::string>{"2 custom_id", "3 ", "4 ", "5 body.stream", "6 body.moon", "7 ",
                                               "8 method", "9 url"}));
}

TEST(BatchScanner, AnEmptyFileAndTooManyRequestsAreNoBatch) {
    BatchScanner empty{"/v1/completions", {}, {}};
    empty.feed("\n\n");
    empty.finish();
    EXPECT_EQ(empty.faults().at(0).code, "empty_file");

    BatchScanner many{"/v1/chat/completions", {}, {.requests_max = 2, .line_bytes_max = 300, .faults_max = 20}};
    many.feed(line_of("a") + line_of("b") + line_of("c") + line_of("d"));
    many.finish();
    ASSERT_EQ(many.faults().size(), 1U);
    EXPECT_EQ(many.faults()[0].code, "too_many_requests");
}

TEST(BatchRecord, ComesBackFromTheStoreAsItWas) {
    BatchRecord record;
    record.id = "batch_0123";
    record.owner.bytes[0] = 1;
    record.client.bytes[0] = 2;
    record.endpoint = "/v1/completions";
    record.input_file = "file-a";
    record.error_file = "file-b";
    record.state = BatchState::kExpired;
    record.faults = {{.code = "c", .message = "m", .param = "", .line = 7}};
    record.metadata = codec::JsonObject{{"a", "b"}};
    record.total = 3;
    record.failed = 1;
    record.created_at = 5;
    record.expires_at = 6;
    record.ended_at = 9;

    EXPECT_EQ(parse_batch_record(dump(record)).value(), record);
    EXPECT_FALSE(parse_batch_record("{}"));
}

// A gateway with files, and a scheduler that answers every call with its prompt.
class BatchesTest : public test::GatewayFixture<sim::SimRuntime> {
  public:
    BatchesTest() {
        scheduler.on_job = [this](const JobOrder& order) { answer(order); };
        restart();
    }
    ~BatchesTest() override { shut_down(); }

    void restart() {
        shut_down();
        blobs = &folder;
        boot({});
    }

    void answer(const JobOrder& order) {
        const std::string prompt = order.request.messages.at(0).content;
        asked.push_back(prompt);
        if (prompt == stuck) return;
        if (busy) return scheduler.fail(order, Errc::kExhausted, "no node is free", true, 1'000);
        if (prompt == broken) return scheduler.fail(order, Errc::kInvalid, "the prompt is refused", false);
        scheduler.run_honestly(order, {"echo ", prompt});
    }

    std::string upload(const std::string& content) {
        ports::HttpRequest request = a_request("POST", "/v1/files", "", key);
        request.headers.set("content-type", "multipart/form-data; boundary=b");
        const std::string form =
            "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"in.jsonl\"\r\n\r\n" +
            content + "\r\n--b--\r\n";
        const Answer answer = finish(launch(std::move(request), {form}));
        return text_in(codec::parse_json(answer->body()).value_or(Json{}), "id");
    }
    Answer order(const std::string& file, const std::string& more = {}) {
        return send("POST", "/v1/batches",
                    R"({"input_file_id":")" + file +
                        R"(","endpoint":"/v1/chat/completions","completion_window":"24h")" + more + "}",
                    key);
    }
    std::string ordered(const std::string& content) {
        const Answer answer = order(upload(content));
        EXPECT_EQ(answer->head.status, 200U) << answer->body();
        return text_in(codec::parse_json(answer->body()).value_or(Json{}), "id");
    }
    Json batch(const std::string& id) {
        return codec::parse_json(send("GET", "/v1/batches/" + id, "", key)->body()).value_or(Json{});
    }
    Json ended(const std::string& id) {
        Json json = batch(id);
        for (int wait = 0; wait < 600 && json.find("completed_at")->is_null() && json.find("failed_at")->is_null() &&
                           json.find("expired_at")->is_null() && json.find("cancelled_at")->is_null();
             ++wait) {
            pass(1s);
            json = batch(id);
        }
        return json;
    }
    std::vector<Json> lines(const Json& batch, std::string_view name) {
        std::vector<Json> all;
        const std::string file = text_in(batch, name);
        if (file.empty()) return all;
        std::string text = send("GET", "/v1/files/" + file + "/content", "", key)->body();
        for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
            all.push_back(codec::parse_json(text.substr(0, end)).value_or(Json{}));
            text.erase(0, end + 1);
        }
        return all;
    }
    static std::vector<std::string> ids(const std::vector<Json>& lines) {
        std::vector<std::string> all;
        for (const Json& line : lines) all.push_back(text_in(line, "custom_id"));
        return all;
    }

    sim::FakeBlobDisk disk;
    sim::FakeBlobs folder{&disk};
    std::vector<std::string> asked;
    std::string stuck;
    std::string broken;
    bool busy = false;
};

TEST_F(BatchesTest, AnswersComeInTheOrderOfTheRequests) {
    std::string input;
    std::vector<std::string> names;
    for (int number = 0; number < 30; ++number) {
        names.push_back("r" + std::to_string(number));
        input += line_of(names.back());
    }
    const Json batch = ended(ordered(input));

    EXPECT_EQ(text_in(batch, "status"), "completed");
    EXPECT_EQ(count_in(batch, "total"), 30U);
    EXPECT_EQ(count_in(batch, "completed"), 30U);
    const std::vector<Json> output = lines(batch, "output_file_id");
    EXPECT_EQ(ids(output), names);
    EXPECT_TRUE(batch.find("error_file_id")->is_null());
    const Json* body = output.at(7).find("response")->find("body");
    EXPECT_EQ(*body->find("choices")->get_array()->at(0).find("message")->find("content")->get_string(), "echo r7");
}

TEST_F(BatchesTest, AFailingRequestStandsInTheErrorFileAndTheRestIsDone) {
    broken = "b";
    const Json batch = ended(ordered(line_of("a") + line_of("b") + line_of("c")));

    EXPECT_EQ(text_in(batch, "status"), "completed");
    EXPECT_EQ(count_in(batch, "failed"), 1U);
    EXPECT_EQ(ids(lines(batch, "output_file_id")), (std::vector<std::string>{"a", "c"}));
    EXPECT_EQ(ids(lines(batch, "error_file_id")), std::vector<std::string>{"b"});
}

TEST_F(BatchesTest, ABadInputFileFailsTheBatchWithItsLines) {
    const Json batch = ended(ordered(line_of("a") + line_of("a")));

    EXPECT_EQ(text_in(batch, "status"), "failed");
    const Json& fault = batch.find("errors")->find("data")->get_array()->at(0);
    std::uint64_t line = 0;
    EXPECT_TRUE(fault.find("line")->get_u64(&line));
    EXPECT_EQ(line, 2U);
    EXPECT_EQ(text_in(fault, "param"), "custom_id");
    EXPECT_TRUE(asked.empty());
}

TEST_F(BatchesTest, ARestartedGatewayAsksOnlyForWhatWasNotAnswered) {
    std::string input;
    for (int number = 0; number < 20; ++number) input += line_of("r" + std::to_string(number));
    stuck = "r19";
    const std::string id = ordered(input);
    for (int wait = 0; wait < 100 && count_in(batch(id), "completed") < 19; ++wait) pass(100ms);
    ASSERT_EQ(count_in(batch(id), "completed"), 19U);
    stuck.clear();
    asked.clear();
    restart();

    const Json batch = ended(id);

    EXPECT_EQ(text_in(batch, "status"), "completed");
    EXPECT_EQ(asked, std::vector<std::string>{"r19"});
    EXPECT_EQ(lines(batch, "output_file_id").size(), 20U);
}

TEST_F(BatchesTest, ACancelledBatchKeepsWhatWasAnswered) {
    stuck = "b";
    const std::string id = ordered(line_of("a") + line_of("b"));
    pass(2s);

    const Answer cancelled = send("POST", "/v1/batches/" + id + "/cancel", "", key);

    EXPECT_EQ(text_in(codec::parse_json(cancelled->body()).value_or(Json{}), "status"), "cancelling");
    const Json batch = ended(id);
    EXPECT_EQ(text_in(batch, "status"), "cancelled");
    EXPECT_EQ(ids(lines(batch, "output_file_id")), std::vector<std::string>{"a"});
}

TEST_F(BatchesTest, WhatIsNotRunWithinTheWindowHasExpired) {
    busy = true;
    const std::string id = ordered(line_of("a") + line_of("b"));
    pass(10s);
    EXPECT_EQ(text_in(batch(id), "status"), "in_progress") << "it waits for a node";
    shut_down();
    // As if a day had gone by.
    Bytes& stored = store.entries.at("gateway/batch/" + id);
    BatchRecord record = parse_batch_record(as_text(stored)).value();
    record.expires_at = record.created_at + 60;
    const std::string text = dump(record);
    stored.assign(text.begin(), text.end());
    restart();

    const Json batch = ended(id);

    EXPECT_EQ(text_in(batch, "status"), "expired");
    EXPECT_EQ(count_in(batch, "failed"), 2U);
    EXPECT_EQ(ids(lines(batch, "error_file_id")), (std::vector<std::string>{"a", "b"}));
}

TEST_F(BatchesTest, OrdersAndListsAreChecked) {
    const std::string file = upload(line_of("a"));
    EXPECT_EQ(code_of(*order("file-none")), "file_not_found");
    EXPECT_EQ(code_of(*order(file, R"(,"moon":1)")), "unknown_parameter");
    EXPECT_EQ(code_of(*order(file, R"(,"metadata":{"a":1})")), "invalid_value");
    EXPECT_EQ(code_of(*send("POST", "/v1/batches", R"({"input_file_id":"x"})", key)), "missing_parameter");
    EXPECT_EQ(code_of(*send("GET", "/v1/batches/batch_none", "", key)), "job_not_found");
    const std::string first = ordered(line_of("a"));
    pass(2s);
    const std::string second = ordered(line_of("b"));
    const Json list = codec::parse_json(send("GET", "/v1/batches?limit=1", "", key)->body()).value_or(Json{});
    EXPECT_EQ(text_in(list, "first_id"), second);
    EXPECT_TRUE(*list.find("has_more")->get_bool());
    const Json rest = codec::parse_json(send("GET", "/v1/batches?after=" + second, "", key)->body()).value_or(Json{});
    EXPECT_EQ(text_in(rest, "first_id"), first);
}

}  // namespace
}  // namespace vcity::gateway
