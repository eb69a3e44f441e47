// SPDX-License-Identifier: Apache-2.0
#include "services/indexer/contract_events.hpp"

#include <gtest/gtest.h>

#include "codec/hex.hpp"
#include "services/indexer/api.hpp"
#include "sim/fakes/store.hpp"
#include "sim/runtime.hpp"

namespace vcity::indexer {
namespace {

const std::string kHolder = "0x" + std::string(40, 'a');
const std::string kOther = "0x" + std::string(40, 'b');

class Responder final : public ports::HttpResponder {
  public:
    Task<Result<void>> respond(ports::HttpResponse answer) override {
        response = std::move(answer);
        co_return Result<void>{};
    }
    Task<Result<void>> start(ports::HttpResponse) override { co_return Result<void>{}; }
    Task<Result<void>> write(std::string) override { co_return Result<void>{}; }
    Task<Result<void>> finish() override { co_return Result<void>{}; }
    bool is_connected() const override { return true; }

    ports::HttpResponse response;
};

// Events straight into the read model, and the questions that people ask it.
class ContractEvents : public ::testing::Test {
  public:
    using Values = std::vector<std::pair<std::string, std::string>>;

    Result<void> tell(const std::string& contract, const std::string& name, Values values) {
        ContractEvent event;
        event.block_number = ++block_;
        event.contract = contract;
        event.name = name;
        event.values = std::move(values);
        std::optional<Result<void>> done;
        world.spawn(apply(&store, std::move(event), &done));
        world.run(100'000);
        return done.value_or(make_error(Errc::kTimeout, "not done"));
    }
    static Task<void> apply(ports::Store* store, ContractEvent event, std::optional<Result<void>>* done) {
        Draft draft{store};
        Result<void> applied = co_await apply_contract_event(&draft, &event);
        if (applied) {
            applied = co_await store->commit(draft.changes());
        }
        *done = applied;
    }
    void at(std::uint64_t chain_time) {
        ports::StoreChange change;
        change.puts.push_back(to_entry(std::string{kHeadKey}, codec::JsonObject{{"time", chain_time}}));
        world.spawn(put(&store, std::move(change)));
        world.run(100'000);
    }
    static Task<void> put(ports::Store* store, ports::StoreChange change) {
        const Result<void> done = co_await store->commit(std::move(change));
        EXPECT_TRUE(done.has_value());
    }
    codec::Json get(std::string target) {
        ports::HttpRequest request;
        request.method = "GET";
        request.target = std::move(target);
        Responder responder;
        world.spawn(api.handle(std::move(request), &responder));
        world.run(100'000);
        status = responder.response.status;
        return codec::parse_json(responder.response.body).value_or(codec::Json{});
    }
    std::string state() { return *get("/api/v1/proposals/77").find("state")->get_string(); }
    void propose() {
        ASSERT_TRUE(tell("VCAIGovernor", "ParametersChanged",
                         {{"parameters", R"(["10","20","30","40","50","1000000000000000000"])"}}));
        ASSERT_TRUE(tell("VCAIGovernor", "Proposed",
                         {{"id", "77"},
                          {"proposer", kHolder},
                          {"openFrom", "1010"},
                          {"openUntil", "1030"},
                          {"calls", "[[\"" + kOther + "\",\"0\",\"0x01\"]]"},
                          {"description", "Lower the fee"}}));
    }

    sim::SimRuntime world{1};
    sim::FakeDisk disk{&world};
    sim::FakeStore store{&world, &disk};
    IndexerApi api{&store, Log{nullptr, "api"}};
    unsigned status = 0;

  private:
    std::uint64_t block_ = 0;
};

TEST_F(ContractEvents, a_lock_is_what_the_last_event_left_and_weighs_less_each_second) {
    ASSERT_TRUE(tell("VeVCAI", "Locked",
                     {{"user", kHolder},
                      {"added", "4000000000000000000"},
                      {"amount", "4000000000000000000"},
                      {"root", "2000000000000000000"},
                      {"unlockTime", "126231400"}}));
    ASSERT_TRUE(tell("VeVCAI", "Claimed", {{"user", kHolder}, {"amount", "500000000000000000"}}));
    at(1'000);
    const codec::Json stakes = get("/api/v1/stakes/" + kHolder);
    const codec::Json& lock = *stakes.find("lock");
    EXPECT_EQ(*lock.find("amount"), codec::Json{"4"});
    EXPECT_EQ(*lock.find("claimed"), codec::Json{"0.5"});
    EXPECT_EQ(*lock.find("weight"), codec::Json{"2"});
    EXPECT_TRUE(stakes.find("node")->is_null());
    at(1'000 + 126'230'400 / 2);
    EXPECT_EQ(*get("/api/v1/stakes/" + kHolder).find("lock")->find("weight"), codec::Json{"1"});
    EXPECT_EQ(*get("/api/v1/totals").find("vcai_locked"), codec::Json{"4"});
    EXPECT_EQ(get("/api/v1/totals").find("locked"), nullptr) << "that is the stablecoin's";
    ASSERT_TRUE(tell("VeVCAI", "Withdrawn", {{"user", kHolder}, {"amount", "4000000000000000000"}}));
    EXPECT_EQ(*get("/api/v1/totals").find("vcai_locked"), codec::Json{"0"});
    EXPECT_EQ(*get("/api/v1/stakes/" + kHolder).find("lock")->find("weight"), codec::Json{"0"});
}

TEST_F(ContractEvents, a_proposal_goes_through_the_states_of_the_governor) {
    propose();
    at(1'009);
    EXPECT_EQ(state(), "discussion");
    at(1'010);
    EXPECT_EQ(state(), "openable");
    at(1'030);
    EXPECT_EQ(state(), "expired");
    ASSERT_TRUE(tell("VCAIGovernor", "VoteOpened",
                     {{"id", "77"}, {"snapshotId", "1"}, {"votingUntil", "2000"}, {"totalWeight", "10"}}));
    at(1'999);
    EXPECT_EQ(state(), "voting");
    ASSERT_TRUE(
        tell("VCAIGovernor", "VoteCast", {{"id", "77"}, {"voter", kHolder}, {"support", "1"}, {"weight", "5"}}));
    at(2'000);
    EXPECT_EQ(state(), "defeated");
    ASSERT_TRUE(tell("VCAIGovernor", "VoteCast", {{"id", "77"}, {"voter", kOther}, {"support", "1"}, {"weight", "1"}}));
    EXPECT_EQ(state(), "succeeded");
    at(2'040);
    EXPECT_EQ(state(), "expired");
    ASSERT_TRUE(tell("VCAIGovernor", "Queued",
                     {{"id", "77"}, {"operation", "0x01"}, {"executeFrom", "3000"}, {"executeUntil", "3100"}}));
    EXPECT_EQ(state(), "queued");
    at(3'000);
    EXPECT_EQ(state(), "executable");
    ASSERT_TRUE(tell("VCAIGovernor", "Executed", {{"id", "77"}}));
    EXPECT_EQ(state(), "executed");
}

TEST_F(ContractEvents, votes_are_counted_and_listed) {
    propose();
    ASSERT_TRUE(tell("VCAIGovernor", "VoteCast",
                     {{"id", "77"}, {"voter", kHolder}, {"support", "2"}, {"weight", "1000000000000000000"}}));
    const codec::Json proposal = get("/api/v1/proposals/77");
    EXPECT_EQ(*proposal.find("votes_abstain"), codec::Json{"1"});
    EXPECT_EQ(number_of(proposal, "voters"), 1U);
    EXPECT_EQ(*proposal.find("calls")->get_array()->front().find("target"), codec::Json{kOther});
    const codec::Json votes = get("/api/v1/proposals/77/votes");
    ASSERT_EQ(votes.find("data")->get_array()->size(), 1U);
    EXPECT_EQ(*votes.find("data")->get_array()->front().find("support"), codec::Json{"abstain"});
    EXPECT_EQ(get("/api/v1/proposals").find("data")->get_array()->size(), 1U);
    EXPECT_EQ(tell("VCAIGovernor", "VoteCast", {{"id", "78"}, {"support", "1"}}).error().code, Errc::kCorrupt);
    (void)get("/api/v1/proposals/x");
    EXPECT_EQ(status, 400U);
    (void)get("/api/v1/proposals/79");
    EXPECT_EQ(status, 404U);
}

TEST_F(ContractEvents, periods_of_incentives_are_a_history_and_what_is_in_force) {
    EXPECT_TRUE(get("/api/v1/incentives").find("utilization")->is_null());
    ASSERT_TRUE(tell("IncentiveController", "PeriodClosed",
                     {{"period", "3"},
                      {"closed", R"(["100","200","60","100","600000000000000000","500000000000000000",)"
                                 R"("450000000000000000","1000000000000000000","2","3","4"])"}}));
    ASSERT_TRUE(tell("NetworkFee", "FeeChanged",
                     {{"previousPpm", "50000"}, {"feePpm", "52000"}, {"utilizationPpm", "600000"}}));
    const codec::Json incentives = get("/api/v1/incentives");
    EXPECT_EQ(*incentives.find("utilization"), codec::Json{"0.6"});
    EXPECT_EQ(*incentives.find("supply_share"), codec::Json{"0.45"});
    EXPECT_EQ(number_of(incentives, "fee_ppm"), 52'000U);
    EXPECT_EQ(*incentives.find("data")->get_array()->front().find("to_poc"), codec::Json{"1"});
    EXPECT_EQ(tell("IncentiveController", "PeriodClosed", {{"period", "4"}, {"closed", "[]"}}).error().code,
              Errc::kCorrupt);
}

TEST_F(ContractEvents, a_case_keeps_its_steps_and_its_parties) {
    ASSERT_TRUE(tell("SlashingCourt", "CaseOpened", {{"caseId", "5"}, {"accused", kHolder}, {"accuser", kOther}}));
    ASSERT_TRUE(tell("SlashingCourt", "CaseRuled", {{"caseId", "5"}, {"accused", kHolder}}));
    ASSERT_TRUE(tell("SlashingCourt", "CaseAppealed", {{"caseId", "5"}, {"appellant", kHolder}}));
    const codec::Json found = get("/api/v1/cases/5");
    EXPECT_EQ(*found.find("state"), codec::Json{"appealed"});
    EXPECT_EQ(*found.find("accuser"), codec::Json{kOther});
    EXPECT_EQ(found.find("steps")->get_array()->size(), 3U);
    EXPECT_EQ(get("/api/v1/cases").find("data")->get_array()->size(), 1U);
}

TEST_F(ContractEvents, events_are_found_by_kind_and_by_address) {
    ASSERT_TRUE(tell("VeVCAI", "Locked", {{"user", kHolder}, {"amount", "1"}, {"root", "1"}, {"unlockTime", "9"}}));
    ASSERT_TRUE(tell("Treasury", "FeeReceived", {{"from", kOther}, {"amount", "1"}, {"fees", "2"}}));
    EXPECT_EQ(get("/api/v1/events").find("data")->get_array()->size(), 2U);
    const codec::Json by_kind = get("/api/v1/events?kind=Treasury.FeeReceived");
    ASSERT_EQ(by_kind.find("data")->get_array()->size(), 1U);
    EXPECT_EQ(*by_kind.find("data")->get_array()->front().find("values")->find("from"), codec::Json{kOther});
    EXPECT_EQ(get("/api/v1/events?address=" + kHolder).find("data")->get_array()->size(), 1U);
    (void)get("/api/v1/events?kind=a/b");
    EXPECT_EQ(status, 400U);
}

}  // namespace
}  // namespace vcity::indexer
