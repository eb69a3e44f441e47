// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json.hpp"
#include "services/gateway/api/api_error.hpp"
#include "services/gateway/usage/usage_book.hpp"

namespace vcity::gateway {

enum class UsageReport : std::uint8_t { kCompletions, kEmbeddings, kCosts };

// A validated query of /v1/organization/usage/{completions,embeddings} or /v1/organization/costs (OpenAI API 2.3.0).
struct ReportQuery {
    UsageReport report = UsageReport::kCompletions;
    std::uint64_t start = 0;  // unix seconds, on a border of its bucket
    std::uint64_t end = 0;    // the first second after the last bucket of this page
    std::uint64_t end_of_all = 0;
    std::uint64_t width = 0;  // seconds of one bucket
    bool by_key = false;
    bool by_item = false;
    std::vector<std::string> models;  // empty: all
    std::vector<std::string> keys;
};

// target: the request's path and query; start_time, end_time, bucket_width, limit, page, group_by, models, api_key_ids.
// Lists are repeated parameters, with or without "[]", or have commas.
ApiResult<ReportQuery> parse_report_query(UsageReport report, std::string_view target, std::uint64_t now_unix_seconds);

// {"object": "page", "data": [bucket], "has_more", "next_page"}. Empty buckets are there, with no results.
codec::Json report_json(const ReportQuery& query, std::span<const UsageRow> rows);

}  // namespace vcity::gateway
