// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/gateway_fixture.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway {
namespace {

// An indexer that says one thing.
class ScriptedIndexer final : public ports::HttpClient {
  public:
    Task<Result<ports::HttpResponse>> send(ports::HttpRequest request, TimePoint /*deadline*/) override {
        asked.push_back(request.target);
        if (is_gone) co_return make_error(Errc::kUnavailable, "refused");
        ports::HttpResponse response;
        response.status = status;
        response.body = body;
        co_return response;
    }
    Task<Result<std::unique_ptr<ports::HttpStream>>> open(ports::HttpRequest /*request*/,
                                                          TimePoint /*deadline*/) override {
        co_return make_error(Errc::kInvalid, "not asked for");
    }

    std::vector<std::string> asked;
    unsigned status = 200;
    std::string body = R"({"data":[],"next_cursor":null})";
    bool is_gone = false;
};

class PlatformTest : public test::GatewayFixture<sim::SimRuntime> {
  public:
    PlatformTest() {
        shut_down();
        http = &indexer;
        boot(with_indexer());
    }
    static GatewayOptions with_indexer() {
        GatewayOptions options;
        options.platform.explorer.origin = "http://indexer:8090";
        options.platform.rpc_url = "http://chain:8545";
        options.platform.scheduler_links = {"wss://scheduler/link"};
        options.public_url = "http://gateway:8080";
        return options;
    }
    std::shared_ptr<test::RecordingResponder> get(const std::string& target) { return send("GET", target, "", ""); }

