// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/finetune/finetune_api.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "crypto/sha256.hpp"
#include "services/gateway/gateway_fixture.hpp"
#include "services/gateway/work/work_json.hpp"
#include "sim/fakes/blobs.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway {
namespace {

using test::RecordingResponder;
using Answer = std::shared_ptr<RecordingResponder>;

constexpr const char* kProgress =
    "{\"event\":\"start\",\"examples\":9,\"held_out\":1,\"steps\":6,\"tokens_learned\":100}\n"
    "{\"event\":\"metrics\",\"step\":0,\"valid_loss\":3.0}\n"
    "{\"event\":\"metrics\",\"step\":3,\"train_loss\":2.5,\"valid_loss\":2.25}\n"
    "{\"event\":\"checkpoint\",\"step\":3}\n"
    "{\"event\":\"metrics\",\"step\":6,\"train_loss\":1.5,\"valid_loss\":1.25}\n"
    "{\"event\":\"checkpoint\",\"step\":6}\n"
    "{\"event\":\"done\",\"step\":6}\n";

codec::Json json_of(const Answer& answer) {
    return codec::parse_json(answer->body()).value_or(codec::Json{});
}

codec::Json at(const codec::Json& json, std::string_view name) {
    const codec::Json* value = json.find(name);
    return value == nullptr ? codec::Json{"absent"} : *value;
}

codec::JsonArray data_of(const Answer& answer) {
    const codec::Json data = at(json_of(answer), "data");
    return data.get_array() == nullptr ? codec::JsonArray{} : *data.get_array();
}

// A gateway with files, and a scheduler that accepts every order and knows what the test says of it.
class FinetuneApiTest : public test::GatewayFixture<sim::SimRuntime> {
  public:
    FinetuneApiTest() {
        options.public_url = "https://gateway";
        scheduler.on_work = [this](const Message& message) { answer(message); };
        restart();
        training = upload("train.jsonl", "{}");
    }
    ~FinetuneApiTest() override { shut_down(); }

    void restart() {
        shut_down();
        blobs = &folder;
        boot(options);
    }

    void answer(const Message& message) {
        if (const auto* submit = std::get_if<WorkSubmit>(&message)) {
            orders.push_back(submit->order);
            scheduler.send(WorkAccepted{submit->order.job_id, submit->order.budget, {a_step()}});
        } else if (const auto* asked = std::get_if<WorkStatusRequest>(&message)) {
            ++questions;
            scheduler.send(status_of(asked->job_id, asked->client));
        } else if (const auto* cancelled = std::get_if<WorkCancel>(&message)) {
            state = WorkState::kCancelled;
            scheduler.send(status_of(cancelled->job_id, cancelled->client));
        } else if (const auto* wanted = std::get_if<WorkOutputRequest>(&message)) {
            constexpr std::size_t kPart = 100;
            WorkOutputReply reply;
            reply.job_id = wanted->job_id;
            reply.step_id = wanted->step_id;
            reply.known = true;
            reply.offset = wanted->offset;
            const std::string part = output.substr(std::min<std::size_t>(wanted->offset, output.size()), kPart);
            reply.bytes.assign(part.begin(), part.end());
            reply.is_end = wanted->offset + part.size() >= output.size();
            scheduler.send(reply);
        }
    }

    StepStatus a_step() const {
        StepStatus step;
        step.group = "main";
        step.state = step_state;
        step.started_at = UnixMillis{2'000'000};
        if (state == WorkState::kSucceeded) {
            StepFile file;
            file.name = "adapter_config.json";
            file.bytes = 12;
            step.files.push_back(file);
        }
        return step;
    }

    WorkStatusReply status_of(const JobId& job_id, const Address& client) const {
        WorkStatusReply reply;
        reply.job_id = job_id;
        const auto known = std::ranges::find(orders, job_id, &WorkOrder::job_id);
        reply.known = known != orders.end() && known->client == client;
        reply.state = state;
        reply.error = error;
        reply.charged = Usd{250'000};
        reply.steps = {a_step()};
        if (state != WorkState::kActive) reply.ended_at = UnixMillis{3'000'000};
        return reply;
    }

    std::string upload(const std::string& name, const std::string& content) {
        ports::HttpRequest request = a_request("POST", "/v1/files", "", key);
        request.headers.set("content-type", "multipart/form-data; boundary=b");
        const std::string form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name +
                                 "\"\r\n\r\n" + content +
                                 "\r\n--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nfine-tune\r\n"
                                 "--b--\r\n";
        const codec::Json file = json_of(finish(launch(std::move(request), {form})));
        const codec::Json id = at(file, "id");
        EXPECT_TRUE(id.is_string());
        return id.get_string() == nullptr ? "" : *id.get_string();
    }
    Answer create(const std::string& fields = {}, const std::string& idempotency_key = {}) {
        std::string body = R"({"model":"mini","training_file":")" + training + '"';
        if (!fields.empty()) body += "," + fields;
        ports::HttpRequest request = a_request("POST", "/v1/fine_tuning/jobs", body + "}", key);
        if (!idempotency_key.empty()) request.headers.set("idempotency-key", idempotency_key);
        return finish(launch(std::move(request)));
    }
    std::string created(const std::string& fields = {}) {
        const codec::Json id = at(json_of(create(fields)), "id");
        EXPECT_TRUE(id.is_string());
        return id.get_string() == nullptr ? "" : *id.get_string();
    }
    Answer get(const std::string& rest) { return send("GET", "/v1/fine_tuning/jobs" + rest, "", key); }

