// SPDX-License-Identifier: Apache-2.0
#include "market/exchange/order_book.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace vcity::market {
namespace {

constexpr UnixMillis kNow{1'795'341'600'000};
constexpr UnixMillis kHold{60'000};

Address who(std::uint8_t number) {
    Address address;
    address.bytes[19] = number;
    return address;
}

Ask ask(OrderId id, std::uint32_t units, std::uint64_t hourly) {
    return {.id = id,
            .provider = who(static_cast<std::uint8_t>(id)),
            .units = units,
            .on_demand = Usd{hourly},
            .reserved = Usd{hourly / 2},
            .reserved_seconds_min = 86'400,
            .spot_floor = Usd{hourly / 4}};
}

QuoteRequest want(std::uint32_t units, std::uint64_t hourly_max, std::uint64_t seconds = 3600) {
    return {
        .client = who(100), .tier = Tier::kOnDemand, .units = units, .seconds = seconds, .hourly_max = {hourly_max}};
}

std::uint32_t running_units(const OrderBook& book, OrderId bid) {
    std::uint32_t units = 0;
    const auto found = book.spot().find(bid);
    if (found == book.spot().end()) return 0;
    for (const auto& [id, count] : found->second) units += count;
    return units;
}

TEST(OrderBook, QuotesTheCheapestUnitsAndHoldsThem) {
    OrderBook book;
    ASSERT_TRUE(book.place(ask(1, 2, 4000)));
    ASSERT_TRUE(book.place(ask(2, 2, 2000)));
    const Quote first = book.quote(want(3, 5000), kNow, kHold).value();
    ASSERT_EQ(first.fills.size(), 2U);
    EXPECT_EQ(first.fills[0], (Fill{2, who(2), 2, Usd{2000}}));
    EXPECT_EQ(first.fills[1], (Fill{1, who(1), 1, Usd{4000}}));
    EXPECT_EQ(first.most, Usd{2 * 2000 + 4000});
    EXPECT_EQ(first.until, kNow + kHold);

    const auto second = book.quote(want(2, 5000), kNow, kHold);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kExhausted);
    EXPECT_EQ(second.error().message, "only 1 of 2 units are free");
}

TEST(OrderBook, AQuoteStandsUntilItsTimeAndNotLonger) {
    OrderBook book;
    ASSERT_TRUE(book.place(ask(1, 1, 4000)));
    const Quote quote = book.quote(want(1, 5000), kNow, kHold).value();
    ASSERT_TRUE(book.place(ask(2, 1, 9000)));  // prices elsewhere do not matter any more
    EXPECT_EQ(book.accept(quote.id, who(101), kNow).error().code, Errc::kNotFound);
    EXPECT_EQ(book.accept(quote.id, who(100), kNow + kHold).error().code, Errc::kNotFound);
    EXPECT_EQ(book.unsold(1, kNow + kHold), 1U);

    const Quote again = book.quote(want(1, 5000), kNow + kHold, kHold).value();
    const auto accepted = book.accept(again.id, who(100), kNow + kHold + kHold - UnixMillis{1});
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->sale.quote.most, Usd{4000});
    EXPECT_EQ(book.unsold(1, kNow), 0U);
    EXPECT_EQ(book.accept(again.id, who(100), kNow).error().code, Errc::kNotFound);
    ASSERT_TRUE(book.end(again.id));
    EXPECT_EQ(book.unsold(1, kNow), 1U);
    EXPECT_EQ(book.end(again.id).error().code, Errc::kNotFound);
}

TEST(OrderBook, SaysAtWhichPriceThereWouldBeEnough) {
    OrderBook book;
    ASSERT_TRUE(book.place(ask(1, 1, 4'000'000)));
    EXPECT_EQ(book.quote(want(1, 3'999'999), kNow, kHold).error().message,
              "not enough units at 3.999999 USD an hour; there are at 4.000000");
    EXPECT_TRUE(book.quote(want(1, 4'000'000), kNow, kHold));
}

TEST(OrderBook, ADeclinedQuoteFreesItsUnits) {
    OrderBook book;
    ASSERT_TRUE(book.place(ask(1, 1, 4000)));
    const Quote quote = book.quote(want(1, 4000), kNow, kHold).value();
    EXPECT_EQ(book.decline(quote.id, who(101), kNow).error().code, Errc::kNotFound);
    ASSERT_TRUE(book.decline(quote.id, who(100), kNow));
    EXPECT_TRUE(book.quote(want(1, 4000), kNow, kHold));
}

