// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "services/gateway/deployments/fleet_request.hpp"
#include "services/gateway/gateway_fixture.hpp"
#include "services/gateway/work/work_json.hpp"
#include "sim/fakes/streams.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway {
namespace {

using namespace std::chrono_literals;
using test::RecordingResponder;

constexpr const char* kBody = R"({"name":"chat","budget":"10","where":{"hourly_max":"0.36"},
    "steps":[{"name":"serve","run":"exec server","ports":[{"name":"api","port":8000}]}],
    "scale":{"min":1,"max":2,"requests_per_replica":2,"idle_seconds":30},
    "readiness":{"path":"/health","seconds":60},"openai":{"model":"small"}})";

class Dialler final : public RecordingResponder {
  public:
    explicit Dialler(Runtime* runtime) : runtime_{runtime} {}
    Task<Result<std::unique_ptr<ports::WebSocket>>> upgrade(ports::WebSocketLimits limits) override {
        sim::WebSocketPair pair = sim::make_web_socket_pair(runtime_, limits);
        peer = std::move(pair.first);
        co_return std::move(pair.second);
    }
    std::unique_ptr<ports::WebSocket> peer;

  private:
    Runtime* runtime_;
};

// A scheduler that runs every job at once, on nodes whose servers answer when they are well.
class Deployments : public test::GatewayFixture<sim::SimRuntime> {
  protected:
    Deployments() {
        shut_down();
        boot_public();
    }
    ~Deployments() override { shut_down(); }

    void boot_public() {
        GatewayOptions options;
        options.public_url = "https://gw.example";
        boot(options);
        scheduler.on_work = [this](const Message& message) { hear(message); };
    }
    struct Ran {
        WorkOrder order;
        bool is_well = true;
        WorkState state = WorkState::kActive;
        std::uint32_t asked = 0;  // requests that are no probes
    };