    GatewayOptions options;
    sim::FakeBlobDisk disk;
    sim::FakeBlobs folder{&disk};
    std::string training;
    std::vector<WorkOrder> orders;
    WorkState state = WorkState::kActive;
    StepState step_state = StepState::kQueued;
    std::string error;
    std::string output;
    int questions = 0;
};

TEST_F(FinetuneApiTest, AJobIsOrderedFollowedAndEndsWithAModel) {
    const Answer answer = create(R"("suffix":"mine","metadata":{"a":"b"})");
    ASSERT_EQ(answer->head.status, 200U) << answer->body();
    const codec::Json job = json_of(answer);
    EXPECT_EQ(at(job, "object"), codec::Json{"fine_tuning.job"});
    EXPECT_EQ(at(job, "status"), codec::Json{"queued"});
    EXPECT_TRUE(at(job, "fine_tuned_model").is_null());
    EXPECT_EQ(at(job, "metadata"), (codec::Json{codec::JsonObject{{"a", "b"}}}));
    ASSERT_EQ(orders.size(), 1U);
    EXPECT_EQ(orders[0].spec.groups[0].setup.program, "finetune");
    EXPECT_EQ(orders[0].spec.groups[0].inputs[0].sha256, crypto::sha256(as_bytes("{}")));
    EXPECT_EQ(orders[0].budget, Usd{5'000'000}) << "the gateway's own, as the request names none";
    EXPECT_TRUE(orders[0].files_url.starts_with("https://gateway/files/"));
    const std::string id = *at(job, "id").get_string();

    step_state = StepState::kRunning;
    EXPECT_EQ(at(json_of(get("/" + id)), "status"), codec::Json{"running"});
    output = kProgress;
    state = WorkState::kSucceeded;
    step_state = StepState::kDone;
    const codec::Json done = json_of(get("/" + id));
    EXPECT_EQ(at(done, "status"), codec::Json{"succeeded"});
    EXPECT_EQ(at(done, "fine_tuned_model"), codec::Json{"ft:mini:vcity:mine:" + id.substr(6, 8)});
    EXPECT_EQ(at(done, "trained_tokens"), codec::Json{300});
    EXPECT_EQ(at(done, "finished_at"), codec::Json{3000});
    const codec::Json ours = at(done, "vcity");
    EXPECT_EQ(at(ours, "charged"), codec::Json{"0.250000"});
    const codec::Json files = at(ours, "files");
    ASSERT_NE(files.get_array(), nullptr);
    ASSERT_EQ(files.get_array()->size(), 1U);
    EXPECT_EQ(at(files.get_array()->front(), "name"), codec::Json{"adapter_config.json"});
}

TEST_F(FinetuneApiTest, WhatHasEndedIsKnownWithoutTheSchedulerAndAfterARestart) {
    const std::string id = created();
    output = kProgress;
    state = WorkState::kSucceeded;
    const std::string first = get("/" + id)->body();
    restart();
    const int before = questions;
    EXPECT_EQ(get("/" + id)->body(), first);
    EXPECT_EQ(data_of(get("")).size(), 1U);
    EXPECT_EQ(questions, before);
}

TEST_F(FinetuneApiTest, EventsAndCheckpointsComeNewestFirstInPages) {
    const std::string id = created();
    output = kProgress;
    step_state = StepState::kRunning;
    const Answer all = get("/" + id + "/events?limit=100");
    const codec::JsonArray events = data_of(all);
    ASSERT_EQ(events.size(), 8U) << all->body();
    EXPECT_EQ(at(events[7], "message"), codec::Json{"Created fine-tuning job: " + id});
    EXPECT_EQ(at(events[2], "type"), codec::Json{"metrics"});
    EXPECT_EQ(at(at(events[2], "data"), "valid_loss"), codec::Json{1.25});
    EXPECT_EQ(at(events[2], "created_at"), codec::Json{2000});

    const Answer page = get("/" + id + "/events?limit=3");
    EXPECT_EQ(at(json_of(page), "has_more"), codec::Json{true});
    const std::string last = *at(data_of(page).back(), "id").get_string();
    const codec::JsonArray next = data_of(get("/" + id + "/events?limit=3&after=" + last));
    ASSERT_EQ(next.size(), 3U);
    EXPECT_EQ(next[0], events[3]);

    const codec::JsonArray checkpoints = data_of(get("/" + id + "/checkpoints"));
    ASSERT_EQ(checkpoints.size(), 2U);
    EXPECT_EQ(at(checkpoints[0], "step_number"), codec::Json{6});
    EXPECT_EQ(at(at(checkpoints[1], "metrics"), "valid_loss"), codec::Json{2.25});
    EXPECT_EQ(get("/" + id + "/events?after=moon")->head.status, 400U);
    EXPECT_EQ(get("/" + id + "/events?limit=0")->head.status, 400U);
}

TEST_F(FinetuneApiTest, ABadDatasetIsTheErrorOfTheJob) {
    const std::string id = created();
    state = WorkState::kFailed;
    error = "step main/0 failed 3 times";
    output = "vcity-worker: /job/train.jsonl: line 3: messages[1].role is \"moon\"\n";
    const codec::Json job = json_of(get("/" + id));
    EXPECT_EQ(at(job, "status"), codec::Json{"failed"});
    EXPECT_TRUE(at(job, "fine_tuned_model").is_null());
    const codec::Json told = at(job, "error");
    EXPECT_EQ(at(told, "code"), codec::Json{"invalid_dataset"});
    EXPECT_EQ(at(told, "param"), codec::Json{"training_file"});
    EXPECT_NE(at(told, "message").get_string()->find("line 3: messages[1].role"), std::string::npos);
    EXPECT_EQ(at(data_of(get("/" + id + "/events"))[0], "level"), codec::Json{"error"});
}

TEST_F(FinetuneApiTest, AJobCanBeCancelledOnceOrMore) {
    const std::string id = created();
    const std::string path = "/v1/fine_tuning/jobs/" + id + "/cancel";
    EXPECT_EQ(at(json_of(send("POST", path, "", key)), "status"), codec::Json{"cancelled"});
    EXPECT_EQ(at(json_of(send("POST", path, "{}", key)), "status"), codec::Json{"cancelled"});
}

TEST_F(FinetuneApiTest, TheListHasPages) {
    const std::string first = created();
    const std::string second = created(R"("seed":2)");
    const Answer all = get("");
    ASSERT_EQ(data_of(all).size(), 2U) << all->body();
    const codec::JsonArray page = data_of(get("?limit=1"));
    ASSERT_EQ(page.size(), 1U);
    const std::string shown = *at(page[0], "id").get_string();
    const codec::JsonArray rest = data_of(get("?after=" + shown));
    ASSERT_EQ(rest.size(), 1U);
    EXPECT_EQ(*at(rest[0], "id").get_string(), shown == first ? second : first);
    EXPECT_EQ(code_of(*get("?after=moon")), "job_not_found");
    EXPECT_EQ(get("?limit=101")->head.status, 400U);
}

TEST_F(FinetuneApiTest, AnIdempotencyKeyNamesOneJob) {
    const Answer first = create("", "mine");
    const Answer again = create("", "mine");
    EXPECT_EQ(at(json_of(first), "id"), at(json_of(again), "id"));
    EXPECT_EQ(orders.size(), 1U);
    EXPECT_EQ(code_of(*create(R"("seed":9)", "mine")), "idempotency_mismatch");
}

TEST_F(FinetuneApiTest, RefusalsNameWhatIsWrong) {
    EXPECT_EQ(code_of(*create(R"("validation_file":"file-nobody")")), "file_not_found");
    EXPECT_EQ(code_of(*create(R"("moon":1)")), "unknown_parameter");
    EXPECT_EQ(create(R"("metadata":{"a":")" + std::string(100'000, 'x') + "\"}")->head.status, 413U);
    EXPECT_TRUE(orders.empty());
    const std::string nobody = "ftjob-" + std::string(64, 'a');
    EXPECT_EQ(code_of(*get("/" + nobody)), "job_not_found");
    EXPECT_EQ(code_of(*get("/ftjob-moon")), "job_not_found");
    EXPECT_EQ(code_of(*get("/" + nobody + "/moon")), "route_not_found");
    EXPECT_EQ(send("DELETE", "/v1/fine_tuning/jobs", "", key)->head.status, 405U);
    EXPECT_EQ(send("GET", "/v1/fine_tuning/jobs", "", "sk-wrong")->head.status, 401U);
}

}  // namespace
}  // namespace vcity::gateway
