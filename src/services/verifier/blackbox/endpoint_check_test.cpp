// SPDX-License-Identifier: Apache-2.0
#include "services/verifier/blackbox/endpoint_check.hpp"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "sim/fakes/endpoint.hpp"
#include "sim/runtime.hpp"

namespace vcity::verifier {
namespace {

using namespace std::chrono_literals;
using sim::ToyModel;
using verify::BlackboxDecision;

constexpr ToyModel kReference{1, 0, 1};
constexpr ToyModel kHonest{1, 0.02, 2};  // another engine
constexpr ToyModel kCheap{1, 0.8, 3};    // coarse weights
constexpr ToyModel kOther{2, 0, 1};      // another model

sim::FakeEndpointOptions serving(ToyModel model) {
    sim::FakeEndpointOptions options;
    options.model = model;
    return options;
}

// Two endpoints behind one client, told apart by the host.
class Client final : public ports::HttpClient {
  public:
    Client(sim::SimRuntime* world, ToyModel model) : target{world, serving(model)}, honest{world, serving(kHonest)} {}
    Task<Result<ports::HttpResponse>> send(ports::HttpRequest request, TimePoint deadline) override {
        sim::FakeEndpoint& endpoint = request.target.starts_with("http://honest") ? honest : target;
        co_return co_await endpoint.send(std::move(request), deadline);
    }
    Task<Result<std::unique_ptr<ports::HttpStream>>> open(ports::HttpRequest request, TimePoint deadline) override {
        co_return co_await target.open(std::move(request), deadline);
    }

    sim::FakeEndpoint target;
    sim::FakeEndpoint honest;
};

struct Stand {
    explicit Stand(ToyModel target, std::uint64_t seed = 1) : world{seed}, client{&world, target} {
        options.target = {"http://target/v1", EndpointApi::kChat, "toy", "key"};
        options.tokens_max = 6;
    }

    static Task<void> keep(EndpointCheck* check, std::vector<std::string> prompts, Stand* stand) {
        std::function<void(const EndpointProgress&)> note = [stand](const EndpointProgress& progress) {
            stand->progress.push_back(progress);
        };
        stand->report = co_await check->run(std::move(prompts), std::move(note));
    }
    Result<EndpointReport> run(std::size_t count) {
        EndpointCheck check{{&world, &client, &reference}, options};
        std::vector<std::string> prompts;
        for (std::size_t i = 0; i < count; ++i) prompts.push_back("prompt " + std::to_string(i));
        world.spawn(keep(&check, std::move(prompts), this));
        world.run(1'000'000);
        return report.value();
    }

