// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "codec/base64.hpp"
#include "codec/integer.hpp"
#include "services/gateway/gateway_fixture.hpp"
#include "services/gateway/webhooks/webhook_record.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway::test {
namespace {

using codec::Json;

TEST(WebhookSignature, IsThatOfStandardWebhooks) {
    Hash secret;
    secret.bytes.fill(0x11);
    EXPECT_EQ(webhook_secret_text(secret), "whsec_ERERERERERERERERERERERERERERERERERERERERERE=");
    // As openssl computes the HMAC of "msg_1.1700000000.{}".
    EXPECT_EQ(webhook_signature(secret, "msg_1", 1'700'000'000, "{}"),
              "v1,ErnW6hz82PNoqdeJZugM4rFQqh8f+EWkN+8vjN1PzM0=");
}

TEST(WebhookPauses, AreFortyTwoHoursInAll) {
    std::uint64_t least = 0;
    std::uint64_t most = 0;
    for (std::uint64_t tries = 1; tries < kWebhookTriesMax; ++tries) {
        std::uint64_t shortest = UINT64_MAX;
        std::uint64_t longest = 0;
        for (std::uint64_t draw = 0; draw < 20'000; ++draw) {
            shortest = std::min(shortest, webhook_pause_seconds(tries, draw));
            longest = std::max(longest, webhook_pause_seconds(tries, draw));
        }
        least += shortest;
        most += longest;
    }
    EXPECT_GT(least, 37U * 3'600);
    EXPECT_LT(most, 46U * 3'600);
}

TEST(WebhookUrl, IsPublicHttpsOrTheOperatorsOwn) {
    const std::vector<std::string> own = {"http://127.0.0.1:9000"};
    EXPECT_TRUE(is_webhook_url("https://hooks.example/in?x=1", {}));
    EXPECT_TRUE(is_webhook_url("https://hooks.example:8443/", {}));
    EXPECT_TRUE(is_webhook_url("http://127.0.0.1:9000/x", own));
    for (const char* wrong :
         {"http://hooks.example/", "https://hooks.example:22/", "https://user:pw@hooks.example/",
          "ftp://hooks.example/", "http://127.0.0.1:9001/", "http://127.0.0.1:90000/", "", "file:///etc/passwd",
          "https://a b/", "https://localhost/", "https://10.0.0.1/", "https://[::1]/", "https://2130706433/",
          "https://0x7f.1/", "https://metadata.internal/", "https://printer.local/", "https://a./"}) {
        EXPECT_FALSE(is_webhook_url(wrong, own)) << wrong;
    }
}

TEST(WebhookEndpoint, WantsWhatItNames) {
    WebhookEndpoint endpoint;
    EXPECT_TRUE(endpoint.wants("job.failed"));
    endpoint.events = {"job.*", "batch.completed"};
    EXPECT_TRUE(endpoint.wants("job.failed"));
    EXPECT_TRUE(endpoint.wants("batch.completed"));
    EXPECT_FALSE(endpoint.wants("batch.failed"));
    EXPECT_FALSE(endpoint.wants("fine_tuning.job.failed"));
    endpoint.enabled = false;
    EXPECT_FALSE(endpoint.wants("job.failed"));
}

TEST(WebhookRecords, SurviveTheStore) {
    WebhookEndpoint endpoint;
    endpoint.id = "we_1";
    endpoint.account.bytes.fill(7);
    endpoint.url = "https://hooks.example/";
    endpoint.events = {"job.*"};
    endpoint.secret_version = 3;
    EXPECT_EQ(parse_webhook_endpoint(codec::dump_json(to_json(endpoint))).value(), endpoint);
    WebhookDelivery delivery;
    delivery.id = "msg_1";
    delivery.state = DeliveryState::kDead;
    delivery.body = "{}";
    delivery.last_status = 503;
    EXPECT_EQ(parse_webhook_delivery(codec::dump_json(to_json(delivery))).value(), delivery);
    EXPECT_FALSE(parse_webhook_delivery("{}").has_value());
    EXPECT_FALSE(parse_webhook_endpoint("[]").has_value());
}

// A server that answers as told, and keeps what it was sent.
class ScriptedHttp final : public ports::HttpClient {
  public:
    class Answer final : public ports::HttpStream {
      public:
        explicit Answer(unsigned status) { head_.status = status; }
        const ports::HttpResponse& head() const override { return head_; }
        Task<Result<std::string>> read(TimePoint) override { co_return std::string{}; }

      private:
        ports::HttpResponse head_;
    };

    Task<Result<ports::HttpResponse>> send(ports::HttpRequest, TimePoint) override {
        co_return make_error(Errc::kInvalid, "not used");
    }
    Task<Result<std::unique_ptr<ports::HttpStream>>> open(ports::HttpRequest request, TimePoint) override {
        requests.push_back(std::move(request));
        if (status == 0) co_return make_error(Errc::kDenied, "no address of the server may be connected to");
        std::unique_ptr<ports::HttpStream> answer = std::make_unique<Answer>(status);
        co_return answer;
    }

    unsigned status = 200;
    std::vector<ports::HttpRequest> requests;
};

Task<void> subscribe_to(WebhookDesk* desk, WebhookEndpoint* endpoint) {
    const WebhookEndpoint wanted = *endpoint;
    const Result<WebhookEndpoint> made = co_await desk->put(wanted);
    EXPECT_TRUE(made.has_value());
    if (made) *endpoint = *made;
}

TEST(WebhookDesk, EightTriesThenDeadThenResent) {
    sim::SimRuntime world{1};
    MemoryStore store;
    WriteBehind writes{&world, &store, Log{nullptr, "test"}};
    ScriptedHttp http;
    http.status = 500;
    WebhookDesk desk{
        {.runtime = &world, .store = &store, .writes = &writes, .http = &http, .secret = {}, .log = {nullptr, "test"}},
        {}};
    WebhookEndpoint endpoint;
    endpoint.url = "https://hooks.example/in";
    world.spawn(subscribe_to(&desk, &endpoint));
    world.spawn(desk.run());
    const auto pass = [&](Duration duration) { world.run_until(world.now() + duration, 1'000'000); };
    pass(std::chrono::seconds{1});
    desk.publish(endpoint.account, "job.failed", Json{});

    pass(std::chrono::hours{48});
    EXPECT_EQ(http.requests.size(), kWebhookTriesMax);
    const WebhookDelivery dead = desk.deliveries(endpoint.id, 10).front();
    EXPECT_EQ(dead.state, DeliveryState::kDead);
    EXPECT_EQ(dead.last_status, 500U);
    http.status = 204;
    EXPECT_FALSE(desk.resend("we_other", dead.id));
    EXPECT_TRUE(desk.resend(endpoint.id, dead.id));
    EXPECT_FALSE(desk.resend(endpoint.id, dead.id)) << "it waits already";
    pass(std::chrono::seconds{2});
    EXPECT_EQ(desk.deliveries(endpoint.id, 10).front().state, DeliveryState::kDelivered);
    EXPECT_EQ(http.requests.front().headers.get("webhook-id"), http.requests.back().headers.get("webhook-id"));
    desk.stop();
    pass(std::chrono::minutes{1});
}

class WebhookTest : public GatewayFixture<sim::SimRuntime> {
  public:
    WebhookTest() {
        shut_down();
        webhook_http = &http;
        boot({});
        admin = create_key(R"("scopes":["admin"])");
    }
    ~WebhookTest() override { shut_down(); }

    static Json json_of(const RecordingResponder& answer) {
        Result<Json> json = codec::parse_json(answer.body());
        EXPECT_TRUE(json.has_value()) << answer.body();
        return json ? *std::move(json) : Json{};
    }
    static std::string text_of(const Json& json, std::string_view name) {
        const Json* value = json.find(name);
        return value != nullptr && value->get_string() != nullptr ? *value->get_string() : std::string{};
    }
    Json subscribe(const std::string& fields = {}) {
        const auto answer =
            send("POST", "/api/v1/webhooks", R"({"url":"https://hooks.example/in")" + fields + "}", admin);
        EXPECT_EQ(answer->head.status, 201U) << answer->body();
        return json_of(*answer);
    }
    Json deliveries(const std::string& id, const std::string& query = {}) {
        return *json_of(*send("GET", "/api/v1/webhooks/" + id + "/deliveries" + query, "", admin)).find("data");
    }

    ScriptedHttp http;
    std::string admin;
};

TEST_F(WebhookTest, AnEventArrivesSigned) {
    const Json made = subscribe();
    EXPECT_TRUE(text_of(made, "secret").starts_with("whsec_"));
    const std::string id = text_of(made, "id");
    EXPECT_EQ(send("POST", "/api/v1/webhooks/" + id + "/test", "", admin)->head.status, 202U);
    pass(std::chrono::seconds{1});

    ASSERT_EQ(http.requests.size(), 1U);
    const ports::HttpRequest& sent = http.requests.front();
    EXPECT_EQ(sent.target, "https://hooks.example/in");
    const Json event = *codec::parse_json(sent.body);
    EXPECT_EQ(text_of(event, "type"), "webhook.test");
    EXPECT_EQ(text_of(event, "id"), sent.headers.get("webhook-id"));
    const Result<Bytes> secret =
        codec::parse_base64(text_of(made, "secret").substr(6), codec::Base64Alphabet::kStandard);
    const Result<std::uint64_t> time = codec::parse_decimal(sent.headers.get("webhook-timestamp"));
    EXPECT_EQ(webhook_signature(Hash::make(*secret), text_of(event, "id"), *time, sent.body),
              sent.headers.get("webhook-signature"));
    EXPECT_EQ(text_of(deliveries(id).get_array()->front(), "state"), "delivered");
}

TEST_F(WebhookTest, WhatWaitsSurvivesARestart) {
    http.status = 0;
    const std::string id = text_of(subscribe(), "id");
    (void)send("POST", "/api/v1/webhooks/" + id + "/test", "", admin);
    pass(std::chrono::seconds{2});
    shut_down();
    http.status = 200;
    boot({});
    pass(std::chrono::seconds{10});
    const Json delivery = deliveries(id).get_array()->front();
    EXPECT_EQ(text_of(delivery, "state"), "delivered");
    for (const auto& [name, value] : store.entries) {
        EXPECT_EQ(as_text(value).find("whsec_"), std::string::npos) << name;
    }
}

TEST_F(WebhookTest, AnEndpointThatIsGoneIsNotAskedAgain) {
    http.status = 410;
    const std::string id = text_of(subscribe(), "id");
    (void)send("POST", "/api/v1/webhooks/" + id + "/test", "", admin);
    pass(std::chrono::seconds{30});
    EXPECT_EQ(http.requests.size(), 1U);
}

TEST_F(WebhookTest, ABudgetThatIsUsedUpIsToldOnce) {
    (void)subscribe(R"(,"events":["budget.*"])");
    const std::string poor = create_key(R"("budgets":[{"window":"1d","usd":"0"}])");
    for (int attempt = 0; attempt < 3; ++attempt) {
        EXPECT_EQ(send("POST", "/v1/chat/completions", chat_body({}), poor)->head.status, 402U);
    }
    const std::string soft = create_key(R"("soft_budget":"0")");
    EXPECT_EQ(send("POST", "/v1/chat/completions", chat_body({}), soft)->head.status, 200U);
    EXPECT_EQ(send("POST", "/v1/chat/completions", chat_body({}), soft)->head.status, 200U);
    pass(std::chrono::seconds{2});
    std::vector<std::string> types;
    for (const ports::HttpRequest& request : http.requests) {
        types.push_back(text_of(*codec::parse_json(request.body), "type"));
    }
    EXPECT_EQ(types, (std::vector<std::string>{"budget.exceeded", "budget.soft_exceeded"}));
}

TEST_F(WebhookTest, TheEndpointIsCheckedChangedAndRemoved) {
    const auto refusal = [&](const std::string& body) {
        return code_of(*send("POST", "/api/v1/webhooks", body, admin));
    };
    EXPECT_EQ(refusal("{}"), "missing_parameter");
    EXPECT_EQ(refusal(R"({"url":"http://169.254.169.254/"})"), "invalid_value");
    EXPECT_EQ(refusal(R"({"url":"https://a.example","events":["moon"]})"), "invalid_value");
    EXPECT_EQ(refusal(R"({"url":"https://a.example","color":1})"), "unknown_parameter");
    const Json made = subscribe();
    const std::string path = "/api/v1/webhooks/" + text_of(made, "id");
    EXPECT_EQ(text_of(json_of(*send("PATCH", path, R"({"description":"x"})", admin)), "description"), "x");
    EXPECT_NE(text_of(json_of(*send("POST", path + "/secret", "", admin)), "secret"), text_of(made, "secret"));
    EXPECT_EQ(json_of(*send("GET", path, "", admin)).find("secret"), nullptr);
    EXPECT_EQ(send("DELETE", path, "", admin)->head.status, 200U);
    EXPECT_EQ(code_of(*send("GET", path, "", admin)), "webhook_not_found");
    EXPECT_EQ(code_of(*send("GET", "/api/v1/webhooks", "", key)), "scope_missing");
    for (int number = 0; number < 20; ++number) (void)subscribe();
    EXPECT_EQ(refusal(R"({"url":"https://a.example"})"), "webhook_quota_exceeded");
}

}  // namespace
}  // namespace vcity::gateway::test
