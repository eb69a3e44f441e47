// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/schedulers.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "services/gateway/gateway_fixture.hpp"
#include "services/gateway/work/work_json.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway {
namespace {

using namespace std::chrono_literals;
using test::RecordingResponder;
using test::ScriptedScheduler;

constexpr const char* kOrder = R"({"name":"n","budget":2,"steps":[{"name":"a","run":"echo hi"}]})";

// Every url that ends with "/b" is the second scheduler's.
class TwoDoors final : public ports::LinkDialer {
  public:
    TwoDoors(ScriptedScheduler* first, ScriptedScheduler* second) : first_{first}, second_{second} {}
    Task<Result<std::unique_ptr<ports::Connection>>> dial(std::string url, TimePoint deadline) override {
        ScriptedScheduler* door = url.ends_with("/b") ? second_ : first_;
        return door->dial(std::move(url), deadline);
    }

  private:
    ScriptedScheduler* first_;
    ScriptedScheduler* second_;
};

class SchedulersTest : public test::GatewayFixture<sim::SimRuntime> {
  public:
    SchedulersTest() {
        second.scheduler_key = test::a_private_key(22);
        second.node_key = test::a_private_key(21);
        second.offers.entries.front().node = second.node_key.address();
        serve(&scheduler, &first_jobs, 1'000);
        serve(&second, &second_jobs, 2'000);
        shut_down();
        reboot();
        second_key = make_key(second.scheduler_key.address());
    }
    ~SchedulersTest() override { shut_down(); }

    void reboot() {
        GatewayDeps deps = test::make_deps(&world, &store, &doors, &signer);
        GatewayOptions options;
        options.public_url = "https://gw.example";
        options.further_schedulers = {{"ws://other/b"}};
        gateway = std::make_unique<Gateway>(std::move(deps), std::move(options));
        world.spawn(start_and_run(gateway.get()));
        pass(500ms);
    }

    // Accepts jobs, and knows those that it accepted.
    static void serve(ScriptedScheduler* who, std::vector<JobId>* jobs, std::uint32_t cores) {
        who->on_work = [who, jobs, cores](const Message& message) {
            if (const auto* submit = std::get_if<WorkSubmit>(&message)) {
                jobs->push_back(submit->order.job_id);
                who->send(WorkAccepted{submit->order.job_id, submit->order.budget, {}});
            } else if (const auto* asked = std::get_if<WorkStatusRequest>(&message)) {
                WorkStatusReply reply;
                reply.job_id = asked->job_id;
                reply.known = std::ranges::find(*jobs, asked->job_id) != jobs->end();
                who->send(reply);
            } else if (std::holds_alternative<UnitsRequest>(message)) {
                UnitsReply reply;
                reply.entries.emplace_back().offer.cpu_milli = cores;
                who->send(reply);
            }
        };
    }

    std::string make_key(const Address& of) {
        const std::uint64_t expiry = world.unix_now().count() / 1000 + 86'400;
        const std::string cap = codec::dump_json(to_json(test::a_cap(of, expiry)));
        const auto answer = send("POST", "/admin/keys", R"({"name":"other","cap":)" + cap + "}", "admin");
        EXPECT_EQ(answer->head.status, 201U) << answer->body();
        return *codec::parse_json(answer->body())->find("key")->get_string();
    }
    std::shared_ptr<RecordingResponder> chat_with(const std::string& bearer) {
        return send("POST", "/v1/chat/completions", chat_body(""), bearer);
    }
    std::string order_with(const std::string& bearer) {
        const auto answer = send("POST", "/v1/jobs", kOrder, bearer);
        EXPECT_EQ(answer->head.status, 201U) << answer->body();
        return *codec::parse_json(answer->body())->find("id")->get_string();
    }

    ScriptedScheduler second{&world};
    TwoDoors doors{&scheduler, &second};
    std::vector<JobId> first_jobs;
    std::vector<JobId> second_jobs;
    std::string second_key;
};

TEST_F(SchedulersTest, ACallGoesToTheSchedulerThatTheCapNames) {
    EXPECT_EQ(chat_with(second_key)->head.status, 200U);
    EXPECT_EQ(second.orders.size(), 1U);
    EXPECT_TRUE(scheduler.orders.empty());
    EXPECT_EQ(chat_with(key)->head.status, 200U);
    EXPECT_EQ(scheduler.orders.size(), 1U);
    EXPECT_EQ(second.orders.size(), 1U);
}

TEST_F(SchedulersTest, ACapOfAThirdIsRefused) {
    EXPECT_EQ(code_of(*chat_with(make_key(test::a_private_key(33).address()))), "spending_cap_invalid");
}

TEST_F(SchedulersTest, TheLossOfOneConcernsItsOwnClientsOnly) {
    second.refuses_connections = true;
    second.break_link();
    pass(200ms);
    EXPECT_EQ(code_of(*chat_with(second_key)), "scheduler_unavailable");
    EXPECT_EQ(chat_with(key)->head.status, 200U);
    EXPECT_EQ(send("GET", "/ready", "", "")->head.status, 200U);
    EXPECT_EQ(send("GET", "/api/v1/offers", "", "")->head.status, 200U);

    shut_down();
    reboot();
    EXPECT_EQ(code_of(*chat_with(second_key)), "scheduler_unavailable") << "who it is is not known yet";
}

TEST_F(SchedulersTest, AJobIsAskedAboutWhereItWasOrdered) {
    const std::string id = order_with(second_key);
    EXPECT_EQ(second_jobs.size(), 1U);
    EXPECT_TRUE(first_jobs.empty());
    shut_down();
    reboot();
    scheduler.refuses_connections = true;
    scheduler.break_link();
    pass(200ms);
    EXPECT_EQ(send("GET", "/v1/jobs/" + id, "", second_key)->head.status, 200U);
    EXPECT_EQ(send("GET", "/v1/jobs/" + id, "", key)->head.status, 200U) << "another key of the same client";
}

TEST_F(SchedulersTest, AJobWithoutANoteIsUnknownOnlyWhenAllSaySo) {
    second_jobs.push_back(JobId{});
    second_jobs.back().bytes.fill(5);
    const std::string id = make_work_id(second_jobs.back());
    EXPECT_EQ(send("GET", "/v1/jobs/" + id, "", key)->head.status, 200U);
    JobId nobodys;
    nobodys.bytes.fill(6);
    EXPECT_EQ(send("GET", "/v1/jobs/" + make_work_id(nobodys), "", key)->head.status, 404U);
    second.refuses_connections = true;
    second.break_link();
    pass(200ms);
    EXPECT_EQ(send("GET", "/v1/jobs/" + id, "", key)->head.status, 503U);
}

TEST_F(SchedulersTest, OffersAreThoseOfTheCap) {
    const std::string first_address = codec::to_hex(scheduler.scheduler_key.address());
    const std::string second_address = codec::to_hex(second.scheduler_key.address());
    const std::string own = send("GET", "/v1/offers", "", second_key)->body();
    EXPECT_NE(own.find(second_address), std::string::npos) << own;
    EXPECT_EQ(own.find(first_address), std::string::npos) << own;
    const std::string all = send("GET", "/api/v1/offers", "", "")->body();
    EXPECT_NE(all.find(first_address), std::string::npos) << all;
    EXPECT_NE(all.find(second_address), std::string::npos) << all;
}

TEST_F(SchedulersTest, ACapCanBeSignedForEitherOfThem) {
    const std::string first_address = crypto::to_checksum_address(scheduler.scheduler_key.address());
    const std::string second_address = crypto::to_checksum_address(second.scheduler_key.address());
    const std::string admin = create_key(R"("name":"admin","scopes":["admin"])");
    const std::string path = "/api/v1/cap/terms";
    EXPECT_NE(send("GET", path, "", admin)->body().find(first_address), std::string::npos);
    const std::string terms = send("GET", path + "?scheduler=" + second_address, "", admin)->body();
    EXPECT_NE(terms.find(second_address), std::string::npos) << terms;
    const std::string nobody = crypto::to_checksum_address(test::a_private_key(33).address());
    const auto refused = send("GET", path + "?scheduler=" + nobody, "", admin);
    EXPECT_EQ(refused->head.status, 400U) << refused->body();
    EXPECT_EQ(send("GET", path + "?scheduler=me", "", admin)->head.status, 400U);
}

TEST_F(SchedulersTest, ATunnelIsToldToTheSchedulerOfItsJobAlone) {
    const std::string id = order_with(second_key);
    std::size_t told_first = 0;
    std::size_t told_second = 0;
    scheduler.on_work = [&](const Message& message) { told_first += std::holds_alternative<TunnelOpen>(message); };
    second.on_work = [&](const Message& message) {
        if (const auto* open = std::get_if<TunnelOpen>(&message)) {
            ++told_second;
            second.send(TunnelRefused{.tunnel = open->tunnel, .code = Errc::kNotFound, .reason = "no such port"});
        }
    };
    EXPECT_EQ(send("GET", "/v1/jobs/" + id + "/ports/a/0/80/", "", second_key)->head.status, 404U);
    EXPECT_EQ(told_second, 1U);
    EXPECT_EQ(told_first, 0U);
    JobId nobodys;
    nobodys.bytes.fill(6);
    EXPECT_EQ(send("GET", "/v1/jobs/" + make_work_id(nobodys) + "/ports/a/0/80/", "", key)->head.status, 404U);
    EXPECT_EQ(told_second + told_first, 1U) << "nobody is told of a job that nobody has a note of";
}

}  // namespace
}  // namespace vcity::gateway