    sim::SimRuntime world;
    Client client;
    sim::FakeReference reference{kReference};
    EndpointCheckOptions options;
    std::vector<EndpointProgress> progress;
    std::optional<Result<EndpointReport>> report;
};

TEST(EndpointCheck, FindsAnHonestEndpointConsistent) {
    Stand stand{kHonest};
    const EndpointReport report = stand.run(200).value();
    EXPECT_EQ(report.decision, BlackboxDecision::kConsistent);
    EXPECT_EQ(report.failed, 0U);
    EXPECT_EQ(report.tokens, report.requests * 6);
    EXPECT_LT(report.mean.difference, 0.02);
}

TEST(EndpointCheck, SuspectsCheaperWeightsAndOtherModels) {
    for (const ToyModel& cheat : {kCheap, kOther}) {
        Stand stand{cheat};
        const EndpointReport report = stand.run(200).value();
        EXPECT_EQ(report.decision, BlackboxDecision::kSuspicious);
        EXPECT_LT(report.requests, 20U);
        EXPECT_GE(report.log_evidence, std::log(1e4));
    }
}

TEST(EndpointCheck, SuspectsClaimsThatWereCopiedFromTheRightModel) {
    Stand stand{kOther};
    stand.client.target.options().forges_claims = true;
    stand.client.target.options().forged = kReference;
    const EndpointReport report = stand.run(200).value();
    EXPECT_EQ(report.decision, BlackboxDecision::kSuspicious);
    EXPECT_LT(report.mean.difference, 1e-9);
    EXPECT_GT(report.mean.margin, 0.1);
}

TEST(EndpointCheck, ComparesWithAnHonestEndpointOnHalfOfThePrompts) {
    Stand honest{kHonest};
    honest.options.honest = EndpointTarget{"http://honest/v1", EndpointApi::kChat, "toy", ""};
    const EndpointReport report = honest.run(50).value();
    EXPECT_NE(report.decision, BlackboxDecision::kSuspicious);
    EXPECT_EQ(honest.client.honest.requests().size(), 25U);
    EXPECT_GT(report.sample_mean.difference, 0);
}

TEST(EndpointCheck, SeesBelowTheToleranceWhatAnHonestEndpointDoesNotDo) {
    const ToyModel subtle{1, 0.06, 3};
    Stand compared{subtle};
    compared.options.honest = EndpointTarget{"http://honest/v1", EndpointApi::kChat, "toy", ""};
    EXPECT_EQ(compared.run(80).value().decision, BlackboxDecision::kSuspicious);
    EXPECT_EQ(Stand{subtle}.run(80).value().decision, BlackboxDecision::kConsistent);
}

TEST(EndpointCheck, AsksEachPromptOnceAndMarksNothing) {
    Stand stand{kHonest};
    stand.options.stops_when_decided = false;
    ASSERT_TRUE(stand.run(30));
    std::set<std::string> bodies;
    for (const ports::HttpRequest& request : stand.client.target.requests()) {
        bodies.insert(request.body);
        EXPECT_EQ(request.target, "http://target/v1/chat/completions");
        EXPECT_EQ(request.headers.fields.size(), 2U);
        EXPECT_EQ(request.headers.get("authorization"), "Bearer key");
    }
    EXPECT_EQ(bodies.size(), 30U);
    EXPECT_EQ(stand.progress.size(), 30U);
}

TEST(EndpointCheck, GoesOnAfterSomeFailuresAndGivesUpAfterManyInARow) {
    Stand shaky{kHonest};
    shaky.client.target.options().unavailable_per_mille = 200;
    shaky.options.stops_when_decided = false;
    const EndpointReport report = shaky.run(100).value();
    EXPECT_GT(report.failed, 5U);
    EXPECT_EQ(report.failed + report.requests, 100U);

    Stand dead{kHonest};
    dead.client.target.options().status = 500;
    EXPECT_EQ(dead.run(100).error().code, Errc::kUnavailable);
    Stand slow{kHonest};
    slow.client.target.options().delay = 1h;
    EXPECT_EQ(slow.run(100).error().code, Errc::kUnavailable);
    Stand nonsense{kHonest};
    nonsense.client.target.options().body = "{\"choices\":";
    EXPECT_EQ(nonsense.run(100).error().code, Errc::kUnavailable);
    Stand silent{kHonest};
    silent.client.target.options().body = R"({"choices":[{"logprobs":null}]})";
    EXPECT_EQ(silent.run(100).error().code, Errc::kNotFound);
    Stand foreign{kHonest};
    foreign.client.target.options().body = R"({"choices":[{"logprobs":{"content":[{"token":"?","logprob":-1}]}}]})";
    EXPECT_EQ(foreign.run(100).error().code, Errc::kUnavailable);
}

TEST(EndpointCheck, StopsWhenTheReferenceFails) {
    Stand stand{kHonest};
    stand.reference.is_broken = true;
    EXPECT_EQ(stand.run(100).error().code, Errc::kInternal);
}

TEST(EndpointCheck, RefusesWhatCannotBeATest) {
    Stand few{kHonest};
    few.options.honest = EndpointTarget{"http://honest/v1", EndpointApi::kChat, "toy", ""};
    EXPECT_EQ(few.run(2 * verify::kCalibrationMin - 2).error().code, Errc::kInvalid);
    EXPECT_EQ(Stand{kHonest}.run(0).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace vcity::verifier
