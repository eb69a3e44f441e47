// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "services/gateway/test_support.hpp"
#include "services/gateway/usage/usage_report.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway {
namespace {

constexpr std::uint64_t kNow = 1'800'000'000;

UsageRow a_row(std::uint64_t second, std::string key, std::string item, std::uint64_t cost) {
    return {.minute = second / 60,
            .key_id = std::move(key),
            .kind = UsageKind::kCompletions,
            .item = std::move(item),
            .requests = 2,
            .input_tokens = 10,
            .output_tokens = 3,
            .cost = Usd{cost}};
}

ReportQuery query_of(UsageReport report, const std::string& parameters) {
    const ApiResult<ReportQuery> query = parse_report_query(report, "/v1/x?" + parameters, kNow);
    EXPECT_TRUE(query.has_value()) << (query ? "" : query.error().message);
    return query ? *query : ReportQuery{};
}

std::string refused(UsageReport report, const std::string& parameters) {
    const ApiResult<ReportQuery> query = parse_report_query(report, "/v1/x?" + parameters, kNow);
    return query ? "" : query.error().param;
}

TEST(UsageReports, buckets_follow_each_other_and_sum_what_is_in_them) {
    const std::uint64_t day = kNow / 86'400 * 86'400;
    const std::string start = std::to_string(day - 2 * 86'400);
    const ReportQuery query = query_of(UsageReport::kCompletions, "start_time=" + start);
    const std::vector<UsageRow> rows = {a_row(day - 86'400, "a", "m", 5), a_row(day - 60, "b", "m", 7),
                                        a_row(day, "a", "n", 1), a_row(day - 3 * 86'400, "a", "m", 99)};
    const codec::Json report = report_json(query, rows);
    const codec::JsonArray& data = *report.find("data")->get_array();
    ASSERT_EQ(data.size(), 3U);
    EXPECT_TRUE(data[0].find("results")->get_array()->empty());
    const codec::Json& middle = data[1].find("results")->get_array()->front();
    EXPECT_EQ(*middle.find("num_model_requests"), codec::Json{4});
    EXPECT_EQ(*middle.find("input_tokens"), codec::Json{20});
    EXPECT_TRUE(middle.find("model")->is_null());
    EXPECT_EQ(*report.find("has_more"), codec::Json{false});
}

TEST(UsageReports, groups_split_a_bucket_and_filters_leave_rows_out) {
    const std::string start = "start_time=" + std::to_string(kNow - 60);
    const std::vector<UsageRow> rows = {a_row(kNow, "a", "m", 5), a_row(kNow, "b", "m", 7), a_row(kNow, "a", "n", 1)};
    const auto results = [&](UsageReport report, const std::string& more) {
        const codec::Json json = report_json(query_of(report, start + more), rows);
        return *json.find("data")->get_array()->back().find("results")->get_array();
    };
    EXPECT_EQ(results(UsageReport::kCompletions, "&group_by[]=model").size(), 2U);
    EXPECT_EQ(results(UsageReport::kCompletions, "&group_by%5B%5D=model&group_by=api_key_id").size(), 3U);
    EXPECT_EQ(results(UsageReport::kCompletions, "&group_by=model,api_key_id").size(), 3U);
    EXPECT_EQ(results(UsageReport::kCompletions, "&group_by=model&models=n").size(), 1U);
    EXPECT_EQ(results(UsageReport::kEmbeddings, "").size(), 0U);
    const codec::JsonArray costs = results(UsageReport::kCosts, "&group_by=line_item&api_key_ids=a");
    ASSERT_EQ(costs.size(), 2U);
    EXPECT_EQ(*costs[0].find("amount")->find("micro_usd"), codec::Json{5});
    EXPECT_EQ(*costs[0].find("line_item"), codec::Json{"m"});
}

TEST(UsageReports, pages_continue_where_the_last_one_ended) {
    const std::uint64_t hour = kNow / 3'600 * 3'600;
    std::string page = "";
    std::vector<std::uint64_t> starts;
    for (int pages = 0; pages < 5; ++pages) {
        const codec::Json json =
            report_json(query_of(UsageReport::kCompletions,
                                 "bucket_width=1h&limit=2&start_time=" + std::to_string(hour - 4 * 3'600) +
                                     "&end_time=" + std::to_string(hour + 1) + page),
                        {});
        for (const codec::Json& bucket : *json.find("data")->get_array()) {
            std::uint64_t start = 0;
            ASSERT_TRUE(bucket.find("start_time")->get_u64(&start));
            starts.push_back(start);
        }
        if (!*json.find("has_more")->get_bool()) break;
        page = "&page=" + *json.find("next_page")->get_string();
    }
    ASSERT_EQ(starts.size(), 5U);
    for (std::size_t at = 0; at < starts.size(); ++at) EXPECT_EQ(starts[at], hour - (4 - at) * 3'600);
}

TEST(UsageReports, bad_parameters_are_named) {
    EXPECT_EQ(refused(UsageReport::kCompletions, ""), "start_time");
    EXPECT_EQ(refused(UsageReport::kCompletions, "start_time=-1"), "start_time");
    EXPECT_EQ(refused(UsageReport::kCompletions, "start_time=9&end_time=9"), "end_time");
    EXPECT_EQ(refused(UsageReport::kCompletions, "start_time=9&bucket_width=2d"), "bucket_width");
    EXPECT_EQ(refused(UsageReport::kCosts, "start_time=9&bucket_width=1h"), "bucket_width");
    EXPECT_EQ(refused(UsageReport::kCompletions, "start_time=9&limit=32"), "limit");
    EXPECT_EQ(refused(UsageReport::kCompletions, "start_time=9&limit=0"), "limit");
    EXPECT_EQ(refused(UsageReport::kCompletions, "start_time=900000&page=9"), "page");
    EXPECT_EQ(refused(UsageReport::kCompletions, "start_time=9&group_by=moon"), "group_by");
    EXPECT_EQ(refused(UsageReport::kCosts, "start_time=9&group_by=model"), "group_by");
}

class UsageBookTest : public ::testing::Test {
  public:
    UsageBookTest() { world.spawn(writes.run()); }
    ~UsageBookTest() override {
        writes.stop();
        pass(std::chrono::seconds{5});
    }
    void pass(Duration duration) { world.run_until(world.now() + duration, 100'000); }
    std::vector<UsageRow> rows(UsageBook* book) {
        std::vector<UsageRow> found;
        const std::uint64_t minute = world.unix_now().count() / 60'000;
        world.spawn(read(book, {account(), minute > 5 ? minute - 5 : 0, minute + 1}, &found));
        pass(std::chrono::seconds{1});
        return found;
    }
    static Task<void> read(UsageBook* book, UsageQuery query, std::vector<UsageRow>* found) {
        Result<std::vector<UsageRow>> result = co_await book->rows(query);
        EXPECT_TRUE(result.has_value());
        if (result) *found = *std::move(result);
    }
    static Address account(std::uint8_t number = 1) {
        Address address;
        address.bytes.fill(number);
        return address;
    }
    static UsageEntry an_entry(std::string item) {
        return {.account = account(),
                .key_id = "k",
                .kind = UsageKind::kCompletions,
                .item = std::move(item),
                .input_tokens = 7,
                .output_tokens = 2,
                .cost = Usd{11}};
    }

    sim::SimRuntime world{1};
    test::MemoryStore store;
    WriteBehind writes{&world, &store, Log{nullptr, "writes"}};
};

TEST_F(UsageBookTest, what_one_key_used_in_one_minute_is_one_row) {
    UsageBook book{&world, &store, &writes};
    book.add(an_entry("m"));
    book.add(an_entry("m"));
    book.add(an_entry("n"));
    UsageEntry foreign = an_entry("m");
    foreign.account = account(2);
    book.add(foreign);
    const std::vector<UsageRow> found = rows(&book);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].requests + found[1].requests, 3U);
    EXPECT_EQ(found[0].cost.micro + found[1].cost.micro, 33U);
}

TEST_F(UsageBookTest, a_restart_in_the_same_minute_loses_and_doubles_nothing) {
    {
        UsageBook book{&world, &store, &writes};
        book.add(an_entry("m"));
        pass(std::chrono::seconds{2});
    }
    UsageBook again{&world, &store, &writes};
    again.add(an_entry("m"));
    pass(std::chrono::seconds{2});
    std::uint64_t requests = 0;
    for (const UsageRow& row : rows(&again)) requests += row.requests;
    EXPECT_EQ(requests, 2U);
}

TEST_F(UsageBookTest, names_of_any_bytes_are_kept_apart_from_the_stores_own) {
    UsageBook book{&world, &store, &writes};
    book.add(an_entry("../" + std::string(300, 'x')));
    book.add(an_entry(std::string{"a\0b", 3}));
    pass(std::chrono::seconds{2});
    const std::vector<UsageRow> found = rows(&book);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_LE(std::max(found[0].item.size(), found[1].item.size()), 128U);
}

}  // namespace
}  // namespace vcity::gateway
