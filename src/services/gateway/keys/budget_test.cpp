// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/keys/budget.hpp"

#include <gtest/gtest.h>

#include "services/gateway/keys/ip_range.hpp"
#include "services/gateway/keys/scopes.hpp"

namespace vcity::gateway {
namespace {

constexpr std::uint64_t kDay = 86'400;
constexpr std::uint64_t kNoon = 1'795'435'200;  // Monday, 2026-11-23 12:00 UTC

TEST(BudgetWindow, BeginsWithTheCalendar) {
    EXPECT_EQ(window_start(BudgetWindow::kHour, kNoon + 59), kNoon);
    EXPECT_EQ(window_end(BudgetWindow::kHour, kNoon), kNoon + 3'600);
    EXPECT_EQ(window_start(BudgetWindow::kDay, kNoon), kNoon - kDay / 2);
    EXPECT_EQ(window_end(BudgetWindow::kDay, kNoon), kNoon + kDay / 2);
    EXPECT_EQ(window_start(BudgetWindow::kWeek, kNoon), kNoon - kDay / 2 - kDay) << "Sunday";
    EXPECT_EQ(window_end(BudgetWindow::kWeek, kNoon), kNoon + kDay / 2 + 5 * kDay);
    EXPECT_EQ(window_start(BudgetWindow::kMonth, kNoon), kNoon - kDay / 2 - 22 * kDay);
    EXPECT_EQ(window_end(BudgetWindow::kMonth, kNoon), kNoon + kDay / 2 + 7 * kDay) << "1 December";
}

TEST(BudgetWindow, EveryMomentLiesInExactlyOneWindow) {
    for (const BudgetWindow window : kBudgetWindows) {
        // 31 days of January, a leap February, the turn of a year.
        for (std::uint64_t time = 0; time < 5 * 365 * kDay; time += 6'007) {
            const std::uint64_t start = window_start(window, time);
            const std::uint64_t end = window_end(window, time);
            ASSERT_LE(start, time);
            ASSERT_GT(end, time);
            ASSERT_EQ(window_start(window, end), end);
            ASSERT_EQ(window_start(window, end - 1), start);
        }
    }
}

TEST(Spending, ForgetsWhatBelongsToAnEndedWindow) {
    Spending spending;
    spending.roll(kNoon);
    spending.charge(Usd{5});

    spending.roll(kNoon + 3'600);
    EXPECT_EQ(spending.in(BudgetWindow::kHour), Usd{});
    EXPECT_EQ(spending.in(BudgetWindow::kDay), Usd{5});
    spending.roll(kNoon + kDay);
    EXPECT_EQ(spending.in(BudgetWindow::kDay), Usd{});
    EXPECT_EQ(spending.in(BudgetWindow::kWeek), Usd{5});
    spending.roll(kNoon + 6 * kDay);
    EXPECT_EQ(spending.in(BudgetWindow::kWeek), Usd{});
    EXPECT_EQ(spending.in(BudgetWindow::kMonth), Usd{5});
    spending.roll(kNoon + 8 * kDay);
    EXPECT_EQ(spending.in(BudgetWindow::kMonth), Usd{});
    EXPECT_EQ(spending.total, Usd{5});
}

TEST(Spending, GivesBackOnlyWhereItWasCharged) {
    Spending spending;
    spending.roll(kNoon);
    spending.charge(Usd{10});
    spending.roll(kNoon + kDay);
    spending.charge(Usd{3});

    spending.give_back(Usd{4}, kNoon);

    EXPECT_EQ(spending.in(BudgetWindow::kDay), Usd{3});
    EXPECT_EQ(spending.in(BudgetWindow::kWeek), Usd{9});
    EXPECT_EQ(spending.total, Usd{9});
    spending.give_back(Usd{100}, kNoon + kDay);
    EXPECT_EQ(spending.in(BudgetWindow::kDay), Usd{});
    EXPECT_EQ(spending.total, Usd{});
}

TEST(Spending, SurvivesTheStoreAndATimeThatGoesBack) {
    Spending spending;
    spending.roll(kNoon);
    spending.charge(Usd{10});
    const Spending before = spending;
    spending.roll(kNoon - kDay);
    EXPECT_EQ(spending, before);
    EXPECT_EQ(parse_spending(to_json(spending)).value(), spending);
    EXPECT_FALSE(parse_spending(codec::JsonObject{}).has_value());
}

TEST(Budgets, AreReadStrictly) {
    const auto read = [](std::string_view text) { return parse_budgets(*codec::parse_json(text)); };
    const auto good = read(R"([{"window":"1d","usd":"5"},{"window":"30d","usd":"100.5"}])");
    ASSERT_TRUE(good.has_value());
    EXPECT_EQ(good->at(1), (Budget{.window = BudgetWindow::kMonth, .limit = Usd{100'500'000}}));
    EXPECT_TRUE(read("[]").has_value());
    for (const char* wrong :
         {"{}", "[1]", R"([{"window":"2d","usd":"5"}])", R"([{"window":"1d","usd":5}])",
          R"([{"window":"1d","usd":"-5"}])", R"([{"window":"1d"}])", R"([{"window":"1d","usd":"5","x":1}])",
          R"([{"window":"1d","usd":"5"},{"window":"1d","usd":"6"}])"}) {
        EXPECT_FALSE(read(wrong).has_value()) << wrong;
    }
}

TEST(IpRange, ContainsWhatSharesItsFirstBits) {
    const auto contains = [](std::string_view range, std::string_view address) {
        const auto parsed = parse_ip_range(range);
        return parsed.has_value() && parsed->contains(address);
    };
    EXPECT_TRUE(contains("203.0.113.0/24", "203.0.113.255"));
    EXPECT_FALSE(contains("203.0.113.0/24", "203.0.114.0"));
    EXPECT_TRUE(contains("203.0.113.7", "::ffff:203.0.113.7"));
    EXPECT_FALSE(contains("203.0.113.7", "203.0.113.8"));
    EXPECT_TRUE(contains("0.0.0.0/0", "8.8.8.8"));
    EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
    EXPECT_TRUE(contains("2001:db8::/32", "2001:db8:ffff::1"));
    EXPECT_FALSE(contains("2001:db8::/32", "2001:db9::1"));
    EXPECT_TRUE(contains("128.0.0.0/1", "255.1.2.3"));
    EXPECT_FALSE(contains("203.0.113.0/24", "not an address"));
    for (const char* wrong :
         {"", "1.2.3", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/x", "1.2.3.4/-1", "::/129", "localhost"}) {
        EXPECT_FALSE(parse_ip_range(wrong).has_value()) << wrong;
    }
}

TEST(IpRange, NoRangesMeanEverywhere) {
    EXPECT_TRUE(is_allowed_from({}, "anything"));
    const std::vector<std::string> ranges = {"10.0.0.0/8", "::1"};
    EXPECT_TRUE(is_allowed_from(ranges, "10.2.3.4"));
    EXPECT_TRUE(is_allowed_from(ranges, "::1"));
    EXPECT_FALSE(is_allowed_from(ranges, "11.2.3.4"));
}

TEST(Scopes, AreAListOfNames) {
    const auto read = [](std::string_view text) { return parse_scopes(*codec::parse_json(text)); };
    EXPECT_EQ(read(R"(["rent","admin"])").value(), Scope::kRent | Scope::kAdmin);
    EXPECT_EQ(codec::dump_json(to_json(Scopes::all())), R"(["inference","rent","billing:read","admin"])");
    EXPECT_FALSE(Scopes::usual().overlaps(Scope::kAdmin));
    for (const char* wrong : {"[]", "{}", R"(["root"])", "[1]", R"("rent")"}) {
        EXPECT_FALSE(read(wrong).has_value()) << wrong;
    }
}

}  // namespace
}  // namespace vcity::gateway
