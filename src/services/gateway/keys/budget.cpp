// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/keys/budget.hpp"

#include <algorithm>
#include <chrono>
#include <string>

namespace vcity::gateway {
namespace {

constexpr std::uint64_t kHourSeconds = 3'600;
constexpr std::uint64_t kDaySeconds = 86'400;
constexpr std::array<std::string_view, kBudgetWindows.size()> kNames = {"1h", "1d", "7d", "30d"};

std::chrono::sys_days day_of(std::uint64_t unix_seconds) {
    return std::chrono::sys_days{std::chrono::days{static_cast<std::int64_t>(unix_seconds / kDaySeconds)}};
}

std::uint64_t seconds_of(std::chrono::sys_days day) {
    return static_cast<std::uint64_t>(day.time_since_epoch().count()) * kDaySeconds;
}

Error bad_budgets() {
    return make_error(Errc::kInvalid,
                      "'budgets' must be a list of {\"window\": \"1h\", \"1d\", \"7d\" or \"30d\", \"usd\": \"5.00\"}, "
                      "each window once");
}

Result<Budget> parse_budget(const codec::Json& json) {
    const codec::JsonObject* fields = json.get_object();
    const codec::Json* window = json.find("window");
    const codec::Json* usd = json.find("usd");
    if (fields == nullptr || window == nullptr || usd == nullptr || fields->size() != 2) return bad_budgets();
    const std::string* name = window->get_string();
    const std::string* text = usd->get_string();
    if (name == nullptr || text == nullptr) return bad_budgets();
    const auto known = std::ranges::find(kNames, std::string_view{*name});
    const Result<Usd> limit = parse_usd(*text);
    if (known == kNames.end() || !limit) return bad_budgets();
    return Budget{.window = kBudgetWindows[static_cast<std::size_t>(known - kNames.begin())], .limit = *limit};
}

}  // namespace

std::string_view to_string(BudgetWindow window) {
    return kNames[static_cast<std::size_t>(window)];
}

std::uint64_t window_start(BudgetWindow window, std::uint64_t unix_seconds) {
    const std::chrono::sys_days day = day_of(unix_seconds);
    switch (window) {
        case BudgetWindow::kHour: return unix_seconds / kHourSeconds * kHourSeconds;
        case BudgetWindow::kDay: return seconds_of(day);
        case BudgetWindow::kWeek: {
            // 1970-01-01 was a Thursday: the days before the first Sunday belong to a week that began before time.
            const std::uint64_t into = std::chrono::weekday{day}.c_encoding() * kDaySeconds;
            return seconds_of(day) - std::min(seconds_of(day), into);
        }
        case BudgetWindow::kMonth: {
            const std::chrono::year_month_day date{day};
            return seconds_of(std::chrono::sys_days{date.year() / date.month() / std::chrono::day{1}});
        }
    }
    return unix_seconds;
}

std::uint64_t window_end(BudgetWindow window, std::uint64_t unix_seconds) {
    const std::chrono::sys_days day = day_of(unix_seconds);
    switch (window) {
        case BudgetWindow::kHour: return window_start(window, unix_seconds) + kHourSeconds;
        case BudgetWindow::kDay: return seconds_of(day) + kDaySeconds;
        case BudgetWindow::kWeek: return seconds_of(day) + (7 - std::chrono::weekday{day}.c_encoding()) * kDaySeconds;
        case BudgetWindow::kMonth: {
            const std::chrono::year_month_day date{day};
            const std::chrono::year_month next = date.year() / date.month() + std::chrono::months{1};
            return seconds_of(std::chrono::sys_days{next / std::chrono::day{1}});
        }
    }
    return unix_seconds;
}

Result<std::vector<Budget>> parse_budgets(const codec::Json& json) {
    const codec::JsonArray* items = json.get_array();
    if (items == nullptr || items->size() > kBudgetWindows.size()) return bad_budgets();
    std::vector<Budget> budgets;
    for (const codec::Json& item : *items) {
        TRY(const Budget budget, parse_budget(item));
        if (std::ranges::find(budgets, budget.window, &Budget::window) != budgets.end()) return bad_budgets();
        budgets.push_back(budget);
    }
    return budgets;
}

void Spending::roll(std::uint64_t now_unix_seconds) {
    if (now_unix_seconds <= as_of_unix_seconds) return;
    for (const BudgetWindow window : kBudgetWindows) {
        if (window_start(window, now_unix_seconds) > as_of_unix_seconds) spent[static_cast<std::size_t>(window)] = {};
    }
    as_of_unix_seconds = now_unix_seconds;
}

void Spending::charge(Usd amount) {
    const auto charge_one = [amount](Usd* each) {
        const Result<Usd> sum = add(*each, amount);
        *each = sum ? *sum : Usd{UINT64_MAX};
    };
    for (Usd& each : spent) charge_one(&each);
    charge_one(&total);
}

void Spending::give_back(Usd amount, std::uint64_t charged_at_unix_seconds) {
    const auto give_one = [amount](Usd* each) { each->micro -= std::min(each->micro, amount.micro); };
    for (const BudgetWindow window : kBudgetWindows) {
        const bool is_over = window_start(window, as_of_unix_seconds) > charged_at_unix_seconds;
        if (!is_over) give_one(&spent[static_cast<std::size_t>(window)]);
    }
    give_one(&total);
}

void Spending::add_all(const Spending& other) {
    const auto sum_up = [](Usd* each, Usd more) {
        const Result<Usd> sum = add(*each, more);
        *each = sum ? *sum : Usd{UINT64_MAX};
    };
    for (std::size_t index = 0; index < spent.size(); ++index) sum_up(&spent[index], other.spent[index]);
    sum_up(&total, other.total);
}

codec::Json windows_json(const Spending& spending) {
    codec::Json json = codec::JsonObject{};
    for (const BudgetWindow window : kBudgetWindows) {
        json.set(std::string{to_string(window)}, to_string(spending.in(window)));
    }
    return json.set("total", to_string(spending.total));
}

codec::Json to_json(const Spending& spending) {
    codec::Json json = windows_json(spending);
    return json.set("as_of", spending.as_of_unix_seconds);
}

Result<Spending> parse_spending(const codec::Json& json) {
    const Error wrong = make_error(Errc::kInvalid, "'spending' is not whole");
    Spending spending;
    const codec::Json* as_of = json.find("as_of");
    if (as_of == nullptr || !as_of->get_u64(&spending.as_of_unix_seconds)) return wrong;
    for (const BudgetWindow window : kBudgetWindows) {
        const codec::Json* text = json.find(to_string(window));
        if (text == nullptr || text->get_string() == nullptr) return wrong;
        TRY(spending.spent[static_cast<std::size_t>(window)], parse_usd(*text->get_string()));
    }
    const codec::Json* total = json.find("total");
    if (total == nullptr || total->get_string() == nullptr) return wrong;
    TRY(spending.total, parse_usd(*total->get_string()));
    return spending;
}

}  // namespace vcity::gateway
