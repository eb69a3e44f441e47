// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/usage/usage_report.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "codec/integer.hpp"
#include "services/common/http_text.hpp"

namespace vcity::gateway {
namespace {

constexpr std::uint64_t kMinute = 60;
constexpr std::uint64_t kHour = 3'600;
constexpr std::uint64_t kDay = 86'400;
constexpr std::uint64_t kFarthest = 1ULL << 40U;  // seconds; beyond any date that people mean
constexpr std::size_t kListMax = 64;
constexpr double kMicro = 1e6;

struct Width {
    std::string_view name;
    std::uint64_t seconds;
    std::uint64_t limit_default;
    std::uint64_t limit_max;
};
constexpr std::array kWidths = {
    Width{"1d", kDay, 7, 31},
    Width{"1h", kHour, 24, 168},
    Width{"1m", kMinute, 60, 1'440},
};
constexpr std::uint64_t kCostDaysMax = 180;

ApiError refusal(std::string_view parameter, const std::string& message) {
    ApiError error;
    error.code = ErrorCode::kInvalidValue;
    error.param = std::string{parameter};
    error.message = "'" + error.param + "' " + message;
    return error;
}

// Every value of a repeated parameter.
std::vector<std::string> list_of(std::string_view target, std::string_view name) {
    std::vector<std::string> values;
    const std::size_t question = target.find('?');
    std::string_view rest = question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos) continue;
        std::string given = services::percent_decoded(pair.substr(0, equals));
        if (given.ends_with("[]")) given.resize(given.size() - 2);
        if (given != name) continue;
        const std::string text = services::percent_decoded(pair.substr(equals + 1));
        std::string_view left = text;
        while (!left.empty()) {
            const std::string_view one = left.substr(0, left.find(','));
            if (!one.empty()) values.emplace_back(one);
            left.remove_prefix(std::min(one.size() + 1, left.size()));
        }
    }
    return values;
}

ApiResult<std::optional<std::uint64_t>> number_of(std::string_view target, std::string_view name, std::uint64_t max) {
    const std::string_view text = services::query_of(target, name);
    if (text.empty()) return std::optional<std::uint64_t>{};
    const Result<std::uint64_t> number = codec::parse_decimal(text);
    if (!number || *number > max) return refusal(name, "must be a whole number up to " + std::to_string(max));
    return std::optional{*number};
}

ApiResult<Width> width_of(UsageReport report, std::string_view target) {
    const std::string_view text = services::query_of(target, "bucket_width");
    const auto* width = text.empty() ? kWidths.data() : std::ranges::find(kWidths, text, &Width::name);
    const bool is_known = width != kWidths.end() && (report != UsageReport::kCosts || width == kWidths.data());
    if (!is_known) {
        return refusal("bucket_width", report == UsageReport::kCosts ? "must be 1d" : "must be 1m, 1h or 1d");
    }
    Width found = *width;
    if (report == UsageReport::kCosts) found.limit_max = kCostDaysMax;
    return found;
}

Refusal read_groups(std::string_view target, ReportQuery* query) {
    for (const std::string& group : list_of(target, "group_by")) {
        const bool is_item = group == (query->report == UsageReport::kCosts ? "line_item" : "model");
        if (is_item) {
            query->by_item = true;
        } else if (group == "api_key_id") {
            query->by_key = true;
        } else if (group != "project_id" && group != "user_id" && group != "batch") {
            return refusal("group_by", "does not know " + group.substr(0, 64));
        }
    }
    return std::nullopt;
}

struct Sum {
    std::uint64_t requests = 0;
    std::uint64_t input = 0;
    std::uint64_t output = 0;
    std::uint64_t cost = 0;
};
using Group = std::pair<std::string, std::string>;  // key, item

std::string line_item(const UsageRow& row) {
    return row.kind == UsageKind::kWork ? "jobs, " + row.item : row.item;
}

bool is_in(const ReportQuery& query, const UsageRow& row) {
    const bool is_kind =
        query.report == UsageReport::kCosts ||
        row.kind == (query.report == UsageReport::kEmbeddings ? UsageKind::kEmbeddings : UsageKind::kCompletions);
    const auto is_named = [](const std::vector<std::string>& names, const std::string& name) {
        return names.empty() || std::ranges::find(names, name) != names.end();
    };
    return is_kind && is_named(query.models, row.item) && is_named(query.keys, row.key_id);
}

codec::Json text_or_null(bool is_asked, const std::string& text) {
    return is_asked ? codec::Json{text} : codec::Json{};
}

codec::Json cost_json(const ReportQuery& query, const Group& group, const Sum& sum) {
    return codec::JsonObject{
        {"object", "organization.costs.result"},
        {"amount",
         codec::JsonObject{
             {"value", static_cast<double>(sum.cost) / kMicro}, {"currency", "usd"}, {"micro_usd", sum.cost}}},
        {"line_item", text_or_null(query.by_item, group.second)},
        {"project_id", codec::Json{}},
        {"api_key_id", text_or_null(query.by_key, group.first)},
    };
}

codec::Json usage_json(const ReportQuery& query, const Group& group, const Sum& sum) {
    const bool is_embeddings = query.report == UsageReport::kEmbeddings;
    codec::Json json = codec::JsonObject{
        {"object", is_embeddings ? "organization.usage.embeddings.result" : "organization.usage.completions.result"},
        {"input_tokens", sum.input},
        {"num_model_requests", sum.requests},
        {"project_id", codec::Json{}},
        {"user_id", codec::Json{}},
        {"api_key_id", text_or_null(query.by_key, group.first)},
        {"model", text_or_null(query.by_item, group.second)},
    };
    if (is_embeddings) return json;
    json.set("output_tokens", sum.output);
    for (const char* name : {"input_cached_tokens", "input_audio_tokens", "output_audio_tokens"}) json.set(name, 0);
    json.set("batch", codec::Json{});
    return json;
}

}  // namespace

