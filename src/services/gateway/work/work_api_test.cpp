// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "services/gateway/gateway_fixture.hpp"
#include "services/gateway/work/work_json.hpp"
#include "sim/runtime.hpp"
#include "work/plan.hpp"

namespace vcity::gateway {
namespace {

using namespace std::chrono_literals;
using test::RecordingResponder;

constexpr const char* kOrder = R"({"name":"n","budget":2,"steps":[{"name":"a","run":"echo hi"}]})";

std::string text_at(const RecordingResponder& answer, std::string_view name) {
    const Result<codec::Json> json = codec::parse_json(answer.body());
    const codec::Json* value = json ? json->find(name) : nullptr;
    return value != nullptr && value->is_string() ? *value->get_string() : "";
}

// A scheduler that accepts every order and knows what it accepted.
class WorkApiTest : public test::GatewayFixture<sim::SimRuntime> {
  public:
    WorkApiTest() {
        scheduler.on_work = [this](const Message& message) { answer(message); };
    }

    void answer(const Message& message) {
        if (const auto* submit = std::get_if<WorkSubmit>(&message)) {
            orders.push_back(submit->order);
            if (refusal) {
                refusal->job_id = submit->order.job_id;
                return scheduler.send(*refusal);
            }
            if (!is_silent) scheduler.send(WorkAccepted{submit->order.job_id, submit->order.budget, {a_step()}});
        } else if (const auto* quote = std::get_if<WorkQuoteRequest>(&message)) {
            WorkQuote reply;
            reply.job_id = quote->order.job_id;
            reply.quote_id = 9;
            reply.most = Usd{1'000'000};
            scheduler.send(reply);
        } else if (const auto* asked = std::get_if<WorkStatusRequest>(&message)) {
            scheduler.send(status_of(asked->job_id, asked->client, asked->with_history));
        } else if (const auto* cancel = std::get_if<WorkCancel>(&message)) {
            state = WorkState::kCancelled;
            scheduler.send(status_of(cancel->job_id, cancel->client, false));
        } else if (const auto* output = std::get_if<WorkOutputRequest>(&message)) {
            WorkOutputReply reply;
            reply.job_id = output->job_id;
            reply.step_id = output->step_id;
            reply.known = true;
            reply.offset = output->offset;
            const std::string text = std::string{"h\xc3\xa9llo"}.substr(std::min<std::size_t>(output->offset, 6));
            reply.bytes.assign(text.begin(), text.end());
            if (output->offset == 0) reply.bytes.resize(2);  // ends inside a character
            reply.is_end = output->offset != 0;
            scheduler.send(reply);
        } else if (std::holds_alternative<UnitsRequest>(message)) {
            UnitsReply reply;
            reply.entries.emplace_back().offer.cpu_milli = 2000;
            scheduler.send(reply);
        }
    }

    static StepStatus a_step() {
        StepStatus step;
        step.group = "a";
        step.state = StepState::kRunning;
        step.reason = "the cheapest";
        return step;
    }

