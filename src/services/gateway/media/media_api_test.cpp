// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/media/media_api.hpp"

#include <gtest/gtest.h>

#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "crypto/sha256.hpp"
#include "services/gateway/gateway_fixture.hpp"
#include "sim/fakes/blobs.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway {
namespace {

using namespace std::chrono_literals;
using test::RecordingResponder;
using Answer = std::shared_ptr<RecordingResponder>;

constexpr const char* kSpeech = R"({"model":"espeak-ng","input":"Hello","voice":"alloy"})";

std::string hex_of(std::string_view content) {
    return codec::to_hex(crypto::sha256(as_bytes(content))).substr(2);
}

// A scheduler that accepts every order, and a node that makes the files of `makes` by the second look.
class MediaApiTest : public test::GatewayFixture<sim::SimRuntime> {
  public:
    MediaApiTest() {
        options.public_url = "https://gateway";
        options.request_deadline = 2min;
        scheduler.on_work = [this](const Message& message) { answer(message); };
        shut_down();
        blobs = &folder;
        boot(options);
    }
    ~MediaApiTest() override { shut_down(); }

    void answer(const Message& message) {
        if (const auto* submit = std::get_if<WorkSubmit>(&message)) {
            orders.push_back(submit->order);
            looks = 0;
            state = WorkState::kActive;
            scheduler.send(WorkAccepted{submit->order.job_id, submit->order.budget, {}});
        } else if (const auto* asked = std::get_if<WorkStatusRequest>(&message)) {
            if (++looks == 2 && !is_stuck) make_files();
            scheduler.send(status_of(asked->job_id));
        } else if (const auto* cancel = std::get_if<WorkCancel>(&message)) {
            state = WorkState::kCancelled;
            scheduler.send(status_of(cancel->job_id));
        } else if (const auto* output = std::get_if<WorkOutputRequest>(&message)) {
            WorkOutputReply reply;
            reply.job_id = output->job_id;
            reply.step_id = output->step_id;
            reply.known = true;
            const std::string_view said = "{\"event\":\"start\"}\nvcity-studio: voice 'x9': there is none\n";
            reply.bytes.assign(said.begin(), said.end());
            reply.is_end = true;
            scheduler.send(reply);
        }
    }

    void make_files() {
        state = ends;
        StepStatus step;
        step.group = kMediaStep;
        for (const auto& [name, content] : makes) {
            step.files.push_back({.name = name, .sha256 = crypto::sha256(as_bytes(content)), .bytes = content.size()});
            const std::string target = orders.back().files_url.substr(options.public_url.size()) + hex_of(content);
            launch(a_request("PUT", target, "", ""), {content});
        }
        steps = {step};
    }

    WorkStatusReply status_of(const JobId& job_id) const {
        WorkStatusReply reply;
        reply.job_id = job_id;
        reply.known = true;
        reply.state = state;
        reply.steps = steps;
        return reply;
    }

    Answer post(std::string_view path, const std::string& body) { return send("POST", std::string{path}, body, key); }

