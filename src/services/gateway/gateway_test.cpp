// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/gateway.hpp"

#include <gtest/gtest.h>

#include "services/gateway/gateway_fixture.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway {
namespace {

using namespace std::chrono_literals;
using test::RecordingResponder;

class GatewayTest : public test::GatewayFixture<sim::SimRuntime> {};

codec::Json json_of(const RecordingResponder& answer) {
    Result<codec::Json> json = codec::parse_json(answer.body());
    EXPECT_TRUE(json.has_value()) << answer.body();
    return json ? *std::move(json) : codec::Json{};
}

std::string text_at(const codec::Json& json, std::string_view name) {
    const codec::Json* value = json.find(name);
    return value != nullptr && value->is_string() ? *value->get_string() : "";
}

TEST_F(GatewayTest, AnswersAChat) {
    const auto answer = chat();

    ASSERT_EQ(answer->head.status, 200U) << answer->body();
    const codec::Json json = json_of(*answer);
    EXPECT_EQ(text_at(json, "object"), "chat.completion");
    EXPECT_TRUE(text_at(json, "id").starts_with("chatcmpl-"));
    const codec::Json& choice = json.find("choices")->get_array()->front();
    EXPECT_EQ(text_at(*choice.find("message"), "content"), "Hello world");
    EXPECT_EQ(text_at(choice, "finish_reason"), "stop");
    // 10 * 0.1 + 2 * 0.4 micro-dollars, rounded up.
    EXPECT_EQ(text_at(*json.find("usage"), "cost_usd"), "0.000002");
}

TEST_F(GatewayTest, TellsCostProviderAndReceiptInHeaders) {
    const auto answer = chat();

    const auto& headers = answer->head.headers;
    EXPECT_EQ(headers.get("x-cost"), "0.000002");
    EXPECT_EQ(headers.get("x-provider"), codec::to_hex(scheduler.node_key.address()));
    EXPECT_EQ(headers.get("x-receipt").size(), 66U);
    EXPECT_EQ(headers.get("x-attempts"), "1");
    EXPECT_FALSE(headers.get("x-quote").empty());
    EXPECT_FALSE(headers.get("x-gateway-overhead-ms").empty());
    EXPECT_TRUE(headers.get("x-request-id").starts_with("req_"));
    EXPECT_EQ(headers.get("x-ratelimit-limit-requests"), "600");
}

TEST_F(GatewayTest, AnswersACompletion) {
    const auto answer =
        send("POST", "/v1/completions", R"({"model":"vcity/test","prompt":"Once","max_tokens":5})", key);

    ASSERT_EQ(answer->head.status, 200U) << answer->body();
    const codec::Json json = json_of(*answer);
    EXPECT_EQ(text_at(json, "object"), "text_completion");
    EXPECT_EQ(text_at(json.find("choices")->get_array()->front(), "text"), "Hello world");
    EXPECT_EQ(scheduler.orders.back().request.prompt, "Once");
    EXPECT_EQ(scheduler.orders.back().request.output_tokens_max, 5U);
}

TEST_F(GatewayTest, PassesTheClientsNonceOnAndTellsWhatAnAuditIsBoundTo) {
    const std::string nonce = "0x" + std::string(64, 'b');
    ports::HttpRequest request =
        a_request("POST", "/v1/chat/completions", chat_body(R"(,"provider":{"verification":"full"})"), key);
    request.headers.set("X-Vcity-Nonce", nonce);
    const auto answer = finish(launch(std::move(request)));

    ASSERT_EQ(answer->head.status, 200U) << answer->body();
    EXPECT_EQ(answer->head.headers.get("x-vcity-nonce"), nonce);
    EXPECT_EQ(codec::to_hex(scheduler.orders.back().request.client_nonce), nonce);
    EXPECT_EQ(scheduler.orders.back().request.verification, Verification::kFull);
    const std::string id = text_at(json_of(*answer), "id");
    const codec::Json told = json_of(*send("GET", "/v1/generation?id=" + id, "", key));
    const codec::Json* audit = told.find("data")->find("audit");
    ASSERT_NE(audit, nullptr);
    EXPECT_EQ(text_at(*audit, "nonce"), nonce);
    EXPECT_EQ(text_at(*audit, "tier"), "B");
    EXPECT_EQ(text_at(*audit, "verification"), "full");

    ports::HttpRequest bad = a_request("POST", "/v1/chat/completions", chat_body(""), key);
    bad.headers.set("X-Vcity-Nonce", "7");
    EXPECT_EQ(finish(launch(std::move(bad)))->head.status, 400U);
    // Without one the gateway draws it.
    (void)chat();
    EXPECT_FALSE(scheduler.orders.back().request.client_nonce.is_zero());
    EXPECT_NE(codec::to_hex(scheduler.orders.back().request.client_nonce), nonce);
}

TEST_F(GatewayTest, SendsQuoteCapAndCeilingWithTheOrder) {
    (void)chat(R"(,"max_tokens":100,"seed":7)");

    const JobOrder& order = scheduler.orders.back();
    EXPECT_EQ(order.prices_max.output, 400'000U);
    EXPECT_EQ(order.quote, *market::quote_of(order.request, order.prices_max));
    EXPECT_EQ(order.cap.cap.client, order.client);
    EXPECT_EQ(order.request.sampling.seed, 7U);
    EXPECT_GT(order.deadline, world.unix_now());
}

TEST_F(GatewayTest, ListsModels) {
    const codec::Json list = json_of(*send("GET", "/v1/models", "", key));
    const codec::Json model = json_of(*send("GET", "/v1/models/vcity%2Ftest", "", key));

    EXPECT_EQ(text_at(list.find("data")->get_array()->front(), "id"), "vcity/test");
    EXPECT_EQ(text_at(model, "object"), "model");
    EXPECT_EQ(text_at(*model.find("pricing"), "completion"), "0.0000004");
}

TEST_F(GatewayTest, RefusesWrongKeysAlike) {
    std::string wrong_checksum = key;
    wrong_checksum.back() = wrong_checksum.back() == 'a' ? 'b' : 'a';

    for (const std::string& bearer : {std::string{"sk-vcity-x"}, wrong_checksum, std::string{"admin"}}) {
        const auto answer = send("POST", "/v1/chat/completions", chat_body(""), bearer);
        EXPECT_EQ(answer->head.status, 401U);
        EXPECT_EQ(code_of(*answer), "invalid_api_key");
    }
    EXPECT_EQ(code_of(*send("GET", "/v1/models", "", "")), "missing_api_key");
    EXPECT_TRUE(scheduler.orders.empty());
}

TEST_F(GatewayTest, RefusesARevokedKey) {
    const codec::Json list = json_of(*send("GET", "/admin/keys", "", "admin"));
    const std::string id = text_at(list.find("data")->get_array()->front(), "id");

    EXPECT_EQ(send("DELETE", "/admin/keys/" + id, "", "admin")->head.status, 200U);

    EXPECT_EQ(chat()->head.status, 401U);
    EXPECT_EQ(send("DELETE", "/admin/keys/0000000000000000", "", "admin")->head.status, 404U);
}

TEST_F(GatewayTest, GuardsTheAdminEndpoints) {
    EXPECT_EQ(code_of(*send("GET", "/admin/keys", "", "wrong")), "invalid_admin_token");
    ports::HttpRequest remote = a_request("GET", "/admin/keys", "", "admin");
    remote.remote = "192.0.2.1:1234";
    EXPECT_EQ(code_of(*finish(launch(std::move(remote)))), "admin_not_local");
}

TEST_F(GatewayTest, RefusesACapThatItsClientDidNotSign) {
    SignedCap cap = test::a_cap(scheduler.scheduler_key.address(), world.unix_now().count() / 1000 + 1'000);
    cap.cap.limit = Usd{900'000'000};

    const auto answer = send("POST", "/admin/keys", R"({"cap":)" + codec::dump_json(to_json(cap)) + "}", "admin");

    EXPECT_EQ(answer->head.status, 400U);
    EXPECT_NE(answer->body().find("not signed by its client"), std::string::npos);
}

TEST_F(GatewayTest, StoresNoKeyInTheClear) {
    for (const auto& [name, value] : store.entries) {
        EXPECT_EQ(as_text(value).find(key.substr(0, 20)), std::string::npos) << name;
    }
    EXPECT_FALSE(store.entries.empty());
}

TEST_F(GatewayTest, KeysSurviveARestart) {
    shut_down();
    boot({});

    EXPECT_EQ(chat()->head.status, 200U);
}

TEST_F(GatewayTest, SaysWhichPathsAndMethodsExist) {
    EXPECT_EQ(code_of(*send("GET", "/v1/threads", "", key)), "route_not_found");
    EXPECT_EQ(code_of(*send("GET", "/v1/chat/completions", "", key)), "method_not_allowed");
    EXPECT_EQ(send("GET", "/health", "", "")->head.status, 200U);
    EXPECT_EQ(send("GET", "/ready", "", "")->head.status, 200U);
}

TEST_F(GatewayTest, RefusesBadBodies) {
    const auto post = [this](std::string body) {
        return code_of(*send("POST", "/v1/chat/completions", std::move(body), key));
    };

    EXPECT_EQ(post("{\"model\":"), "invalid_json");
    EXPECT_EQ(post("{\"model\":\"\xff\"}"), "invalid_utf8");
    EXPECT_EQ(post("[]"), "invalid_type");
    EXPECT_EQ(post(chat_body(R"(,"frobnicate":1)")), "unknown_parameter");
    EXPECT_EQ(post(std::string(3U << 20U, ' ')), "request_too_large");
    ports::HttpRequest form = a_request("POST", "/v1/chat/completions", chat_body(""), key);
    form.headers.set("content-type", "text/plain");
    EXPECT_EQ(code_of(*finish(launch(std::move(form)))), "unsupported_media_type");
}

TEST_F(GatewayTest, RefusesWhatTheModelCannotTake) {
    EXPECT_EQ(code_of(*send("POST", "/v1/completions", R"({"model":"nope","prompt":"x"})", key)), "model_not_found");
    EXPECT_EQ(code_of(*chat(R"(,"max_tokens":513)")), "context_length_exceeded");
    const std::string prompt(40'000, 'x');
    const auto answer = send("POST", "/v1/completions", R"({"model":"vcity/test","prompt":")" + prompt + "\"}", key);
    EXPECT_EQ(code_of(*answer), "context_length_exceeded");
    EXPECT_EQ(code_of(*chat(R"(,"provider":{"max_price":{"completion":0.1}})")), "price_limit_unmet");
    EXPECT_TRUE(scheduler.orders.empty());
}

TEST_F(GatewayTest, TellsWhyTheSchedulerGaveUp) {
    const auto outcome = [this](Errc code, const std::string& message, bool retryable) {
        scheduler.on_job = [=, this](const JobOrder& order) { scheduler.fail(order, code, message, retryable); };
        const auto answer = chat();
        return std::to_string(answer->head.status) + " " + code_of(*answer);
    };

    EXPECT_EQ(outcome(Errc::kExhausted, "the cap allows 0.1 more", true), "402 insufficient_balance");
    EXPECT_EQ(outcome(Errc::kExhausted, "all busy", true), "503 no_provider_available");
    EXPECT_EQ(outcome(Errc::kExhausted, "this client has 9 calls waiting", true), "429 parallel_limit_exceeded");
    EXPECT_EQ(outcome(Errc::kTimeout, "the cap is not visible on chain yet", true), "503 scheduler_unavailable");
    EXPECT_EQ(outcome(Errc::kDenied, "cap unknown", false), "402 spending_cap_invalid");
    EXPECT_EQ(outcome(Errc::kInvalid, "the node refused: the prompt has 600 tokens", false),
              "400 context_length_exceeded");
    EXPECT_EQ(outcome(Errc::kInvalid, "bad stop text", false), "400 request_refused");
    EXPECT_EQ(outcome(Errc::kUnavailable, "no nodes", true), "503 no_provider_available");
    EXPECT_EQ(outcome(Errc::kInternal, "node broke", false), "502 provider_failed");
}

TEST_F(GatewayTest, SendsRetryHeaders) {
    scheduler.on_job = [this](const JobOrder& order) { scheduler.fail(order, Errc::kUnavailable, "no nodes", true); };

    const auto answer = chat();

    EXPECT_EQ(answer->head.headers.get("x-should-retry"), "true");
    EXPECT_EQ(answer->head.headers.get("retry-after"), "2");
    EXPECT_EQ(answer->head.headers.get("retry-after-ms"), "2000");
}

TEST_F(GatewayTest, PassesOnWhenThereMayBeRoom) {
    std::uint32_t wait_ms = 7'300;
    scheduler.on_job = [&](const JobOrder& order) {
        scheduler.fail(order, Errc::kExhausted, "all nodes are busy", true, wait_ms);
    };

    const auto answer = chat();
    EXPECT_EQ(answer->head.status, 503U);
    EXPECT_EQ(answer->head.headers.get("retry-after"), "8");
    EXPECT_EQ(answer->head.headers.get("retry-after-ms"), "7300");

    wait_ms = UINT32_MAX;
    EXPECT_EQ(chat()->head.headers.get("retry-after"), "600");
}

TEST_F(GatewayTest, LimitsTheRate) {
    key = create_key(R"("requests_per_minute":2)");

    EXPECT_EQ(chat()->head.status, 200U);
    EXPECT_EQ(chat()->head.status, 200U);
    const auto third = chat();
    EXPECT_EQ(third->head.status, 429U);
    EXPECT_EQ(code_of(*third), "rate_limit_exceeded");
    EXPECT_FALSE(third->head.headers.has("x-should-retry"));
    EXPECT_FALSE(third->head.headers.get("retry-after").empty());
    pass(31s);
    EXPECT_EQ(chat()->head.status, 200U);
}

TEST_F(GatewayTest, LimitsParallelRequests) {
    key = create_key(R"("parallel_max":1)");
    scheduler.on_job = [](const JobOrder&) {};
    const auto first = launch(a_request("POST", "/v1/chat/completions", chat_body(""), key));
    pass(10ms);

    EXPECT_EQ(code_of(*chat()), "parallel_limit_exceeded");
    scheduler.fail(scheduler.orders.back(), Errc::kInternal, "enough", false);
    (void)finish(first);
}

TEST_F(GatewayTest, KeepsAKeyWithinItsBudget) {
    // Enough for the quote of one request at a time, and for one charge.
    key = create_key(R"("budget":"0.000110","budget_period_seconds":3600)");

    EXPECT_EQ(chat()->head.status, 200U);
    const auto second = chat(R"(,"max_tokens":270)");
    EXPECT_EQ(second->head.status, 402U) << second->body();
    EXPECT_EQ(code_of(*second), "key_budget_exceeded");
    EXPECT_NE(second->body().find("resets_at"), std::string::npos);
    EXPECT_EQ(second->head.headers.get("x-should-retry"), "false");
}

TEST_F(GatewayTest, DoesNotVouchForAWrongReceipt) {
    const auto outcome = [this](const std::function<void(UsageReceipt*)>& tamper) {
        scheduler.on_job = [this, tamper](const JobOrder& order) {
            scheduler.place(order);
            scheduler.chunk(order, 0, "Hello");
            UsageReceipt receipt = scheduler.receipt_for(order, "Hello", 1);
            tamper(&receipt);
            scheduler.finish(receipt);
        };
        return code_of(*chat());
    };

    EXPECT_EQ(outcome([](UsageReceipt* receipt) { receipt->amount.micro += 1'000'000; }), "receipt_mismatch");
    EXPECT_EQ(outcome([](UsageReceipt* receipt) { receipt->response_hash.bytes[0] ^= 1U; }), "receipt_mismatch");
    EXPECT_EQ(outcome([](UsageReceipt* receipt) { receipt->request_hash.bytes[0] ^= 1U; }), "receipt_mismatch");
    EXPECT_EQ(outcome([](UsageReceipt* receipt) { receipt->client.bytes[0] ^= 1U; }), "receipt_mismatch");
    EXPECT_EQ(outcome([](UsageReceipt* receipt) { receipt->amount.micro += 1; }), "receipt_mismatch");
}

TEST_F(GatewayTest, DoesNotVouchForAForgedSignature) {
    scheduler.on_job = [this](const JobOrder& order) {
        const UsageReceipt receipt = scheduler.receipt_for(order, "", 0);
        JobDone done;
        done.receipt.receipt = receipt;
        done.receipt.node_signature =
            test::a_private_key(99).sign(market::receipt_digest(test::a_deployment(), receipt));
        scheduler.place(order);
        scheduler.send(done);
    };

    EXPECT_EQ(code_of(*chat()), "receipt_mismatch");
}

TEST_F(GatewayTest, RemembersGenerationsForTheirOwner) {
    const std::string id = text_at(json_of(*chat()), "id");
    const std::string other = create_key(R"("name":"other")");

    const auto mine = send("GET", "/v1/generation?id=" + id, "", key);
    ASSERT_EQ(mine->head.status, 200U) << mine->body();
    const codec::Json data = *json_of(*mine).find("data");
    EXPECT_EQ(text_at(data, "status"), "delivered");
    EXPECT_EQ(text_at(*data.find("placement"), "reason"), "the only node");
    EXPECT_EQ(text_at(data, "state"), "batched");
    EXPECT_EQ(text_at(data, "cost"), "0.000002");
    EXPECT_TRUE(data.find("verdict")->is_null());
    EXPECT_EQ(text_at(*data.find("batch"), "transaction").size(), 66U);
    EXPECT_EQ(send("GET", "/v1/generation?id=" + id, "", other)->head.status, 404U);
    EXPECT_EQ(send("GET", "/v1/generation?id=../../x", "", key)->head.status, 404U);
}

TEST_F(GatewayTest, SaysWhenThereIsNoScheduler) {
    scheduler.refuses_connections = true;
    scheduler.break_link();
    pass(100ms);

    EXPECT_EQ(code_of(*chat()), "scheduler_unavailable");
    EXPECT_EQ(send("GET", "/ready", "", "")->head.status, 503U);
    scheduler.refuses_connections = false;
    pass(10s);
    EXPECT_EQ(chat()->head.status, 200U);
}

TEST_F(GatewayTest, CancelsJobsThatALostLinkOrphaned) {
    scheduler.on_job = [](const JobOrder&) {};
    const auto running = launch(a_request("POST", "/v1/chat/completions", chat_body(""), key));
    pass(50ms);

    scheduler.break_link();
    EXPECT_EQ(code_of(*finish(running)), "scheduler_unavailable");
    pass(10s);
    ASSERT_EQ(scheduler.cancels.size(), 1U);
    EXPECT_EQ(scheduler.cancels[0].first, scheduler.orders[0].job_id);
}

TEST_F(GatewayTest, RepeatsAnIdempotentAnswer) {
    const auto post = [this](std::string body) {
        ports::HttpRequest request = a_request("POST", "/v1/chat/completions", std::move(body), key);
        request.headers.set("Idempotency-Key", "once");
        return finish(launch(std::move(request)));
    };

    const auto first = post(chat_body(""));
    const auto second = post(chat_body(""));
    const auto third = post(chat_body(R"(,"seed":1)"));

    EXPECT_EQ(first->body(), second->body());
    EXPECT_EQ(second->head.headers.get("idempotent-replayed"), "true");
    EXPECT_NE(first->head.headers.get("x-request-id"), second->head.headers.get("x-request-id"));
    EXPECT_EQ(scheduler.orders.size(), 1U);
    EXPECT_EQ(third->head.status, 422U);
}

TEST_F(GatewayTest, RunsAnIdempotentRequestAgainWhenNothingWasDelivered) {
    const auto post = [this] {
        ports::HttpRequest request = a_request("POST", "/v1/chat/completions", chat_body(""), key);
        request.headers.set("Idempotency-Key", "twice");
        return launch(std::move(request));
    };
    scheduler.on_job = [](const JobOrder&) {};

    const auto first = post();
    pass(20ms);
    EXPECT_EQ(code_of(*finish(post())), "idempotency_in_progress");
    scheduler.fail(scheduler.orders.back(), Errc::kInternal, "node broke", false);
    EXPECT_EQ(finish(first)->head.status, 502U);
    scheduler.on_job = [this](const JobOrder& order) { scheduler.run_honestly(order, {"Hello"}); };
    EXPECT_EQ(finish(post())->head.status, 200U);
}

TEST_F(GatewayTest, WaitsAMomentForRoomAndThenRefuses) {
    shut_down();
    GatewayOptions options;
    options.running_max = 1;
    boot(std::move(options));
    scheduler.on_job = [this](const JobOrder& order) { scheduler.place(order); };
    const auto held = launch(a_request("POST", "/v1/chat/completions", chat_body({}), key));
    pass(10ms);

    const auto refused = launch(a_request("GET", "/v1/models", "", key));
    pass(200ms);
    EXPECT_FALSE(refused->has_ended());
    pass(100ms);
    ASSERT_TRUE(refused->has_ended());
    EXPECT_EQ(refused->head.status, 503U);
    EXPECT_EQ(code_of(*refused), "gateway_overloaded");
    EXPECT_EQ(refused->head.headers.get("retry-after"), "1");

    const auto patient = launch(a_request("GET", "/v1/models", "", key));
    const auto stranger = launch(a_request("GET", "/v1/models", "", "vck_nobody"));
    const auto health = launch(a_request("GET", "/health", "", ""));
    pass(100ms);
    EXPECT_FALSE(patient->has_ended());
    // Without a key nobody waits in line; and what anybody may ask for needs no room.
    EXPECT_EQ(stranger->head.status, 401U);
    EXPECT_EQ(health->head.status, 200U);
    const JobOrder order = scheduler.orders.back();
    scheduler.chunk(order, 0, "Hi");
    scheduler.finish(scheduler.receipt_for(order, "Hi", 1));
    pass(50ms);
    EXPECT_EQ(held->head.status, 200U);
    ASSERT_TRUE(patient->has_ended());
    EXPECT_EQ(patient->head.status, 200U);
}

}  // namespace
}  // namespace vcity::gateway
