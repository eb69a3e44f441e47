// SPDX-License-Identifier: Apache-2.0
#include "operator/earnings.hpp"

#include <algorithm>
#include <bit>
#include <map>

#include <fmt/core.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/store_sqlite/store.hpp"
#include "operator/times.hpp"
#include "services/node/work_log.hpp"
#include "wiring/node_admin.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

constexpr double kMicro = 1e6;
constexpr double kMillisPerHour = 3.6e6;
constexpr double kBps = 10'000;
constexpr double kWattsPerKilowatt = 1'000;

double hours_of(const WorkRow& row) {
    return row.finished > row.started ? static_cast<double>((row.finished - row.started).count()) / kMillisPerHour : 0;
}

// The rows that a result counts for; equal parts.
std::vector<std::string> keys_of(const WorkRow& row, EarningsBy by) {
    if (by == EarningsBy::kDay) return {day_text(row.finished)};
    if (by == EarningsBy::kJob) return {row.job};
    if (!row.is_step) return {"model"};
    std::vector<std::string> keys;
    for (std::uint32_t gpu = 0; gpu < 32; ++gpu) {
        if ((row.gpu_mask >> gpu & 1U) != 0) keys.push_back(fmt::format("unit {} gpu {}", row.unit, gpu));
    }
    if (keys.empty()) keys.push_back(fmt::format("unit {} cpu", row.unit));
    return keys;
}

// Hours covered by at least one result.
double busy_hours(std::vector<WorkRow> work) {
    std::ranges::sort(work, {}, &WorkRow::started);
    double hours = 0;
    UnixMillis end{0};
    for (const WorkRow& row : work) {
        const UnixMillis begin = std::max(row.started, end);
        if (row.finished <= begin) continue;
        hours += static_cast<double>((row.finished - begin).count()) / kMillisPerHour;
        end = row.finished;
    }
    return hours;
}

void finish(EarningsRow* row, const EarningsTerms& terms, double power, double all_hours) {
    row->fee = row->gross * terms.fee_bps / kBps;
    row->power = all_hours > 0 ? power * row->hours / all_hours : 0;
    row->net = row->gross - row->fee - row->power;
}

std::string key_title(EarningsBy by) {
    switch (by) {
        case EarningsBy::kDay: return "Day";
        case EarningsBy::kJob: return "Job";
        case EarningsBy::kGpu: break;
    }
    return "GPU";
}

std::vector<std::string> words_of(const EarningsRow& row) {
    const double an_hour = row.hours > 0 ? row.gross / row.hours : 0;
    return {row.key,
            std::to_string(row.results),
            std::to_string(row.waiting),
            fmt::format("{:.3f}", row.hours),
            fmt::format("{:.6f}", row.gross),
            fmt::format("{:.6f}", row.fee),
            fmt::format("{:.6f}", row.power),
            fmt::format("{:.6f}", row.net),
            fmt::format("{:.6f}", an_hour)};
}

Table table_of(const EarningsReport& report, const std::string& key) {
    Table table{
        .titles = {key, "Results", "Waiting", "Hours", "Gross USD", "Fee USD", "Power USD", "Net USD", "USD an hour"},
        .rows = {}};
    for (const EarningsRow& row : report.rows) table.rows.push_back(words_of(row));
    return table;
}

Json row_json(const EarningsRow& row, const char* key) {
    const auto usd = [](double amount) { return Json{fmt::format("{:.6f}", amount)}; };
    Json record{codec::JsonObject{}};
    record.set(key, row.key);
    record.set("results", row.results);
    record.set("waiting", row.waiting);
    record.set("hours", row.hours);
    record.set("gross_usd", usd(row.gross));
    record.set("fee_usd", usd(row.fee));
    record.set("power_usd", usd(row.power));
    record.set("net_usd", usd(row.net));
    record.set("usd_an_hour", usd(row.hours > 0 ? row.gross / row.hours : 0));
    return record;
}

std::uint64_t number_of(const Json& entry, const char* name) {
    const Json* value = entry.find(name);
    std::uint64_t number = 0;
    return value != nullptr && value->get_u64(&number) ? number : 0;
}

bool flag_of(const Json& entry, const char* name) {
    const Json* value = entry.find(name);
    return value != nullptr && value->get_bool() != nullptr && *value->get_bool();
}

std::string text_of(const Json& entry, const char* name) {
    const Json* value = entry.find(name);
    return value != nullptr && value->get_string() != nullptr ? *value->get_string() : "";
}

