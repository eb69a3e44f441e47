// SPDX-License-Identifier: Apache-2.0
#include "operator/self_check.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

namespace vcity::cli {
namespace {

using codec::Json;

// Whole numbers without a point.
Json number(double value) {
    constexpr double kExactMax = 9e15;
    if (std::abs(value) < kExactMax && value == std::floor(value)) return Json{static_cast<std::int64_t>(value)};
    constexpr double kTenths = 10;
    return Json{std::round(value * kTenths) / kTenths};
}

}  // namespace

std::string_view to_string(CheckStatus status) {
    switch (status) {
        case CheckStatus::kPass: return "pass";
        case CheckStatus::kWarn: return "warn";
        case CheckStatus::kFail: return "fail";
        case CheckStatus::kSkip: break;
    }
    return "skip";
}

SelfCheck check_least(std::string id, std::string title, const Least& least, std::string purpose, std::string remedy) {
    SelfCheck check;
    check.id = std::move(id);
    check.title = std::move(title);
    check.status = least.actual >= least.required ? CheckStatus::kPass : least.otherwise;
    check.actual = number(least.actual);
    check.required = number(least.required);
    check.comparison = ">=";
    check.unit = least.unit;
    check.summary =
        fmt::format("{} {}, {} wanted", codec::dump_json(check.actual), least.unit, codec::dump_json(check.required));
    check.purpose = std::move(purpose);
    check.remediation = std::move(remedy);
    return check;
}

SelfCheck check_works(
    std::string id, std::string title, const Result<std::string>& found, std::string purpose, std::string remedy) {
    SelfCheck check;
    check.id = std::move(id);
    check.title = std::move(title);
    check.status = found ? CheckStatus::kPass : CheckStatus::kFail;
    check.actual = found ? Json{*found} : Json{};
    check.comparison = "exists";
    check.summary = found ? *found : found.error().message;
    check.purpose = std::move(purpose);
    check.remediation = std::move(remedy);
    return check;
}

SelfCheck skip(std::string id, std::string title, std::string why) {
    SelfCheck check;
    check.id = std::move(id);
    check.title = std::move(title);
    check.status = CheckStatus::kSkip;
    check.summary = std::move(why);
    return check;
}

bool is_healthy(const std::vector<SelfCheck>& checks) {
    return std::ranges::none_of(checks, [](const SelfCheck& check) { return check.status == CheckStatus::kFail; });
}

codec::Json to_json(const SelfCheck& check) {
    Json record{codec::JsonObject{}};
    record.set("id", check.id);
    record.set("title", check.title);
    record.set("status", std::string{to_string(check.status)});
    record.set("actual", check.actual);
    record.set("required", check.required);
    record.set("operator", check.comparison);
    record.set("unit", check.unit);
    record.set("summary", check.summary);
    record.set("purpose", check.purpose);
    record.set("remediation", check.status == CheckStatus::kPass ? "" : check.remediation);
    return record;
}

codec::Json to_json(const std::vector<SelfCheck>& checks) {
    codec::JsonArray list;
    for (const SelfCheck& check : checks) list.push_back(to_json(check));
    Json record{codec::JsonObject{}};
    record.set("healthy", is_healthy(checks));
    record.set("checks", std::move(list));
    return record;
}

Table to_table(const std::vector<SelfCheck>& checks) {
    Table table{.titles = {"Check", "Status", "Found", "What to do"}, .rows = {}};
    for (const SelfCheck& check : checks) {
        const bool needs_work = check.status == CheckStatus::kFail || check.status == CheckStatus::kWarn;
        table.rows.push_back(
            {check.title, std::string{to_string(check.status)}, check.summary, needs_work ? check.remediation : ""});
    }
    return table;
}

Exit report(const std::vector<SelfCheck>& checks, const Output& output) {
    if (output.is_json()) {
        output.print(to_json(checks));
    } else {
        output.print(to_table(checks));
    }
    return is_healthy(checks) ? Exit::kOk : Exit::kGeneral;
}

}  // namespace vcity::cli
