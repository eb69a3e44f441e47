// SPDX-License-Identifier: Apache-2.0
#include "cli/job_view.hpp"

#include <algorithm>
#include <ctime>
#include <set>

#include <fmt/format.h>

namespace vcity::cli {
namespace {

using codec::Json;

constexpr std::size_t kBarCells = 24;
constexpr std::size_t kNodeDigits = 10;

const codec::JsonArray& list_member(const Json& object, std::string_view name) {
    static const codec::JsonArray kEmpty;
    const Json* list = object.find(name);
    return list == nullptr || list->get_array() == nullptr ? kEmpty : *list->get_array();
}

std::string duration_of(const Json& step) {
    double started = 0;
    double ended = 0;
    const Json* start = step.find("started");
    const Json* end = step.find("ended");
    const bool has_both = start != nullptr && end != nullptr && start->get_double(&started) &&
                          end->get_double(&ended) && ended >= started;
    return has_both ? fmt::format("{:.1f} s", ended - started) : "";
}

std::string clock_text(const Json& line) {
    double seconds = 0;
    const Json* at = line.find("at");
    if (at == nullptr || !at->get_double(&seconds)) return "";
    const auto whole = static_cast<std::time_t>(seconds);
    std::tm parts{};
    if (gmtime_r(&whole, &parts) == nullptr) return "";
    return fmt::format("{:02}:{:02}:{:02} UTC", parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace

std::string text_member(const Json& object, std::string_view name) {
    const Json* value = object.find(name);
    if (value == nullptr || value->is_null()) return "";
    return value->get_string() != nullptr ? *value->get_string() : codec::dump_json(*value);
}

std::uint64_t number_member(const Json& object, std::string_view name) {
    const Json* value = object.find(name);
    std::uint64_t number = 0;
    return value != nullptr && value->get_u64(&number) ? number : 0;
}

bool job_has_ended(const Json& job) {
    return text_member(job, "state") != "active";
}

Exit exit_of_job(const Json& job) {
    return text_member(job, "state") == "succeeded" ? Exit::kOk : Exit::kGeneral;
}

std::string progress_line(const Json& job) {
    const Json* progress = job.find("progress");
    const Json none{codec::JsonObject{}};
    const Json& counts = progress == nullptr ? none : *progress;
    const std::uint64_t total = std::max<std::uint64_t>(number_member(counts, "total"), 1);
    const std::uint64_t done = std::min(number_member(counts, "done"), total);
    const std::size_t full = done * kBarCells / total;
    std::string line =
        fmt::format("[{}{}] {}/{} done", std::string(full, '#'), std::string(kBarCells - full, '.'), done, total);
    for (const char* state : {"running", "leased", "queued", "waiting", "failed", "cancelled"}) {
        const std::uint64_t count = number_member(counts, state);
        if (count > 0) line += fmt::format(", {} {}", count, state);
    }
    line += fmt::format("; ${} of ${}", text_member(job, "charged"), text_member(job, "budget"));
    std::set<std::string> nodes;
    for (const Json& step : list_member(job, "steps")) {
        const std::string state = text_member(step, "state");
        if (state == "running" || state == "leased") nodes.insert(text_member(step, "node").substr(0, kNodeDigits));
    }
    if (!nodes.empty()) line += fmt::format("; on {}", fmt::join(nodes, ", "));
    return line;
}

Table job_summary(const Json& job) {
    Table table{.titles = {"", ""}, .rows = {}};
    const auto add = [&](const char* title, const std::string& value) {
        if (!value.empty()) table.rows.push_back({title, value});
    };
    add("job", text_member(job, "id"));
    add("name", text_member(job, "name"));
    add("state", text_member(job, "state"));
    add("progress", progress_line(job));
    add("charged (USD)", text_member(job, "charged"));
    add("budget (USD)", text_member(job, "budget"));
    add("error", text_member(job, "error"));
    return table;
}

Table job_steps(const Json& job) {
    Table table{.titles = {"Step", "State", "Try", "Node", "Unit", "$/hr", "Charged", "Time", "Exit", "Why"},
                .rows = {}};
    for (const Json& step : list_member(job, "steps")) {
        table.rows.push_back({text_member(step, "name"), text_member(step, "state"), text_member(step, "attempt"),
                              text_member(step, "node").substr(0, kNodeDigits), text_member(step, "unit"),
                              text_member(step, "hourly"), text_member(step, "charged"), duration_of(step),
                              text_member(step, "exit_code"), text_member(step, "reason")});
    }
    return table;
}

Table job_history(const Json& explanation) {
    Table table{.titles = {"Time", "What happened"}, .rows = {}};
    for (const Json& line : list_member(explanation, "history")) {
        table.rows.push_back({clock_text(line), text_member(line, "text")});
    }
    return table;
}

std::vector<std::string> OutputCursor::due(const Json& job, std::size_t max) {
    std::vector<std::string> names;
    for (const Json& step : list_member(job, "steps")) {
        const std::string state = text_member(step, "state");
        if (state == "waiting" || state == "queued" || state == "leased") continue;
        const std::string name = text_member(step, "name");
        const std::uint64_t attempt = number_member(step, "attempt");
        Place& place = places_[name];
        if (place.attempt != attempt) place = Place{.attempt = attempt, .offset = 0, .is_end = false};
        if (!place.is_end) names.push_back(name);
    }
    if (names.size() <= max) return names;
    std::ranges::rotate(names, names.begin() + static_cast<std::ptrdiff_t>(turn_ % names.size()));
    turn_ += max;
    names.resize(max);
    return names;
}

std::uint64_t OutputCursor::offset(const std::string& step) const {
    const auto found = places_.find(step);
    return found == places_.end() ? 0 : found->second.offset;
}

void OutputCursor::advance(const std::string& step, const Json& output) {
    Place& place = places_[step];
    place.offset = std::max(place.offset, number_member(output, "next_offset"));
    const Json* end = output.find("end");
    place.is_end = end != nullptr && end->get_bool() != nullptr && *end->get_bool();
}

}  // namespace vcity::cli