void add_page(const Json& page, std::vector<WorkRow>* out) {
    const Json* entries = page.find("entries");
    if (entries == nullptr || entries->get_array() == nullptr) return;
    for (const Json& entry : *entries->get_array()) {
        out->push_back({.job = text_of(entry, "job"),
                        .is_step = text_of(entry, "kind") == "step",
                        .is_acknowledged = flag_of(entry, "acknowledged"),
                        .unit = static_cast<std::uint32_t>(number_of(entry, "unit")),
                        .gpu_mask = static_cast<std::uint32_t>(number_of(entry, "gpu_mask")),
                        .amount = Usd{number_of(entry, "amount_micro")},
                        .started = UnixMillis{number_of(entry, "started_ms")},
                        .finished = UnixMillis{number_of(entry, "finished_ms")}});
    }
}

}  // namespace

EarningsReport sum_up(const std::vector<WorkRow>& work, const EarningsTerms& terms) {
    std::vector<WorkRow> counted;
    for (const WorkRow& row : work) {
        if (row.finished >= terms.from && row.finished < terms.to) counted.push_back(row);
    }
    std::map<std::string, EarningsRow> rows;
    EarningsReport report;
    report.total.key = "total";
    for (const WorkRow& row : counted) {
        const std::vector<std::string> keys = keys_of(row, terms.by);
        const double hours = hours_of(row);
        const double gross = static_cast<double>(row.amount.micro) / kMicro;
        const double part = 1.0 / static_cast<double>(keys.size());
        for (const std::string& key : keys) {
            EarningsRow& sum = rows[key];
            sum.key = key;
            ++sum.results;
            sum.waiting += row.is_acknowledged ? 0 : 1;
            sum.hours += hours * part;
            sum.gross += gross * part;
        }
        ++report.total.results;
        report.total.waiting += row.is_acknowledged ? 0 : 1;
        report.total.hours += hours;
        report.total.gross += gross;
    }
    report.busy_hours = busy_hours(std::move(counted));
    const double asked = static_cast<double>((terms.to - terms.from).count()) / kMillisPerHour;
    report.occupancy = asked > 0 ? std::min(1.0, report.busy_hours / asked) : 0;
    const double power = report.busy_hours * terms.power_watts / kWattsPerKilowatt * terms.power_price_kwh;
    for (auto& [key, row] : rows) {
        finish(&row, terms, power, report.total.hours);
        report.rows.push_back(row);
    }
    finish(&report.total, terms, power, report.total.hours);
    return report;
}

Table to_table(const EarningsReport& report, EarningsBy by) {
    Table table = table_of(report, key_title(by));
    table.rows.push_back(words_of(report.total));
    return table;
}

codec::Json to_json(const EarningsReport& report, EarningsBy by) {
    const char* key = by == EarningsBy::kDay ? "day" : by == EarningsBy::kJob ? "job" : "gpu";
    codec::JsonArray rows;
    for (const EarningsRow& row : report.rows) rows.push_back(row_json(row, key));
    Json total = row_json(report.total, "key");
    total.set("busy_hours", report.busy_hours);
    total.set("occupancy", report.occupancy);
    Json record{codec::JsonObject{}};
    record.set("by", key);
    record.set("rows", std::move(rows));
    record.set("total", std::move(total));
    return record;
}

std::string to_csv(const EarningsReport& report, EarningsBy by) {
    const char* key = by == EarningsBy::kDay ? "day" : by == EarningsBy::kJob ? "job" : "gpu";
    std::string text = std::string{key} + ",results,waiting,hours,gross_usd,fee_usd,power_usd,net_usd,usd_an_hour\n";
    for (const EarningsRow& row : report.rows) {
        std::string line;
        for (const std::string& word : words_of(row)) line += (line.empty() ? "" : ",") + word;
        text += line + "\n";
    }
    return text;
}

Result<std::vector<WorkRow>> load_work(const NodeFolder& folder) {
    std::vector<WorkRow> work;
    Result<Json> page = ask_node(folder, "/admin/work");
    if (page) {
        while (true) {
            add_page(*page, &work);
            const std::string next = text_of(*page, "next");
            if (next.empty()) return work;
            page = ask_node(folder, "/admin/work?after=" + next);
            if (!page) return page.error();
        }
    }
    if (page.error().code != Errc::kUnavailable) return page.error();
    adapters::SqliteStoreOptions file;
    file.path = folder.path() + "/node.sqlite";
    // The store's threads let go of the runtime only when they end: it must outlive them.
    adapters::AsioRuntime runtime;
    TRY(const auto store, adapters::SqliteStore::open(file));
    std::string after;
    do {
        TRY(const node::WorkPage read, wiring::run_task(&runtime, node::read_work(&runtime, store.get(), after)));
        add_page(wiring::to_json(read), &work);
        after = read.next;
    } while (!after.empty());
    return work;
}

}  // namespace vcity::cli
