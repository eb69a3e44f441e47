// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "services/scheduler/work/quotes.hpp"
#include "services/scheduler/work/spot.hpp"

namespace vcity::scheduler {
namespace {

using namespace std::chrono_literals;

Address node_of(std::uint8_t number) {
    Address node;
    node.bytes.fill(number);
    return node;
}

// Nodes with one unit of so many cores each, and a customer.
class WorkMarketTest : public ::testing::Test {
  protected:
    void offer(std::uint8_t number, std::uint32_t cores, Usd hourly, std::optional<Usd> spot = {}) {
        NodeRecord record;
        record.identity = node_of(number);
        NodeAnnouncement announcement;
        announcement.kind = NodeKind::kStable;
        announcement.hardware.region = "eu";
        UnitOffer unit;
        unit.cpu_milli = cores * 1000;
        unit.memory_mib = 65'536;
        unit.hourly = hourly;
        unit.spot_hourly = spot;
        announcement.units = {unit};
        const Result<void> done = units_.announce(record, announcement, 5000);
        ASSERT_TRUE(done.has_value()) << done.error().message;
    }
    static StepGroup group(std::string name, std::uint32_t count) {
        StepGroup group;
        group.name = std::move(name);
        group.count = count;
        group.command = {"/bin/true"};
        return group;
    }
    static WorkOrder order(std::vector<StepGroup> groups, std::uint8_t client = 1) {
        WorkOrder order;
        order.job_id.bytes.fill(client);
        order.client = node_of(client);
        order.cap.cap.client = order.client;
        order.cap.cap.limit = Usd{1'000'000'000};
        order.budget = Usd{1'000'000'000};
        order.deadline = UnixMillis{1'000'000'000};
        order.spec.name = "a job";
        order.spec.groups = std::move(groups);
        order.spec.prefer = {.latency = 0, .price = 100, .quality = 0, .packing = 0};
        return order;
    }
    bool has_room() {
        const WorkOrder any = order({group("any", 1)});
        const auto seat = units_.look({&any.spec, &any.spec.groups[0]});
        return seat && seat->has_value();
    }
    Result<WorkQuote> quote(const WorkOrder& wanted) { return quotes_.quote(wanted, UnixMillis{5000}, now_); }

    UnitDirectory units_;
    Quotes quotes_{&units_};
    TimePoint now_{};
};

TEST_F(WorkMarketTest, AQuoteAddsUpTheUnitsThatWouldBeChosenNow) {
    offer(10, 2, Usd{1'000'000});
    offer(11, 2, Usd{2'000'000});
    StepGroup last = group("last", 1);
    last.needs = {"first"};
    const Result<WorkQuote> made = quote(order({group("first", 3), last}));
    ASSERT_TRUE(made.has_value()) << made.error().message;
    EXPECT_EQ(made->until, UnixMillis{65'000});
    ASSERT_EQ(made->steps.size(), 4U);
    EXPECT_EQ(made->steps[0].group, "last") << "where it would go is known, but nothing is held";
    EXPECT_EQ(made->steps[1].hourly.micro, 1'000'000U);
    EXPECT_EQ(made->steps[3].hourly.micro, 2'000'000U) << "the cheap unit is full";
    EXPECT_EQ(made->hourly.micro, 6'000'000U) << "no step of a group costs more than its dearest";
    EXPECT_EQ(made->most.micro, 7'000'000U);
    EXPECT_NE(made->text.find("network's fee comes out of what the nodes earn"), std::string::npos);
    EXPECT_EQ(quotes_.seats(), 3U);
}

TEST_F(WorkMarketTest, TheUnitsAreHeldUntilTheQuoteIsAcceptedOrItsTimeHasPassed) {
    offer(10, 2, Usd{1'000'000});
    WorkOrder wanted = order({group("main", 2)});
    wanted.quote_id = quote(wanted)->quote_id;
    EXPECT_FALSE(has_room());
    EXPECT_EQ(quote(order({group("main", 1)}, 2)).error().code, Errc::kExhausted);
    ASSERT_TRUE(quotes_.check(wanted, now_).has_value());
    const Result<std::vector<Usd>> promised = quotes_.accept(wanted, now_ + 59s);
    ASSERT_TRUE(promised.has_value());
    EXPECT_EQ(*promised, std::vector<Usd>{Usd{1'000'000}});
    EXPECT_TRUE(has_room());
    EXPECT_EQ(quotes_.accept(wanted, now_).error().code, Errc::kNotFound) << "once";

    wanted.quote_id = quote(wanted)->quote_id;
    quotes_.expire(now_ + 59s);
    EXPECT_FALSE(has_room());
    EXPECT_EQ(quotes_.check(wanted, now_ + 60s).error().code, Errc::kNotFound);
    quotes_.expire(now_ + 60s);
    EXPECT_TRUE(has_room());
    EXPECT_EQ(quotes_.seats(), 0U);
}

TEST_F(WorkMarketTest, AQuoteIsForItsClientAndItsWork) {
    offer(10, 8, Usd{1'000'000});
    WorkOrder wanted = order({group("main", 1)});
    wanted.quote_id = quote(wanted)->quote_id;
    WorkOrder other = wanted;
    other.client = node_of(2);
    EXPECT_EQ(quotes_.check(other, now_).error().code, Errc::kNotFound);
    other = wanted;
    other.spec.groups[0].seconds_max *= 2;
    EXPECT_EQ(quotes_.check(other, now_).error().code, Errc::kNotFound);
    other = wanted;
    other.spec.groups[0].command = {"/bin/false"};
    EXPECT_TRUE(quotes_.check(other, now_).has_value()) << "what it runs has no price";
}

TEST_F(WorkMarketTest, AClientHoldsAFewQuotesAndOneForAJob) {
    offer(10, 100, Usd{1'000'000});
    WorkOrder wanted = order({group("main", 1)});
    for (std::uint8_t job = 0; job < 10; ++job) {
        wanted.job_id.bytes.fill(static_cast<std::uint8_t>(100 + job));
        ASSERT_TRUE(quote(wanted).has_value());
        ASSERT_TRUE(quote(wanted).has_value()) << "in place of the one before";
    }
    EXPECT_EQ(quotes_.size(), Quotes::kPerClientMax);
    EXPECT_EQ(quotes_.seats(), Quotes::kPerClientMax);
    EXPECT_TRUE(quote(order({group("main", 1)}, 2)).has_value());
}

TEST_F(WorkMarketTest, AGangIsQuotedAsAWholeOrRefusedAndNothingStaysHeld) {
    offer(10, 1, Usd{1'000'000});
    offer(11, 1, Usd{2'000'000});
    StepGroup gang = group("gang", 3);
    gang.is_gang = true;
    const Result<WorkQuote> refused = quote(order({gang}));
    EXPECT_EQ(refused.error().code, Errc::kExhausted);
    EXPECT_NE(refused.error().message.find("no 3 units are free at once"), std::string::npos);
    EXPECT_TRUE(has_room());
    gang.count = 2;
    EXPECT_EQ(quote(order({gang}))->hourly.micro, 4'000'000U);
    EXPECT_FALSE(has_room());
}

// --- best effort

SpotBidder bidder(const WorkOrder& order, std::uint32_t step, std::uint64_t max) {
    return {.job_id = order.job_id,
            .step = step,
            .spec = &order.spec,
            .group = &order.spec.groups[0],
            .max = Usd{max},
            .avoid = {},
            .runs_on = {}};
}

TEST_F(WorkMarketTest, TheBestBidsGetTheUnitsAtTheFirstLosersPrice) {
    offer(10, 2, Usd{1'000'000}, Usd{100});
    offer(11, 8, Usd{1'000'000});
    const WorkOrder wanted = order({group("main", 3)});
    SpotMarket market{&units_};
    EXPECT_EQ(market.price(wanted.spec, wanted.spec.groups[0])->micro, 100U) << "the floor, before anybody bids";
    const SpotRound round =
        market.clear({bidder(wanted, 0, 300), bidder(wanted, 1, 200), bidder(wanted, 2, 400)}, UnixMillis{1});
    ASSERT_EQ(round.awards.size(), 2U);
    for (const SpotAward& award : round.awards) {
        EXPECT_NE(award.step, 1U);
        EXPECT_EQ(award.unit.node, node_of(10)) << "the other unit takes no best-effort work";
        EXPECT_EQ(award.hourly.micro, 200U);
    }
    EXPECT_EQ(market.price(wanted.spec, wanted.spec.groups[0])->micro, 200U);
}

TEST_F(WorkMarketTest, ABetterBidStopsWhatRuns) {
    offer(10, 1, Usd{1'000'000}, Usd{100});
    const WorkOrder wanted = order({group("main", 3)});
    SpotMarket market{&units_};
    SpotBidder first = bidder(wanted, 0, 300);
    const SpotRound begin = market.clear({first}, UnixMillis{1});
    ASSERT_EQ(begin.awards.size(), 1U);
    EXPECT_EQ(begin.awards[0].hourly.micro, 100U);
    ASSERT_TRUE(units_.take_on(begin.awards[0].unit, first.group->ask, 1).has_value());
    first.runs_on = begin.awards[0].unit;
    EXPECT_TRUE(market.clear({bidder(wanted, 1, 300), first}, UnixMillis{2}).stops.empty()) << "an equal bid waits";
    const SpotRound outbid = market.clear({bidder(wanted, 1, 301), first}, UnixMillis{3});
    ASSERT_EQ(outbid.stops.size(), 1U);
    EXPECT_EQ(outbid.stops[0].step, 0U);
    EXPECT_TRUE(outbid.awards.empty()) << "the unit is not free yet";
    units_.release(1);
    const SpotRound then = market.clear({bidder(wanted, 1, 301), bidder(wanted, 0, 300)}, UnixMillis{4});
    ASSERT_EQ(then.awards.size(), 1U);
    EXPECT_EQ(then.awards[0].step, 1U);
    EXPECT_EQ(then.awards[0].hourly.micro, 300U);
}

TEST_F(WorkMarketTest, NobodyPaysMoreThanTheUnitCostsOnDemand) {
    offer(10, 1, Usd{1000}, Usd{100});
    const WorkOrder wanted = order({group("main", 2)});
    SpotMarket market{&units_};
    const SpotRound round = market.clear({bidder(wanted, 0, 1'000'000), bidder(wanted, 1, 2'000'000)}, UnixMillis{1});
    ASSERT_EQ(round.awards.size(), 1U);
    EXPECT_EQ(round.awards[0].step, 0U) << "both bid all that makes sense: the first wins";
    EXPECT_EQ(round.awards[0].hourly.micro, 1000U);
}

TEST_F(WorkMarketTest, RoomIsFoundWhereItHelps) {
    offer(10, 2, Usd{1000}, Usd{100});
    const WorkOrder small = order({group("small", 1)});
    WorkOrder large = order({group("large", 1)});
    large.spec.groups[0].ask.cpu_milli = 2000;
    const placement::UnitId unit{node_of(10), 0};
    ASSERT_TRUE(units_.take_on(unit, small.spec.groups[0].ask, 1).has_value());
    EXPECT_FALSE(units_.take_on(unit, large.spec.groups[0].ask, 2).has_value());
    const UnitQuery query{.spec = &large.spec, .group = &large.spec.groups[0]};
    EXPECT_TRUE(*units_.frees(1, query));
    EXPECT_FALSE(*units_.frees(2, query)) << "nobody holds this";
    EXPECT_FALSE(units_.look(query)->has_value()) << "nothing was given back";
    large.spec.groups[0].ask.cpu_milli = 3000;
    EXPECT_FALSE(*units_.frees(1, query));
    units_.release(1);
}

TEST_F(WorkMarketTest, BidsBelowTheFloorAndNodesToAvoidGetNothing) {
    offer(10, 1, Usd{1'000'000}, Usd{100});
    const WorkOrder wanted = order({group("main", 1)});
    SpotMarket market{&units_};
    EXPECT_TRUE(market.clear({bidder(wanted, 0, 99)}, UnixMillis{1}).awards.empty());
    EXPECT_TRUE(market.clear({bidder(wanted, 0, 0)}, UnixMillis{1}).awards.empty());
    SpotBidder shy = bidder(wanted, 0, 200);
    shy.avoid = {node_of(10)};
    EXPECT_TRUE(market.clear({shy}, UnixMillis{1}).awards.empty());
    WorkOrder far = wanted;
    far.spec.regions = {"nowhere"};
    EXPECT_TRUE(market.clear({bidder(far, 0, 200)}, UnixMillis{1}).awards.empty());
    EXPECT_FALSE(market.price(far.spec, far.spec.groups[0]).has_value());
}

TEST_F(WorkMarketTest, WhatRunsOnAUnitThatIsAwayGoesOn) {
    const WorkOrder wanted = order({group("main", 1)});
    offer(10, 1, Usd{1'000'000}, Usd{100});
    SpotMarket market{&units_};
    SpotBidder away = bidder(wanted, 0, 200);
    away.runs_on = placement::UnitId{node_of(99), 0};
    EXPECT_TRUE(market.clear({away}, UnixMillis{1}).stops.empty());
}

TEST_F(WorkMarketTest, BidsAreMadeForTheClientWithinItsMaximumAndItsTime) {
    WorkOrder wanted = order({group("main", 1)});
    wanted.spec.service_class = ServiceClass::kBestEffort;
    wanted.spec.hourly_max = Usd{500};
    wanted.spec.groups[0].seconds_max = 100;
    wanted.deadline = UnixMillis{1'000'000};
    work::Effects effects;
    const work::Job job = *work::Job::submit(wanted, UnixMillis{1}, &effects);
    using market::BidMove;
    const auto move = [&](std::optional<Usd> spot, std::optional<Usd> on_demand, std::uint64_t now) {
        return next_bid(job, 0, spot, on_demand, UnixMillis{now}).move;
    };
    EXPECT_EQ(move(Usd{100}, Usd{400}, 1), BidMove::kSpot);
    EXPECT_EQ(next_bid(job, 0, Usd{100}, Usd{400}, UnixMillis{1}).bid, Usd{400}) << "never more than on demand";
    EXPECT_EQ(next_bid(job, 0, Usd{100}, Usd{900}, UnixMillis{1}).bid, Usd{500});
    EXPECT_EQ(move(Usd{501}, Usd{501}, 1), BidMove::kWait);
    EXPECT_EQ(move(Usd{100}, Usd{400}, 900'000), BidMove::kOnDemand) << "no time for a stop";
    EXPECT_EQ(move(Usd{100}, Usd{400}, 950'000), BidMove::kOnDemand) << "late, but it may end sooner than its limit";
    EXPECT_EQ(move(Usd{100}, std::nullopt, 950'000), BidMove::kSpot);
    EXPECT_EQ(move(std::nullopt, Usd{501}, 950'000), BidMove::kWait);
}

}  // namespace
}  // namespace vcity::scheduler
