// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/usage/usage_api.hpp"

#include <utility>

#include "services/common/http_text.hpp"
#include "services/gateway/usage/usage_report.hpp"

namespace vcity::gateway {
namespace {

constexpr std::uint64_t kSecondsPerMinute = 60;
constexpr std::uint64_t kMillis = 1'000;

UsageReport report_of(std::string_view path) {
    if (path.ends_with("/costs")) return UsageReport::kCosts;
    return path.ends_with("/embeddings") ? UsageReport::kEmbeddings : UsageReport::kCompletions;
}

}  // namespace

Task<ApiResult<ports::HttpResponse>> UsageApi::answer(Exchange* exchange, Caller caller) {
    const std::string& target = exchange->request.target;
    const std::uint64_t now = shared_->runtime->unix_now().count() / kMillis;
    const ApiResult<ReportQuery> query = parse_report_query(report_of(services::path_of(target)), target, now);
    if (!query) co_return query.error();
    const UsageQuery asked{.account = caller.account,
                           .from_minute = query->start / kSecondsPerMinute,
                           .to_minute = query->end / kSecondsPerMinute};
    const Result<std::vector<UsageRow>> rows = co_await usage_->rows(asked);
    if (!rows) {
        ApiError error;
        const bool is_much = rows.error().code == Errc::kExhausted;
        error.code = is_much ? ErrorCode::kInvalidValue : ErrorCode::kInternalError;
        error.message = is_much ? "too much happened in that time; ask for fewer buckets" : "usage cannot be read now";
        error.param = is_much ? "limit" : "";
        co_return error;
    }
    co_return services::json_response(report_json(*query, *rows));
}

}  // namespace vcity::gateway