    GatewayOptions options;
    sim::FakeBlobDisk disk;
    sim::FakeBlobs folder{&disk};
    std::vector<WorkOrder> orders;
    std::vector<StepStatus> steps;
    std::vector<std::pair<std::string, std::string>> makes;
    WorkState state = WorkState::kActive;
    WorkState ends = WorkState::kSucceeded;
    int looks = 0;
    bool is_stuck = false;
};

TEST_F(MediaApiTest, SpeechIsTheFileThatItsJobLeft) {
    makes = {{"00000.mp3", "sound"}};
    const Answer said = post(kSpeechPath, kSpeech);
    ASSERT_EQ(said->head.status, 200U) << said->body();
    EXPECT_EQ(said->body(), "sound");
    EXPECT_EQ(said->head.headers.get("content-type"), "audio/mpeg");
    EXPECT_TRUE(said->head.headers.get("x-job-id").starts_with("job"));
    ASSERT_EQ(orders.size(), 1U);
    EXPECT_EQ(orders[0].spec.groups[0].setup.program, "generate");
    EXPECT_EQ(orders[0].budget, Usd{50'000});
}

TEST_F(MediaApiTest, ImagesComeAsTheirBytesOrAsLinksThatGiveNothingElse) {
    makes = {{"00000.png", "one"}, {"00001.png", "two"}};
    const Answer told = post(kImagesPath, R"({"prompt":"a red circle","n":2,"response_format":"b64_json"})");
    ASSERT_EQ(told->head.status, 200U) << told->body();
    const codec::Json json = codec::parse_json(told->body()).value();
    const codec::JsonArray& data = *json.find("data")->get_array();
    ASSERT_EQ(data.size(), 2U);
    EXPECT_EQ(*data[1].find("b64_json")->get_string(), codec::to_base64(as_bytes("two")));

    const Answer linked = post(kImagesPath, R"({"prompt":"a red circle","n":2})");
    ASSERT_EQ(linked->head.status, 200U) << linked->body();
    const codec::Json links = codec::parse_json(linked->body()).value();
    const std::string first = *(*links.find("data")->get_array())[0].find("url")->get_string();
    ASSERT_TRUE(first.starts_with(options.public_url)) << first;
    const std::string target = first.substr(options.public_url.size());
    EXPECT_EQ(send("GET", target, "", "")->body(), "one");
    const std::string other = target.substr(0, target.rfind('/') + 1) + hex_of("two");
    EXPECT_EQ(send("GET", other, "", "")->head.status, 404U);
    EXPECT_EQ(send("PUT", target, "", "")->head.status, 404U);
    pass(61min);
    EXPECT_EQ(send("GET", target, "", "")->head.status, 404U);
}

TEST_F(MediaApiTest, TheSeedOfAnOrderThatIsRepeatedIsTheSame) {
    makes = {{"00000.png", "one"}};
    const auto ask = [this] {
        ports::HttpRequest request = a_request("POST", std::string{kImagesPath}, R"({"prompt":"a"})", key);
        request.headers.set("idempotency-key", "mine");
        return finish(launch(std::move(request)));
    };
    EXPECT_EQ(ask()->head.status, 200U);
    EXPECT_EQ(ask()->head.status, 200U);
    EXPECT_EQ(orders.size(), 1U);
}

TEST_F(MediaApiTest, AJobThatFailsSaysWhy) {
    ends = WorkState::kFailed;
    const Answer failed = post(kSpeechPath, kSpeech);
    EXPECT_EQ(code_of(*failed), "provider_failed");
    EXPECT_NE(failed->body().find("voice 'x9': there is none"), std::string::npos) << failed->body();
}

TEST_F(MediaApiTest, AJobThatTakesTooLongIsCancelled) {
    is_stuck = true;
    EXPECT_EQ(code_of(*post(kSpeechPath, kSpeech)), "request_timeout");
    EXPECT_EQ(state, WorkState::kCancelled);
}

TEST_F(MediaApiTest, AClientThatLeavesCancelsItsJob) {
    is_stuck = true;
    const Answer gone = launch(a_request("POST", std::string{kSpeechPath}, kSpeech, key));
    pass(1s);
    gone->connected = false;
    finish(gone);
    EXPECT_EQ(state, WorkState::kCancelled);
}

TEST_F(MediaApiTest, BadRequestsOrderNothing) {
    EXPECT_EQ(code_of(*post(kSpeechPath, R"({"model":"tts-1","input":"a","voice":"alloy"})")), "model_not_found");
    EXPECT_EQ(code_of(*post(kImagesPath, R"({"prompt":7})")), "invalid_type");
    EXPECT_EQ(code_of(*post(kImagesPath, "{")), "invalid_json");
    EXPECT_EQ(post(kImagesPath, std::string(65U << 10U, ' '))->head.status, 413U);
    ports::HttpRequest form = a_request("POST", std::string{kSpeechPath}, "a=b", key);
    form.headers.set("content-type", "application/x-www-form-urlencoded");
    EXPECT_EQ(finish(launch(std::move(form)))->head.status, 415U);
    EXPECT_TRUE(orders.empty());
}

}  // namespace
}  // namespace vcity::gateway
