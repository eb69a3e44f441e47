// SPDX-License-Identifier: Apache-2.0
#include "adapters/log_spdlog/log.hpp"

#include <cstdlib>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "adapters/log_spdlog/rate_limit.hpp"

namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;

// A file in memory.
class Page {
  public:
    ~Page() {
        std::fclose(file_);
        std::free(text_);
    }
    std::FILE* file() { return file_; }
    std::string text() {
        std::fflush(file_);
        return {text_, size_};
    }

  private:
    char* text_ = nullptr;
    std::size_t size_ = 0;
    std::FILE* file_ = open_memstream(&text_, &size_);
};

std::chrono::system_clock::time_point noon() {
    return std::chrono::system_clock::time_point{1'800'000'000'123ms};
}

LogOptions options_for(Page* page, LogForm form) {
    LogOptions options;
    options.form = form;
    options.output = page->file();
    options.clock = &noon;
    return options;
}

TEST(SpdlogSink, WritesOneObjectALine) {
    Page page;
    SpdlogSink sink{options_for(&page, LogForm::kAuto)};
    const Log log{&sink, "scheduler"};

    log.info("lease_granted", {{"node", "0xab"}, {"attempt", 2}, {"share", 0.5}, {"again", true}});
    log.warn("chain_slow");

    EXPECT_EQ(page.text(),
              R"({"time":"2027-01-15T08:00:00.123Z","level":"info","component":"scheduler","event":"lease_granted",)"
              R"("node":"0xab","attempt":2,"share":0.5,"again":true})"
              "\n"
              R"({"time":"2027-01-15T08:00:00.123Z","level":"warn","component":"scheduler","event":"chain_slow"})"
              "\n");
}

TEST(SpdlogSink, WritesShortTextForPeople) {
    Page page;
    SpdlogSink sink{options_for(&page, LogForm::kText)};

    Log{&sink, "node"}.error("sandbox_failed", {{"code", -1}, {"reason", "no such file"}, {"path", "/a/b"}});

    EXPECT_NE(page.text().find("error   node       sandbox_failed code=-1 reason=\"no such file\" path=/a/b\n"),
              std::string::npos)
        << page.text();
}

TEST(SpdlogSink, LeavesOutWhatIsBelowItsLevel) {
    Page page;
    LogOptions options = options_for(&page, LogForm::kJson);
    options.level = LogLevel::kWarn;
    SpdlogSink sink{options};

    Log{&sink, "node"}.info("hidden");
    Log{&sink, "node"}.warn("shown");

    EXPECT_EQ(page.text().find("hidden"), std::string::npos);
    EXPECT_NE(page.text().find("shown"), std::string::npos);
}

TEST(SpdlogSink, KeepsHostileValuesInTheirLine) {
    for (const LogForm form : {LogForm::kJson, LogForm::kText}) {
        Page page;
        SpdlogSink sink{options_for(&page, form)};

        Log{&sink, "node"}.info("peer", {{"name", "a\nfake \x1b[2J\x7f \xc2\x9b \xff \" end"}});

        const std::string text = page.text();
        EXPECT_EQ(text.find('\n'), text.size() - 1);
        for (const char letter : text.substr(0, text.size() - 1)) {
            EXPECT_TRUE(static_cast<unsigned char>(letter) >= ' ' && letter != '\x7f') << text;
        }
        EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos);
        EXPECT_EQ(text.find('\xff'), std::string::npos);
        EXPECT_NE(text.find("\\u001b[2J\\u007f \\u009b"), std::string::npos) << text;
    }
}

TEST(SpdlogSink, BoundsWhatOneEventMayWrite) {
    Page page;
    SpdlogSink sink{options_for(&page, LogForm::kJson)};
    LogFields fields;
    for (int number = 0; number < 100; ++number)
        fields.emplace_back("f" + std::to_string(number), std::string(5000, 'x'));

    Log{&sink, "node"}.info("large", fields);

    EXPECT_LT(page.text().size(), 70'000U);
    EXPECT_EQ(page.text().find("\"f32\""), std::string::npos);
}

TEST(SpdlogSink, KeepsItsOwnFieldsFromBeingReplaced) {
    Page page;
    SpdlogSink sink{options_for(&page, LogForm::kJson)};

    Log{&sink, "node"}.info("real", {{"event", "forged"}, {"level", "error"}});

    EXPECT_NE(page.text().find(R"("event":"real","event_":"forged","level_":"error"})"), std::string::npos)
        << page.text();
}

TEST(SpdlogSink, LimitsFloodsOfOneEventAndCountsThem) {
    Page page;
    LogOptions options = options_for(&page, LogForm::kJson);
    static std::chrono::system_clock::time_point now;
    now = noon();
    options.clock = +[] { return now; };
    options.burst = 2;
    options.per_second = 1;
    SpdlogSink sink{options};
    const Log log{&sink, "node"};

    for (int count = 0; count < 10; ++count) log.info("flood", {{"count", count}});
    log.info("other");
    now += 1s;
    log.info("flood", {{"count", 10}});

    const std::string text = page.text();
    EXPECT_NE(text.find("\"count\":1}"), std::string::npos);
    EXPECT_EQ(text.find("\"count\":2}"), std::string::npos);
    EXPECT_NE(text.find("other"), std::string::npos);
    EXPECT_NE(text.find("\"count\":10,\"suppressed\":8}"), std::string::npos) << text;
}

TEST(LogRateLimit, SharesOneBucketBetweenTooManyNames) {
    LogRateLimit limit{1, 1};
    std::size_t passed = 0;
    for (int number = 0; number < 3000; ++number) passed += limit.pass(std::to_string(number), noon()) ? 1U : 0U;

    EXPECT_EQ(passed, 1001U);
}

TEST(LogRateLimit, RefillsNothingWhenTheClockIsSetBack) {
    LogRateLimit limit{1, 1};

    EXPECT_TRUE(limit.pass("a", noon()));
    EXPECT_FALSE(limit.pass("a", noon() - 1h));
    EXPECT_TRUE(limit.pass("a", noon() - 1h + 2s));
}

}  // namespace
}  // namespace vcity::adapters
