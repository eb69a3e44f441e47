// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/amount.hpp"
#include "base/result.hpp"
#include "codec/json.hpp"

namespace vcity::gateway {

// Windows of the calendar, in UTC: "1h" begins at the full hour, "1d" at midnight, "7d" on Sunday, "30d" on the first
// of the month (and so has 28 to 31 days).
enum class BudgetWindow : std::uint8_t { kHour, kDay, kWeek, kMonth };
inline constexpr std::array kBudgetWindows = {BudgetWindow::kHour, BudgetWindow::kDay, BudgetWindow::kWeek,
                                              BudgetWindow::kMonth};

std::string_view to_string(BudgetWindow window);
std::uint64_t window_start(BudgetWindow window, std::uint64_t unix_seconds);
// When the next one starts.
std::uint64_t window_end(BudgetWindow window, std::uint64_t unix_seconds);

struct Budget {
    BudgetWindow window = BudgetWindow::kMonth;
    Usd limit;

    bool operator==(const Budget&) const = default;
};

// [{"window": "1d", "usd": "5.00"}, ...], each window at most once; kInvalid names what is wrong.
Result<std::vector<Budget>> parse_budgets(const codec::Json& json);

// What was spent in each window that as_of lies in, and in all.
struct Spending {
    std::uint64_t as_of_unix_seconds = 0;
    std::array<Usd, kBudgetWindows.size()> spent;
    Usd total;  // since ever

    Usd in(BudgetWindow window) const { return spent[static_cast<std::size_t>(window)]; }
    // Moves to a later time: windows that ended begin again with nothing. An earlier time changes nothing.
    void roll(std::uint64_t now_unix_seconds);
    void charge(Usd amount);
    // What was charged at that time, in the windows that it lies in.
    void give_back(Usd amount, std::uint64_t charged_at_unix_seconds);
    // Of the same time.
    void add_all(const Spending& other);

    bool operator==(const Spending&) const = default;
};

// {"1h": "0.000000", ..., "total": ...}, for people; to_json() is the form in the store.
codec::Json windows_json(const Spending& spending);
codec::Json to_json(const Spending& spending);
Result<Spending> parse_spending(const codec::Json& json);

}  // namespace vcity::gateway