    WorkStatusReply status_of(const JobId& job_id, const Address& client, bool with_history) {
        WorkStatusReply reply;
        reply.job_id = job_id;
        const auto known = std::ranges::find(orders, job_id, &WorkOrder::job_id);
        reply.known = known != orders.end() && known->client == client;
        reply.state = state;
        reply.charged = Usd{250'000};
        reply.steps = {a_step()};
        if (with_history) reply.history.push_back({UnixMillis{5}, "submitted"});
        return reply;
    }

    std::shared_ptr<RecordingResponder> order(const std::string& body, const std::string& idempotency_key = {}) {
        ports::HttpRequest request = a_request("POST", "/v1/jobs", body, key);
        if (!idempotency_key.empty()) request.headers.set("idempotency-key", idempotency_key);
        return finish(launch(std::move(request)));
    }
    std::shared_ptr<RecordingResponder> get(const std::string& target) { return send("GET", target, "", key); }

    std::vector<WorkOrder> orders;
    std::optional<JobFailed> refusal;
    bool is_silent = false;
    WorkState state = WorkState::kActive;
};

TEST_F(WorkApiTest, AnOrderIsAcceptedAndCanBeFollowed) {
    const auto accepted = order(kOrder);
    ASSERT_EQ(accepted->head.status, 201U) << accepted->body();
    const std::string id = text_at(*accepted, "id");
    ASSERT_EQ(orders.size(), 1U);
    EXPECT_EQ(id, make_work_id(orders[0].job_id));
    EXPECT_EQ(accepted->head.headers.get("location"), "/v1/jobs/" + id);
    EXPECT_EQ(orders[0].budget, Usd{2'000'000});

    const auto status = get("/v1/jobs/" + id);
    EXPECT_EQ(status->head.status, 200U);
    EXPECT_EQ(text_at(*status, "state"), "active");
    EXPECT_EQ(text_at(*status, "charged"), "0.250000");
    const auto explanation = get("/v1/jobs/" + id + "/explain");
    EXPECT_NE(explanation->body().find("submitted"), std::string::npos) << explanation->body();
    EXPECT_NE(explanation->body().find("the cheapest"), std::string::npos);
    const auto cancelled = send("DELETE", "/v1/jobs/" + id, "", key);
    EXPECT_EQ(text_at(*cancelled, "state"), "cancelled");
    const auto list = get("/v1/jobs");
    EXPECT_NE(list->body().find(id), std::string::npos) << list->body();
    EXPECT_NE(list->body().find("cancelled"), std::string::npos) << list->body();
}

TEST_F(WorkApiTest, AQuoteOrdersNothing) {
    const auto quote = send("POST", "/v1/jobs?dry_run=1", kOrder, key);
    ASSERT_EQ(quote->head.status, 200U) << quote->body();
    EXPECT_EQ(text_at(*quote, "most"), "1.000000");
    EXPECT_TRUE(orders.empty());
}

TEST_F(WorkApiTest, OutputComesInPartsThatAreWholeCharacters) {
    const std::string id = text_at(*order(kOrder), "id");
    const auto first = get("/v1/jobs/" + id + "/logs?step=a");
    EXPECT_EQ(text_at(*first, "data"), "h");
    const auto rest = get("/v1/jobs/" + id + "/logs?step=a/0&offset=1");
    EXPECT_EQ(text_at(*rest, "data"), "\xc3\xa9llo");
    ports::HttpRequest raw = a_request("GET", "/v1/jobs/" + id + "/logs?step=a&offset=1", "", key);
    raw.headers.set("accept", "application/octet-stream");
    const auto bytes = finish(launch(std::move(raw)));
    EXPECT_EQ(bytes->body(), "\xc3\xa9llo");
    EXPECT_EQ(bytes->head.headers.get("x-next-offset"), "6");
    EXPECT_EQ(get("/v1/jobs/" + id + "/logs?step=..%2F")->head.status, 400U);
    EXPECT_EQ(get("/v1/jobs/" + id + "/logs?step=a&offset=-1")->head.status, 400U);
}

TEST_F(WorkApiTest, AnIdempotencyKeyNamesOneJob) {
    const auto first = order(kOrder, "mine");
    const auto again = order(kOrder, "mine");
    EXPECT_EQ(first->head.status, 201U);
    EXPECT_EQ(again->head.status, 200U) << again->body();
    EXPECT_EQ(text_at(*first, "id"), text_at(*again, "id"));
    EXPECT_EQ(orders.size(), 1U);
    const auto other = order(R"({"budget":3,"steps":[{"run":"true"}]})", "mine");
    EXPECT_EQ(other->head.status, 422U) << other->body();
    EXPECT_EQ(code_of(*other), "idempotency_mismatch");
    EXPECT_NE(text_at(*order(kOrder, "yours"), "id"), text_at(*first, "id"));
}

TEST_F(WorkApiTest, AnOrderWithoutAnAnswerKeepsItsJobId) {
    is_silent = true;
    const auto lost = order(kOrder, "mine");
    EXPECT_EQ(lost->head.status, 503U) << lost->body();
    EXPECT_FALSE(lost->head.headers.get("retry-after").empty());
    const std::string id{lost->head.headers.get("x-job-id")};
    is_silent = false;
    const auto again = order(kOrder, "mine");
    EXPECT_EQ(again->head.status, 200U) << again->body();
    EXPECT_EQ(text_at(*again, "id"), id);
}

TEST_F(WorkApiTest, BeyondTheOrdersThatMayWaitOneIsRefusedAndCostsNothing) {
    constexpr std::size_t kWaitsMax = 1'000;
    constexpr const char* kCheapOrder = R"({"name":"n","budget":0.001,"steps":[{"name":"a","run":"echo hi"}]})";
    const std::string roomy = create_key(R"("requests_per_minute":1000000,"parallel_max":10000)");
    is_silent = true;
    for (std::size_t sent = 0; sent < kWaitsMax; ++sent) launch(a_request("POST", "/v1/jobs", kCheapOrder, roomy));
    pass(10ms);
    ASSERT_EQ(orders.size(), kWaitsMax);

    const auto refused = finish(launch(a_request("POST", "/v1/jobs", kCheapOrder, roomy)));
    EXPECT_EQ(refused->head.status, 503U) << refused->body();
    EXPECT_EQ(code_of(*refused), "gateway_overloaded");
    EXPECT_FALSE(refused->head.headers.get("retry-after").empty());
    EXPECT_EQ(orders.size(), kWaitsMax);
    EXPECT_EQ(refused->body().find("may have arrived"), std::string::npos) << refused->body();
}

TEST_F(WorkApiTest, RefusalsOfTheSchedulerHaveTheirOwnCodes) {
    const auto refused = [&](Errc code, std::string message, std::uint32_t retry_after_ms = 0) {
        JobFailed failed;
        failed.code = code;
        failed.message = std::move(message);
        failed.retry_after_ms = retry_after_ms;
        refusal = failed;
        return order(kOrder);
    };
    EXPECT_EQ(code_of(*refused(Errc::kInvalid, "group 'a' fits no unit")), "request_refused");
    EXPECT_EQ(code_of(*refused(Errc::kNotFound, "no such quote")), "quote_not_found");
    EXPECT_EQ(code_of(*refused(Errc::kExhausted, "the cap is used up")), "insufficient_balance");
    EXPECT_EQ(code_of(*refused(Errc::kDenied, "no")), "spending_cap_invalid");
    const auto full = refused(Errc::kExhausted, "the scheduler is full", 2500);
    EXPECT_EQ(full->head.status, 503U);
    EXPECT_EQ(full->head.headers.get("retry-after"), "3");
}

TEST_F(WorkApiTest, JobsOfNobodyAndWrongPathsAreNotFound) {
    const std::string nobody = "job-" + std::string(64, 'a');
    EXPECT_EQ(code_of(*get("/v1/jobs/" + nobody)), "job_not_found");
    EXPECT_EQ(code_of(*get("/v1/jobs/job-xyz")), "job_not_found");
    EXPECT_EQ(code_of(*get("/v1/jobs/" + nobody + "/moon")), "route_not_found");
    EXPECT_EQ(send("GET", "/v1/jobs", "", "sk-wrong")->head.status, 401U);
    EXPECT_EQ(send("PUT", "/v1/jobs", "", key)->head.status, 405U);
    EXPECT_EQ(order("{\"budget\":")->head.status, 400U);
    EXPECT_EQ(order("{\"budget\":NaN}")->head.status, 400U);
}

TEST_F(WorkApiTest, TheBudgetOfAKeyHoldsAndWhatAJobDidNotNeedComesBack) {
    key = create_key(R"("name":"poor","budget":"3")");
    const auto first = order(kOrder);
    ASSERT_EQ(first->head.status, 201U) << first->body();
    EXPECT_EQ(code_of(*order(kOrder)), "key_budget_exceeded");
    state = WorkState::kSucceeded;
    EXPECT_EQ(get("/v1/jobs/" + text_at(*first, "id"))->head.status, 200U);
    EXPECT_EQ(order(kOrder)->head.status, 201U) << "0.25 of 3 dollars are spent";
}

TEST_F(WorkApiTest, AKeyForSomeModelsOrdersNoWork) {
    key = create_key(R"("name":"chat","models":["vcity/test"])");
    EXPECT_EQ(code_of(*order(kOrder)), "work_not_allowed");
}

TEST_F(WorkApiTest, OffersAreSearched) {
    const auto found = get("/v1/offers?q=cpu_cores%3E%3D2+rentable%3Dfalse&order=dph");
    EXPECT_EQ(found->head.status, 200U);
    EXPECT_NE(found->body().find("\"total\":1"), std::string::npos) << found->body();
    EXPECT_EQ(get("/v1/offers?q=moons%3E1")->head.status, 400U);
}

TEST_F(WorkApiTest, WithoutASchedulerTheClientIsToldToComeBack) {
    scheduler.refuses_connections = true;
    scheduler.break_link();
    pass(200ms);
    const auto refused = order(kOrder);
    EXPECT_EQ(refused->head.status, 503U);
    EXPECT_FALSE(refused->head.headers.get("retry-after").empty());
    EXPECT_EQ(get("/v1/offers")->head.status, 503U);
}

TEST_F(WorkApiTest, TheListOutlivesARestart) {
    const std::string id = text_at(*order(kOrder), "id");
    shut_down();
    boot({});
    EXPECT_NE(get("/v1/jobs")->body().find(id), std::string::npos);
}

}  // namespace
}  // namespace vcity::gateway