    ScriptedIndexer indexer;
};

TEST_F(PlatformTest, the_network_is_described_without_a_key) {
    const auto answer = get("/api/v1/network");
    ASSERT_EQ(answer->head.status, 200U) << answer->body();
    const codec::Json json = *codec::parse_json(answer->body());
    EXPECT_EQ(*json.find("chain_id"), codec::Json{31'337});
    EXPECT_EQ(*json.find("rpc_url"), codec::Json{"http://chain:8545"});
    EXPECT_EQ(*json.find("gateway")->find("url"), codec::Json{"http://gateway:8080"});
    EXPECT_EQ(*json.find("gateway")->find("address"), codec::Json{codec::to_hex(signer.address())});
    EXPECT_EQ(*json.find("tokens")->find("stable")->find("decimals"), codec::Json{6});
    EXPECT_EQ(*json.find("scheduler_links"), codec::Json{codec::JsonArray{"wss://scheduler/link"}});
    EXPECT_EQ(*json.find("has_explorer"), codec::Json{true});
}

TEST_F(PlatformTest, pages_of_the_explorer_come_through_as_they_are) {
    const auto answer = get("/api/v1/batches?limit=7&cursor=00ff&unknown=x");
    EXPECT_EQ(answer->head.status, 200U);
    EXPECT_EQ(answer->body(), indexer.body);
    EXPECT_EQ(answer->head.headers.get("content-type"), "application/json");
    ASSERT_EQ(indexer.asked.size(), 1U);
    EXPECT_EQ(indexer.asked[0], "http://indexer:8090/api/v1/batches?limit=7&cursor=00ff");
}

TEST_F(PlatformTest, nothing_reaches_the_indexer_but_its_own_paths_and_letters) {
    for (const char* target : {"/api/v1/accounts/..", "/api/v1/accounts/0x12%2f..", "/api/v1/nodes?cursor=a%0d",
                               "/api/v1/nodes/a:b@c", "/api/v1/events?limit=1@evil"}) {
        EXPECT_EQ(code_of(*get(target)), "invalid_value") << target;
    }
    EXPECT_EQ(code_of(*get("/api/v1/health")), "route_not_found");
    EXPECT_EQ(code_of(*get("/api/v1/accounts/../../admin")), "route_not_found");
    EXPECT_EQ(code_of(*send("POST", "/api/v1/nodes", "{}", "")), "method_not_allowed");
    EXPECT_TRUE(indexer.asked.empty());
}

TEST_F(PlatformTest, refusals_of_the_indexer_become_our_own) {
    indexer.status = 404;
    indexer.body = R"({"type":"about:blank","status":404,"detail":"the chain knows nothing of it"})";
    const auto answer = get("/api/v1/caps/0x00");
    EXPECT_EQ(answer->head.status, 404U);
    EXPECT_EQ(code_of(*answer), "record_not_found");
    indexer.status = 400;
    EXPECT_EQ(code_of(*get("/api/v1/nodes?limit=0")), "invalid_value");
    indexer.status = 500;
    EXPECT_EQ(code_of(*get("/api/v1/nodes")), "explorer_unavailable");
    indexer.is_gone = true;
    EXPECT_EQ(code_of(*get("/api/v1/nodes")), "explorer_unavailable");
}

TEST_F(PlatformTest, an_answer_beyond_the_bound_is_not_passed_on) {
    indexer.body.assign((8U << 20U) + 1, ' ');
    EXPECT_EQ(code_of(*get("/api/v1/events")), "explorer_unavailable");
}

TEST_F(PlatformTest, one_address_cannot_ask_without_end) {
    shut_down();
    GatewayOptions few = with_indexer();
    few.platform.requests_per_minute = 3;
    boot(std::move(few));
    for (int request = 0; request < 3; ++request) EXPECT_EQ(get("/api/v1/network")->head.status, 200U);
    EXPECT_EQ(code_of(*get("/api/v1/network")), "rate_limit_exceeded");
}

TEST_F(PlatformTest, a_trace_of_the_client_goes_on_and_another_one_begins_without) {
    ports::HttpRequest request = a_request("GET", "/health", "", "");
    request.headers.set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    EXPECT_EQ(finish(launch(std::move(request)))->head.headers.get("x-trace-id"), "4bf92f3577b34da6a3ce929d0e0e4736");
    const std::string first{get("/health")->head.headers.get("x-trace-id")};
    const std::string second{get("/health")->head.headers.get("x-trace-id")};
    EXPECT_EQ(first.size(), 32U);
    EXPECT_NE(first, second);
}

TEST_F(PlatformTest, the_document_is_served_when_there_is_one) {
    EXPECT_EQ(code_of(*get("/openapi.json")), "route_not_found");
    shut_down();
    openapi = R"({"openapi":"3.1.0"})";
    boot(with_indexer());
    EXPECT_EQ(get("/openapi.json")->body(), R"({"openapi":"3.1.0"})");
}

TEST_F(PlatformTest, bad_hashes_intervals_and_unknown_receipts_are_told_apart) {
    EXPECT_EQ(code_of(*get("/api/v1/receipts/0x12")), "invalid_value");
    EXPECT_EQ(code_of(*get("/api/v1/receipts/0x" + std::string(64, 'a'))), "record_not_found");
    EXPECT_EQ(code_of(*get("/api/v1/offers/history?interval=3h")), "invalid_value");
    EXPECT_EQ(get("/api/v1/offers/history")->head.status, 200U);
}

TEST_F(PlatformTest, what_was_delivered_is_in_usage_and_its_receipt_is_found) {
    ASSERT_EQ(chat()->head.status, 200U);
    pass(std::chrono::seconds{2});
    const std::uint64_t now = world.unix_now().count() / 1000;
    const std::string start = "?start_time=" + std::to_string(now > 86'400 ? now - 86'400 : 0);
    const auto usage = send("GET", "/v1/organization/usage/completions" + start, "", key);
    ASSERT_EQ(usage->head.status, 200U) << usage->body();
    EXPECT_NE(usage->body().find(R"("num_model_requests":1)"), std::string::npos) << usage->body();
    const auto costs = send("GET", "/v1/organization/costs" + start, "", key);
    EXPECT_NE(costs->body().find(R"("currency":"usd")"), std::string::npos) << costs->body();
    EXPECT_EQ(code_of(*send("GET", "/v1/organization/costs", "", key)), "invalid_value");
    EXPECT_EQ(code_of(*send("GET", "/v1/organization/costs" + start, "", "")), "missing_api_key");
}

UnitsReply::Entry a_unit(const std::string& gpu, std::uint64_t hourly, bool is_free) {
    UnitsReply::Entry entry;
    entry.offer.gpus = gpu.empty() ? 0 : 1;
    entry.offer.gpu_model = gpu;
    entry.offer.hourly = Usd{hourly};
    entry.gpus_free = is_free && !gpu.empty() ? 1 : 0;
    entry.cpu_milli_free = is_free ? 1'000 : 0;
    return entry;
}

TEST(PriceBoardTest, a_class_has_one_point_for_each_span_and_survives_a_restart) {
    sim::SimRuntime world{1};
    test::MemoryStore store;
    WriteBehind writes{&world, &store, Log{nullptr, "writes"}};
    world.spawn(writes.run());
    PriceBoard board{&writes};
    UnitsReply units;
    units.entries = {a_unit("H100", 3'000'000, true), a_unit("H100", 2'000'000, false), a_unit("", 10'000, true)};
    board.note(units, 3'600);
    board.note(units, 3'700);
    board.note(units, 3'900);
    const codec::Json fine = board.to_json("H100", true);
    const codec::JsonArray& data = *fine.find("data")->get_array();
    ASSERT_EQ(data.size(), 1U);
    ASSERT_EQ(data[0].find("points")->get_array()->size(), 2U);
    EXPECT_EQ(codec::dump_json(data[0].find("points")->get_array()->front()),
              R"([3600,"2.000000","3.000000","3.000000",2,1])");
    EXPECT_EQ(board.to_json("cpu", false).find("data")->get_array()->front().find("points")->get_array()->size(), 1U);
    world.run_until(world.now() + std::chrono::seconds{3}, 100'000);
    PriceBoard again{&writes};
    const auto load = [](PriceBoard* into, ports::Store* from) -> Task<void> {
        const Result<void> loaded = co_await into->load(from);
        EXPECT_TRUE(loaded.has_value());
    };
    world.spawn(load(&again, &store));
    world.run_until(world.now() + std::chrono::seconds{3}, 100'000);
    EXPECT_EQ(again.to_json("", true), board.to_json("", true));
    writes.stop();
    world.run_until(world.now() + std::chrono::seconds{3}, 100'000);
}

}  // namespace
}  // namespace vcity::gateway