    void hear(const Message& message) {
        if (const auto* submit = std::get_if<WorkSubmit>(&message)) {
            if (!runs.contains(submit->order.job_id)) ordered.push_back(submit->order.job_id);
            runs[submit->order.job_id].order = submit->order;
            runs[submit->order.job_id].is_well = starts_well;
            scheduler.send(WorkAccepted{submit->order.job_id, submit->order.budget, {}});
        } else if (const auto* asked = std::get_if<WorkStatusRequest>(&message)) {
            scheduler.send(status_of(asked->job_id));
        } else if (const auto* cancel = std::get_if<WorkCancel>(&message)) {
            if (runs.contains(cancel->job_id)) runs[cancel->job_id].state = WorkState::kCancelled;
            scheduler.send(status_of(cancel->job_id));
        } else if (const auto* open = std::get_if<TunnelOpen>(&message)) {
            world.spawn(dial(*open));
        }
    }
    WorkStatusReply status_of(const JobId& job_id) {
        WorkStatusReply reply;
        reply.job_id = job_id;
        const auto found = runs.find(job_id);
        reply.known = found != runs.end();
        if (!reply.known) return reply;
        reply.state = found->second.state;
        reply.charged = Usd{reply.state == WorkState::kActive ? 0U : 1'000U};
        StepStatus& step = reply.steps.emplace_back();
        step.group = "serve";
        step.state = StepState::kRunning;
        step.node.bytes[0] = 7;
        step.started_at = world.unix_now();
        return reply;
    }
    Task<void> dial(TunnelOpen open) {
        auto responder = std::make_shared<Dialler>(&world);
        ports::HttpRequest request = a_request("GET", open.url.substr(std::string{"wss://gw.example"}.size()), "", "");
        request.headers.set("Upgrade", "WebSocket");
        world.spawn(serve(open.job_id, responder));
        Gateway* const meeting = gateway.get();
        co_await meeting->handle(std::move(request), responder.get());
    }
    // The node and the server behind it.
    Task<void> serve(JobId job_id, std::shared_ptr<Dialler> node) {
        for (int turn = 0; turn < 100 && !node->peer; ++turn) {
            const TimePoint later = world.now() + 1ms;
            co_await world.sleep_until(later);
        }
        if (!node->peer) co_return;
        std::string text;
        while (text.find("\r\n\r\n") == std::string::npos) {
            const Result<ports::WebSocketMessage> message = co_await node->peer->read();
            if (!message) co_return;
            text += as_text(message->bytes);
        }
        Ran& run = runs[job_id];
        if (!run.is_well) co_return;
        const bool is_probe = text.starts_with("GET /health ");
        if (!is_probe) ++run.asked;
        last_request = is_probe ? last_request : text;
        const TimePoint later = world.now() + (is_probe ? 0ms : work_time);
        co_await world.sleep_until(later);
        const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        ports::WebSocketMessage message{.bytes = Bytes{answer.begin(), answer.end()}};
        (void)co_await node->peer->write(std::move(message));
        const TimePoint end = world.now() + 1s;
        co_await world.sleep_until(end);
    }

    std::shared_ptr<RecordingResponder> api(const std::string& method,
                                            const std::string& rest = {},
                                            const std::string& body = {}) {
        return send(method, "/api/v1/deployments" + rest, body, key);
    }
    codec::Json shown() {
        const Result<codec::Json> json = codec::parse_json(api("GET", "/chat")->body());
        return json ? *json : codec::Json{};
    }
    std::string state() {
        const codec::Json* text = shown().find("state");
        return text == nullptr ? "none" : *shown().find("state")->get_string();
    }
    std::string created(const std::string& body = kBody) {
        const auto answer = api("POST", {}, body);
        EXPECT_EQ(answer->head.status, 201U) << answer->body();
        pass(5s);
        return state();
    }
    std::string replaced(std::string_view what, std::string_view by) const {
        std::string body{kBody};
        body.replace(body.find(what), what.size(), by);
        return body;
    }

    std::map<JobId, Ran> runs;
    std::vector<JobId> ordered;
    std::string last_request;
    std::chrono::milliseconds work_time{1};
    bool starts_well = true;
};

TEST_F(Deployments, AReplicaIsOrderedProbedAndAnswersRequests) {
    EXPECT_EQ(created(), "Running");
    ASSERT_EQ(ordered.size(), 1U);
    const WorkOrder& order = runs[ordered[0]].order;
    EXPECT_TRUE(order.spec.groups.at(0).setup.is_service);
    EXPECT_LE(order.budget, Usd{10'000'000});
    const auto answer = send("POST", "/d/chat/echo?x=1", "body", key);
    EXPECT_EQ(answer->head.status, 200U) << answer->body();
    EXPECT_EQ(answer->body(), "hello");
    EXPECT_EQ(answer->head.headers.get("x-vcity-replica"), "1");
    EXPECT_TRUE(last_request.starts_with("POST /echo?x=1 HTTP/1.1")) << last_request;
    EXPECT_EQ(last_request.find("sk-"), std::string::npos) << "the key must stay here";
}

TEST_F(Deployments, AModelNameLeadsToIt) {
    created();
    const auto answer =
        send("POST", "/v1/chat/completions", R"({"model":"deployment/chat","messages":[],"top_p":0.3})", key);
    EXPECT_EQ(answer->body(), "hello");
    EXPECT_TRUE(last_request.starts_with("POST /v1/chat/completions HTTP/1.1")) << last_request;
    EXPECT_NE(last_request.find(R"("model":"small")"), std::string::npos) << last_request;
    EXPECT_NE(send("GET", "/v1/models", "", key)->body().find("deployment/chat"), std::string::npos);
    const auto other = send("POST", "/v1/chat/completions", R"({"model":"deployment/other","messages":[]})", key);
    EXPECT_EQ(code_of(*other), "model_not_found");
}

TEST_F(Deployments, ABrokenReplicaIsPassedOverBeforeTheFirstByte) {
    created(replaced(R"("min":1)", R"("min":2)"));
    ASSERT_EQ(ordered.size(), 2U);
    runs[ordered[0]].is_well = false;
    for (int request = 0; request < 4; ++request) {
        EXPECT_EQ(send("GET", "/d/chat/", "", key)->head.status, 200U);
    }
    EXPECT_EQ(runs[ordered[1]].asked, 4U);
    pass(60s);
    EXPECT_EQ(state(), "Running");
    EXPECT_EQ(runs[ordered[0]].state, WorkState::kCancelled);
    EXPECT_GE(ordered.size(), 3U);
}

TEST_F(Deployments, ItSleepsWithoutRequestsAndOneWakesIt) {
    created(replaced(R"("min":1)", R"("min":0)"));
    pass(90s);
    EXPECT_EQ(state(), "Scaled to Zero");
    const auto now = send("GET", "/d/chat/", "", key);
    EXPECT_EQ(now->head.status, 503U);
    EXPECT_EQ(code_of(*now), "deployment_not_ready");
    pass(90s);
    ports::HttpRequest patient = a_request("GET", "/d/chat/", "", key);
    patient.headers.set("X-Scale-Up-Timeout", "30");
    const auto later = finish(launch(std::move(patient)));
    EXPECT_EQ(later->head.status, 200U) << later->body();
}

TEST_F(Deployments, MoreIsStartedForMoreDemandAndLoadIsSpread) {
    created();
    work_time = 500ms;
    std::vector<std::shared_ptr<RecordingResponder>> answers;
    for (int turn = 0; turn < 60; ++turn) {
        for (int at_once = 0; at_once < 4; ++at_once) answers.push_back(launch(a_request("GET", "/d/chat/", "", key)));
        pass(500ms);
    }
    for (const auto& answer : answers) EXPECT_EQ(finish(answer)->head.status, 200U);
    ASSERT_EQ(ordered.size(), 2U);
    EXPECT_GT(runs[ordered[1]].asked, 20U);
}

TEST_F(Deployments, ReplicasAreThereBeforeAPeakThatComesEveryDay) {
    constexpr auto kDay = 24h;
    constexpr auto kPeakAt = 2h;
    const std::uint64_t expiry = world.unix_now().count() / 1000 + 3 * 86'400;
    const std::string cap = codec::dump_json(to_json(test::a_cap(scheduler.scheduler_key.address(), expiry)));
    const auto made = send("POST", "/admin/keys", R"({"name":"long","cap":)" + cap + "}", "admin");
    key = *codec::parse_json(made->body())->find("key")->get_string();
    std::string body = replaced(R"("min":1)", R"("min":0)");
    body.replace(body.find(R"("idle_seconds":30)"), std::string_view{R"("idle_seconds":30)"}.size(),
                 R"("idle_seconds":600)");
    created(body);
    const TimePoint begun = world.now();
    const auto pass_until = [&](TimePoint until) {
        while (world.now() < until) pass(std::min<Duration>(until - world.now(), 10min));
    };
    const auto live = [&] {
        return std::ranges::count_if(runs, [](const auto& run) { return run.second.state == WorkState::kActive; });
    };
    work_time = 25s;
    std::vector<std::ptrdiff_t> before_the_peak;
    for (int day = 0; day < 2; ++day) {
        pass_until(begun + day * kDay + kPeakAt - 1h);
        EXPECT_EQ(live(), 0) << "nobody pays for the night, day " << day;
        pass_until(begun + day * kDay + kPeakAt - 1s);
        before_the_peak.push_back(live());
        for (int round = 0; round < 40; ++round) {
            std::vector<std::shared_ptr<RecordingResponder>> answers;
            for (int at_once = 0; at_once < 4; ++at_once) {
                ports::HttpRequest request = a_request("GET", "/d/chat/", "", key);
                request.headers.set("X-Scale-Up-Timeout", "60");
                answers.push_back(launch(std::move(request)));
            }
            pass(26s);
        }
    }
    EXPECT_EQ(before_the_peak.front(), 0) << "nobody could know";
    EXPECT_GE(before_the_peak.back(), 1) << "up when it begins, not a minute later";
}

TEST_F(Deployments, ARestartedGatewayFindsItsReplicasAndOrdersNoneTwice) {
    created();
    shut_down();
    boot_public();
    pass(5s);
    EXPECT_EQ(state(), "Running");
    EXPECT_EQ(ordered.size(), 1U);
    EXPECT_EQ(send("GET", "/d/chat/", "", key)->head.status, 200U);
}

TEST_F(Deployments, AnUpdateReplacesAndABadOneIsRolledBack) {
    created();
    EXPECT_EQ(api("PATCH", "/chat", R"({"readiness":{"seconds":50}})")->head.status, 200U);
    pass(10s);
    EXPECT_EQ(ordered.size(), 2U);
    EXPECT_EQ(runs[ordered[0]].state, WorkState::kCancelled);
    EXPECT_EQ(state(), "Running");
    starts_well = false;
    EXPECT_EQ(api("PATCH", "/chat", R"({"readiness":{"seconds":20}})")->head.status, 200U);
    pass(90s);
    EXPECT_NE(api("GET", "/chat/events")->body().find("rolled_back"), std::string::npos);
    EXPECT_EQ(runs[ordered[1]].state, WorkState::kActive);
    EXPECT_EQ(state(), "Running");
}

TEST_F(Deployments, PausingResumingAndRemoving) {
    created();
    EXPECT_EQ(api("POST", "/chat/pause")->head.status, 200U);
    pass(5s);
    EXPECT_EQ(state(), "Paused");
    EXPECT_EQ(runs[ordered[0]].state, WorkState::kCancelled);
    EXPECT_EQ(code_of(*send("GET", "/d/chat/", "", key)), "deployment_not_ready");
    EXPECT_EQ(api("POST", "/chat/resume")->head.status, 200U);
    pass(5s);
    EXPECT_EQ(state(), "Running");
    EXPECT_EQ(code_of(*api("POST", {}, kBody)), "deployment_exists");
    EXPECT_EQ(api("DELETE", "/chat")->head.status, 200U);
    pass(5s);
    EXPECT_EQ(code_of(*api("GET", "/chat")), "deployment_not_found");
    EXPECT_EQ(runs[ordered.back()].state, WorkState::kCancelled);
    EXPECT_EQ(created(), "Running") << "the name is free again";
}

TEST_F(Deployments, TheRecordOfAnEnterpriseSaysWhatWasMeasured) {
    created(replaced(R"("openai":{"model":"small"})", R"("kind":"enterprise","sla":{"availability":0.999})"));
    pass(60s);
    send("GET", "/d/chat/", "", key);
    const Result<codec::Json> list = codec::parse_json(api("GET", "/chat/sla")->body());
    ASSERT_TRUE(list.has_value());
    const codec::Json& report = list->find("data")->get_array()->at(0);
    double availability = 0;
    ASSERT_TRUE(report.find("availability")->get_double(&availability));
    EXPECT_EQ(availability, 1.0);
    std::uint64_t requests = 0;
    EXPECT_TRUE(report.find("requests")->get_u64(&requests));
    EXPECT_EQ(requests, 1U);
    EXPECT_EQ(*report.find("credit")->get_string(), "0.000000");
    EXPECT_EQ(api("GET", "/chat/sla?month=2026-13")->head.status, 400U);
}

TEST_F(Deployments, NobodyElseSeesItAndBadRequestsNameTheirField) {
    created();
    EXPECT_EQ(code_of(*api("GET", "/nothing")), "deployment_not_found");
    EXPECT_EQ(code_of(*send("GET", "/d/nothing/", "", key)), "deployment_not_found");
    EXPECT_EQ(send("GET", "/d/chat/", "", "sk-vcity-wrong")->head.status, 401U);
    const std::string narrow = create_key(R"("name":"narrow","models":["vcity/test"])");
    EXPECT_EQ(code_of(*send("GET", "/d/chat/", "", narrow)), "model_not_allowed");
    const std::string named = create_key(R"("name":"named","models":["deployment/chat"])");
    EXPECT_EQ(send("GET", "/d/chat/", "", named)->head.status, 200U);
    const std::vector<std::pair<std::string, std::string>> bad = {
        {replaced(R"("hourly_max":"0.36")", R"("regions":[])"), "where.hourly_max"},
        {replaced(R"("min":1)", R"("min":3)"), "scale.max"},
        {replaced(R"("name":"chat")", R"("name":"Ch at")"), "name"},
        {replaced(R"(,"ports":[{"name":"api","port":8000}])", ""), "steps[0].ports"},
        {replaced(R"("path":"/health")", R"("path":"health")"), "readiness.path"},
        {replaced(R"("idle_seconds":30)", R"("idle":30)"), "scale.idle"},
        {replaced(R"("run":"exec server")", R"("run":"x","count":2)"), "steps[0].count"},
    };
    for (const auto& [body, field] : bad) {
        const auto answer = api("POST", {}, body);
        EXPECT_EQ(answer->head.status, 400U) << body;
        EXPECT_NE(answer->body().find("\"param\":\"" + field + "\""), std::string::npos) << answer->body();
    }
    EXPECT_EQ(api("PATCH", "/chat", R"({"name":"other"})")->head.status, 400U);
    EXPECT_EQ(api("PATCH", "/chat", R"({"budget":"0.0001"})")->head.status, 400U);
}

}  // namespace
}  // namespace vcity::gateway