ApiResult<ReportQuery> parse_report_query(UsageReport report, std::string_view target, std::uint64_t now_unix_seconds) {
    ReportQuery query;
    query.report = report;
    const ApiResult<Width> width = width_of(report, target);
    if (!width) return width.error();
    query.width = width->seconds;
    const auto start = number_of(target, "start_time", kFarthest);
    if (!start) return start.error();
    if (!*start) return refusal("start_time", "must be there, in unix seconds");
    const auto end = number_of(target, "end_time", kFarthest);
    if (!end) return end.error();
    const auto limit = number_of(target, "limit", width->limit_max);
    if (!limit) return limit.error();
    const auto page = number_of(target, "page", kFarthest);
    if (!page) return page.error();
    const std::uint64_t buckets = limit->value_or(width->limit_default);
    query.end_of_all = end->value_or(now_unix_seconds + 1);
    query.start = page->value_or(**start) / query.width * query.width;
    if (query.end_of_all <= **start) return refusal("end_time", "must be after start_time");
    if (buckets == 0 || query.start < **start / query.width * query.width) {
        return refusal(buckets == 0 ? "limit" : "page", "is out of range");
    }
    query.end =
        std::min(query.start + buckets * query.width, (query.end_of_all + query.width - 1) / query.width * query.width);
    if (Refusal refused = read_groups(target, &query)) return *std::move(refused);
    query.models = list_of(target, "models");
    query.keys = list_of(target, "api_key_ids");
    if (query.models.size() > kListMax || query.keys.size() > kListMax) return refusal("models", "has too many names");
    return query;
}

codec::Json report_json(const ReportQuery& query, std::span<const UsageRow> rows) {
    std::map<std::uint64_t, std::map<Group, Sum>> buckets;
    for (const UsageRow& row : rows) {
        const std::uint64_t second = row.minute * kMinute;
        if (second < query.start || second >= query.end || !is_in(query, row)) continue;
        Sum& sum = buckets[(second - query.start) / query.width]
                          [{query.by_key ? row.key_id : "", query.by_item ? line_item(row) : ""}];
        sum.requests += row.requests;
        sum.input += row.input_tokens;
        sum.output += row.output_tokens;
        sum.cost += row.cost.micro;
    }
    codec::JsonArray data;
    for (std::uint64_t number = 0; query.start + number * query.width < query.end; ++number) {
        codec::JsonArray results;
        for (const auto& [group, sum] : buckets[number]) {
            results.push_back(query.report == UsageReport::kCosts ? cost_json(query, group, sum)
                                                                  : usage_json(query, group, sum));
        }
        const std::uint64_t start = query.start + number * query.width;
        data.emplace_back(codec::JsonObject{{"object", "bucket"},
                                            {"start_time", start},
                                            {"end_time", start + query.width},
                                            {"results", std::move(results)}});
    }
    const bool has_more = query.end < query.end_of_all;
    return codec::JsonObject{{"object", "page"},
                             {"data", std::move(data)},
                             {"has_more", has_more},
                             {"next_page", has_more ? codec::Json{std::to_string(query.end)} : codec::Json{}}};
}

}  // namespace vcity::gateway