TEST(OrderBook, ReservedCapacityNeedsItsShortestTerm) {
    OrderBook book;
    ASSERT_TRUE(book.place(ask(1, 1, 4000)));
    QuoteRequest request = want(1, 4000, 86'399);
    request.tier = Tier::kReserved;
    EXPECT_EQ(book.quote(request, kNow, kHold).error().code, Errc::kExhausted);
    request.seconds = 86'400;
    EXPECT_EQ(book.quote(request, kNow, kHold).value().most, Usd{2000 * 24});
}

TEST(OrderBook, RefusesImpossibleTerms) {
    OrderBook book;
    EXPECT_EQ(book.place({.id = 1, .units = 1}).error().message, "an ask needs a price in at least one tier");
    EXPECT_FALSE(book.place(ask(1, 0, 4000)));
    EXPECT_FALSE(book.place(ask(1, 1, 4'000'000'000'000'000)));
    ASSERT_TRUE(book.place(ask(1, 1, 4000)));
    EXPECT_FALSE(book.place(ask(1, 1, 4000)));
    EXPECT_FALSE(book.quote(want(0, 4000), kNow, kHold));
    EXPECT_FALSE(book.quote(want(1, 4000, 0), kNow, kHold));
    EXPECT_FALSE(book.quote(want(1, 4000, ~0ULL), kNow, kHold));
    QuoteRequest spot = want(1, 4000);
    spot.tier = Tier::kSpot;
    EXPECT_EQ(book.quote(spot, kNow, kHold).error().message, "spot capacity is bid for, not quoted");
    EXPECT_FALSE(book.bid({.id = 1, .client = who(1), .units = 0, .max = {1}}));
    EXPECT_FALSE(book.bid({.id = 1, .client = who(1), .units = 1, .max = {0}}));
    EXPECT_FALSE(book.withdraw(9));
    EXPECT_FALSE(book.cancel_bid(9));
}

TEST(OrderBook, KeepsItsBounds) {
    OrderBook book{{.asks_max = 1, .bids_max = 1, .quotes_max = 1, .fills_max = 1}};
    ASSERT_TRUE(book.place(ask(1, 4, 4000)));
    EXPECT_EQ(book.place(ask(2, 4, 4000)).error().code, Errc::kExhausted);
    ASSERT_TRUE(book.quote(want(1, 4000), kNow, kHold));
    EXPECT_EQ(book.quote(want(1, 4000), kNow, kHold).error().code, Errc::kExhausted);
    ASSERT_TRUE(book.bid({.id = 1, .client = who(1), .units = 1, .max = {1000}}));
    EXPECT_EQ(book.bid({.id = 2, .client = who(1), .units = 1, .max = {1000}}).error().code, Errc::kExhausted);
}

TEST(OrderBook, SpotPaysTheBestLosingBidOrTheFloor) {
    OrderBook book;
    ASSERT_TRUE(book.place(ask(1, 2, 4000)));  // floor 1000
    ASSERT_TRUE(book.bid({.id = 1, .client = who(1), .units = 1, .max = {3000}}));
    EXPECT_EQ(book.clear(kNow).hourly, Usd{1000});
    ASSERT_TRUE(book.bid({.id = 2, .client = who(2), .units = 2, .max = {2000}}));
    const SpotOutcome outcome = book.clear(kNow);
    EXPECT_EQ(outcome.hourly, Usd{2000});  // the second unit of bid 2 got nothing
    EXPECT_TRUE(outcome.stopped.empty());
    EXPECT_EQ(outcome.started, (std::vector<SpotGrant>{{2, 1, 1}}));
}

TEST(OrderBook, WhoRunsStaysAtAnEqualBidAndGoesAtAHigherOne) {
    OrderBook book;
    ASSERT_TRUE(book.place(ask(1, 1, 4000)));
    ASSERT_TRUE(book.bid({.id = 7, .client = who(1), .units = 1, .max = {2000}}));
    book.clear(kNow);
    ASSERT_TRUE(book.bid({.id = 3, .client = who(2), .units = 1, .max = {2000}}));
    EXPECT_TRUE(book.clear(kNow).stopped.empty());
    ASSERT_TRUE(book.bid({.id = 4, .client = who(3), .units = 1, .max = {2001}}));
    const SpotOutcome outcome = book.clear(kNow);
    EXPECT_EQ(outcome.stopped, (std::vector<SpotGrant>{{7, 1, 1}}));
    EXPECT_EQ(outcome.started, (std::vector<SpotGrant>{{4, 1, 1}}));
    ASSERT_TRUE(book.cancel_bid(4));
    EXPECT_EQ(book.clear(kNow).started, (std::vector<SpotGrant>{{7, 1, 1}}));  // it came before bid 3
}

TEST(OrderBook, ASaleTakesThePlaceOfSpot) {
    OrderBook book;
    ASSERT_TRUE(book.place(ask(1, 1, 4000)));
    ASSERT_TRUE(book.place(ask(2, 1, 8000)));
    ASSERT_TRUE(book.bid({.id = 1, .client = who(1), .units = 1, .max = {3000}}));
    book.clear(kNow);
    const Quote quote = book.quote(want(1, 4000), kNow, kHold).value();
    EXPECT_EQ(running_units(book, 1), 1U);  // a quote alone disturbs nobody
    const auto accepted = book.accept(quote.id, who(100), kNow).value();
    EXPECT_EQ(accepted.spot.stopped, (std::vector<SpotGrant>{{1, 1, 1}}));
    EXPECT_EQ(accepted.spot.started, (std::vector<SpotGrant>{{1, 2, 1}}));
    EXPECT_EQ(accepted.spot.hourly, Usd{2000});
}

TEST(OrderBook, AWithdrawnAskSellsNothingNewAndKeepsWhatItSold) {
    OrderBook book;
    ASSERT_TRUE(book.place(ask(1, 2, 4000)));
    const Quote quote = book.quote(want(1, 4000), kNow, kHold).value();
    ASSERT_TRUE(book.withdraw(1));
    EXPECT_FALSE(book.withdraw(1));
    EXPECT_FALSE(book.quote(want(1, 4000), kNow, kHold));
    EXPECT_TRUE(book.accept(quote.id, who(100), kNow));  // a quote is kept
    ASSERT_TRUE(book.end(quote.id));
    EXPECT_TRUE(book.place(ask(1, 2, 4000)));  // gone by now
}

TEST(CostUntil, GrowsBySecondsAndStopsAtTheQuote) {
    OrderBook book;
    ASSERT_TRUE(book.place(ask(1, 3, 3601)));
    const Quote quote = book.quote(want(3, 4000, 10), kNow, kHold).value();
    EXPECT_EQ(quote.most, Usd{31});  // 3 * 3601 * 10 / 3600 = 30.008, rounded up
    const Sale sale = book.accept(quote.id, who(100), kNow).value().sale;
    EXPECT_EQ(cost_until(sale, kNow - UnixMillis{5}), Usd{0});
    EXPECT_EQ(cost_until(sale, kNow + UnixMillis{999}), Usd{0});
    EXPECT_EQ(cost_until(sale, kNow + UnixMillis{1000}), Usd{3});
    EXPECT_EQ(cost_until(sale, kNow + UnixMillis{10'000}), Usd{30});
    EXPECT_EQ(cost_until(sale, kNow + UnixMillis{1'000'000}), Usd{30});
}

// A market of a few orders, moved at random, against plain accounts of it.
class RandomMarket : public testing::TestWithParam<std::uint64_t> {
  protected:
    std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

    void step() {
        now_ += UnixMillis{below(20'000)};
        switch (below(8)) {
            case 0:
            case 1: add_ask(); break;
            case 2: withdraw(); break;
            case 3: add_bid(); break;
            case 4: cancel(); break;
            case 5:
                if (auto quote = book_.quote(want(1 + below(4), 500 + below(1500)), now_, kHold)) {
                    quotes_.push_back(*quote);
                }
                break;
            case 6: accept(); break;
            default: end();
        }
        check_auction(book_.clear(now_));
    }

    void add_ask() {
        const Ask made{.id = next_++,
                       .units = 1 + below(4),
                       .on_demand = Usd{500 + below(1000)},
                       .spot_floor = Usd{100 + below(6) * 100}};
        ASSERT_TRUE(book_.place(made));
        asks_[made.id] = made;
    }
    void withdraw() {
        if (asks_.empty()) return;
        const OrderId id = std::next(asks_.begin(), static_cast<long>(random_() % asks_.size()))->first;
        ASSERT_TRUE(book_.withdraw(id));
        asks_.erase(id);
    }
    void add_bid() {
        const SpotBid made{.id = next_++, .client = who(1), .units = 1 + below(3), .max = Usd{100 + below(8) * 100}};
        ASSERT_TRUE(book_.bid(made));
        bids_[made.id] = made;
    }
    void cancel() {
        if (bids_.empty()) return;
        const OrderId id = std::next(bids_.begin(), static_cast<long>(random_() % bids_.size()))->first;
        ASSERT_TRUE(book_.cancel_bid(id));
        bids_.erase(id);
    }
    void accept() {
        if (quotes_.empty()) return;
        const Quote quote = quotes_.back();
        quotes_.pop_back();
        const auto accepted = book_.accept(quote.id, quote.client, now_);
        EXPECT_EQ(accepted.has_value(), quote.until > now_);
        if (!accepted) return;
        EXPECT_EQ(accepted->sale.quote.most, quote.most);
        sales_.push_back(accepted->sale);
        check_auction(accepted->spot);
    }
    void end() {
        if (sales_.empty()) return;
        EXPECT_LE(cost_until(sales_.back(), now_), sales_.back().quote.most);
        ASSERT_TRUE(book_.end(sales_.back().quote.id));
        sales_.pop_back();
    }

    // Units that spot may use, by ask.
    std::map<OrderId, std::uint32_t> supply() {
        std::map<OrderId, std::uint32_t> units;
        for (const auto& [id, made] : asks_) units[id] = made.units;
        for (const Sale& sale : sales_) {
            for (const Fill& fill : sale.quote.fills) {
                if (units.contains(fill.ask)) units[fill.ask] -= fill.units;
            }
        }
        return units;
    }

    void check_auction(const SpotOutcome& outcome) {
        std::map<OrderId, std::uint32_t> free = supply();
        std::vector<Usd> floors;
        for (const auto& [id, units] : free) floors.insert(floors.end(), units, *asks_[id].spot_floor);
        std::vector<Usd> maxima;
        for (const auto& [id, made] : bids_) maxima.insert(maxima.end(), made.units, made.max);
        std::ranges::sort(floors);
        std::ranges::sort(maxima, std::greater{});
        std::size_t trades = 0;
        while (trades < floors.size() && trades < maxima.size() && maxima[trades] >= floors[trades]) ++trades;

        std::size_t runs = 0;
        for (const auto& [bid, on] : book_.spot()) {
            EXPECT_LE(running_units(book_, bid), bids_.at(bid).units);
            EXPECT_GE(bids_.at(bid).max, outcome.hourly);
            for (const auto& [id, units] : on) {
                ASSERT_TRUE(free.contains(id));
                ASSERT_GE(free[id], units);
                free[id] -= units;
                runs += units;
                EXPECT_LE(*asks_[id].spot_floor, outcome.hourly);
            }
        }
        EXPECT_EQ(runs, trades);
        if (trades == 0) return;
        Usd expected = floors[trades - 1];
        if (trades < maxima.size()) expected = std::max(expected, maxima[trades]);
        EXPECT_EQ(outcome.hourly, expected);
        // Nobody who bid more is without.
        for (const auto& [id, made] : bids_) {
            if (made.max > outcome.hourly) {
                EXPECT_EQ(running_units(book_, id), made.units);
            }
        }
    }

    std::mt19937_64 random_{GetParam()};
    OrderBook book_;
    UnixMillis now_ = kNow;
    OrderId next_ = 1;
    std::map<OrderId, Ask> asks_;
    std::map<OrderId, SpotBid> bids_;
    std::vector<Quote> quotes_;
    std::vector<Sale> sales_;
};

TEST_P(RandomMarket, TradesAsMuchAsPossibleAtOnePriceAndSellsNothingTwice) {
    for (int round = 0; round < 200; ++round) {
        step();
        if (HasFailure()) return;
    }
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomMarket, testing::Range<std::uint64_t>(0, 50));

}  // namespace
}  // namespace vcity::market
