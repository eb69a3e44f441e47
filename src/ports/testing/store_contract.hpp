// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "async/task_group.hpp"
#include "ports/store.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::ports::testing {

// A store and the world it runs in. The store is empty at first.
class StoreHarness : public TaskRunner {
  public:
    virtual Store& store() = 0;
    // Ends the store as its owner's death would, then opens what it kept. References from store() are stale after it.
    virtual void reopen() = 0;
};

using StoreHarnessFactory = std::function<std::unique_ptr<StoreHarness>()>;

inline Bytes bytes_of(std::string_view text) {
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}

inline StoreChange put(std::string key, std::string_view value) {
    StoreChange change;
    change.puts.push_back({.key = std::move(key), .value = bytes_of(value)});
    return change;
}

inline StoreChange expecting(StoreChange change, std::string key, std::optional<Bytes> value) {
    change.expectations.push_back({.key = std::move(key), .value = std::move(value)});
    return change;
}

// What every Store must do. One file of a test program includes this and instantiates the suite with its factory:
//   INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, ::testing::Values(StoreHarnessFactory{make_harness}));
class StoreContract : public ::testing::TestWithParam<StoreHarnessFactory> {
  protected:
    Result<void> commit(StoreChange change) { return await(*harness, harness->store().commit(std::move(change))); }
    Result<std::optional<Bytes>> get(std::string key) { return await(*harness, harness->store().get(std::move(key))); }
    std::vector<std::string> keys(std::string prefix, std::string after, std::size_t limit) {
        auto entries = await(*harness, harness->store().scan(std::move(prefix), std::move(after), limit));
        std::vector<std::string> found;
        if (!entries) return {"error: " + entries.error().message};
        for (const StoreEntry& entry : *entries) found.push_back(entry.key);
        return found;
    }
    void expect_value(const std::string& key, std::string_view value) {
        const Result<std::optional<Bytes>> found = get(key);
        ASSERT_TRUE(found.has_value()) << found.error().message;
        ASSERT_TRUE(found->has_value()) << key;
        EXPECT_EQ(**found, bytes_of(value)) << key;
    }
    void expect_absent(const std::string& key) {
        const Result<std::optional<Bytes>> found = get(key);
        ASSERT_TRUE(found.has_value()) << found.error().message;
        EXPECT_FALSE(found->has_value()) << key;
    }
    static void expect_error(const Result<void>& result, Errc code) {
        ASSERT_FALSE(result.has_value());
        EXPECT_EQ(result.error().code, code) << result.error().message;
        EXPECT_FALSE(result.error().message.empty());
    }

    std::unique_ptr<StoreHarness> harness = GetParam()();
};

TEST_P(StoreContract, GivesBackWhatWasPut) {
    ASSERT_TRUE(commit(put("job/1", "one")).has_value());

    expect_value("job/1", "one");
    expect_absent("job/2");
}

TEST_P(StoreContract, ReplacesAndDeletes) {
    ASSERT_TRUE(commit(put("a", "1")).has_value());
    ASSERT_TRUE(commit(put("a", "2")).has_value());
    expect_value("a", "2");

    StoreChange change;
    change.deletes = {"a", "never there"};
    ASSERT_TRUE(commit(std::move(change)).has_value());
    expect_absent("a");
}

TEST_P(StoreContract, KeepsEmptyAndBinaryValues) {
    StoreChange change;
    change.puts.push_back({.key = "empty", .value = {}});
    change.puts.push_back({.key = std::string{"a\0b\xff", 4}, .value = {0, 255, 0}});
    ASSERT_TRUE(commit(std::move(change)).has_value());

    expect_value("empty", "");
    const Result<std::optional<Bytes>> binary = get(std::string{"a\0b\xff", 4});
    ASSERT_TRUE(binary.has_value() && binary->has_value());
    EXPECT_EQ(**binary, (Bytes{0, 255, 0}));
}

TEST_P(StoreContract, RefusesAChangeWhoseExpectationDoesNotHold) {
    ASSERT_TRUE(commit(put("a", "1")).has_value());

    expect_error(commit(expecting(put("b", "x"), "a", std::nullopt)), Errc::kConflict);
    expect_error(commit(expecting(put("b", "x"), "a", bytes_of("2"))), Errc::kConflict);
    expect_error(commit(expecting(put("b", "x"), "missing", bytes_of("1"))), Errc::kConflict);
    expect_error(commit(expecting(put("b", "x"), "a", Bytes{})), Errc::kConflict);
    expect_absent("b");
}

TEST_P(StoreContract, AcceptsAChangeWhoseExpectationsHold) {
    ASSERT_TRUE(commit(put("a", "1")).has_value());

    StoreChange change = expecting(expecting(put("b", "x"), "a", bytes_of("1")), "b", std::nullopt);
    change.deletes = {"a"};
    ASSERT_TRUE(commit(std::move(change)).has_value());
    expect_absent("a");
    expect_value("b", "x");
}

TEST_P(StoreContract, ChecksExpectationsAgainstTheStateBeforeTheChange) {
    StoreChange change = expecting(put("a", "new"), "a", std::nullopt);
    ASSERT_TRUE(commit(change).has_value());
    expect_error(commit(std::move(change)), Errc::kConflict);
}

TEST_P(StoreContract, ChangesNothingWhenOneOfManyExpectationsFails) {
    StoreChange change;
    change.puts.push_back({.key = "x", .value = bytes_of("1")});
    change.puts.push_back({.key = "y", .value = bytes_of("2")});
    change.expectations.push_back({.key = "x", .value = std::nullopt});
    change.expectations.push_back({.key = "y", .value = bytes_of("0")});

    expect_error(commit(std::move(change)), Errc::kConflict);
    expect_absent("x");
    expect_absent("y");
}

TEST_P(StoreContract, ScansAPrefixInByteOrder) {
    for (const char* key : {"job/2", "job/1", "job", "joc", "job/\xff", "a"}) {
        ASSERT_TRUE(commit(put(key, "v")).has_value());
    }

    EXPECT_EQ(keys("job/", "", 10), (std::vector<std::string>{"job/1", "job/2", "job/\xff"}));
    EXPECT_EQ(keys("job", "", 10), (std::vector<std::string>{"job", "job/1", "job/2", "job/\xff"}));
    EXPECT_EQ(keys("", "", 10), (std::vector<std::string>{"a", "job", "job/1", "job/2", "job/\xff", "joc"}));
    EXPECT_EQ(keys("nothing", "", 10), std::vector<std::string>{});
}

TEST_P(StoreContract, ScansOnFromTheLastKey) {
    for (const char* key : {"k/a", "k/b", "k/c", "l"}) ASSERT_TRUE(commit(put(key, "v")).has_value());

    EXPECT_EQ(keys("k/", "", 2), (std::vector<std::string>{"k/a", "k/b"}));
    EXPECT_EQ(keys("k/", "k/b", 2), (std::vector<std::string>{"k/c"}));
    EXPECT_EQ(keys("k/", "k/c", 2), std::vector<std::string>{});
    EXPECT_EQ(keys("k/", "k/aa", 2), (std::vector<std::string>{"k/b", "k/c"}));
    EXPECT_EQ(keys("k/", "a", 1), (std::vector<std::string>{"k/a"}));
    EXPECT_EQ(keys("k/", "l", 9), std::vector<std::string>{});
    EXPECT_EQ(keys("k/", "", 0), std::vector<std::string>{});
}

TEST_P(StoreContract, ScansAPrefixOfHighBytes) {
    for (const char* key : {"\xfe", "\xff", "\xff\xff", "\xff\xff\x01"}) {
        ASSERT_TRUE(commit(put(key, "v")).has_value());
    }

    EXPECT_EQ(keys("\xff\xff", "", 9), (std::vector<std::string>{"\xff\xff", "\xff\xff\x01"}));
    EXPECT_EQ(keys("\xff", "", 9), (std::vector<std::string>{"\xff", "\xff\xff", "\xff\xff\x01"}));
}

TEST_P(StoreContract, RefusesKeysAndValuesOutOfBounds) {
    ASSERT_TRUE(commit(put(std::string(256, 'k'), "v")).has_value());
    expect_value(std::string(256, 'k'), "v");

    expect_error(commit(put(std::string(257, 'k'), "v")), Errc::kInvalid);
    expect_error(commit(put("", "v")), Errc::kInvalid);
    StoreChange huge;
    huge.puts.push_back({.key = "huge", .value = Bytes((16U << 20U) + 1)});
    expect_error(commit(std::move(huge)), Errc::kInvalid);
    expect_absent("huge");
}

TEST_P(StoreContract, KeepsWhatWasCommittedOverAReopening) {
    ASSERT_TRUE(commit(put("kept", "1")).has_value());
    StoreChange change = put("other", "2");
    change.deletes = {"kept"};
    ASSERT_TRUE(commit(std::move(change)).has_value());

    harness->reopen();

    expect_absent("kept");
    expect_value("other", "2");
}

inline Task<void> claim_lease(Store* store, std::string owner, int* won, int* lost) {
    const Result<void> result = co_await store->commit(expecting(put("lease", owner), "lease", std::nullopt));
    if (result.has_value()) ++*won;
    if (!result.has_value() && result.error().code == Errc::kConflict) ++*lost;
}

inline Task<void> claim_by_many(Runtime* runtime, Store* store, int count, int* won, int* lost) {
    using namespace std::chrono_literals;
    TaskGroup group{runtime};
    for (int index = 0; index < count; ++index) group.spawn(claim_lease(store, std::to_string(index), won, lost));
    const Result<void> joined = co_await group.join(runtime->now() + 30s);
    EXPECT_TRUE(joined.has_value());
}

TEST_P(StoreContract, LetsOneOfManyConcurrentClaimantsWin) {
    int won = 0;
    int lost = 0;

    harness->run(claim_by_many(&harness->runtime(), &harness->store(), 20, &won, &lost));

    EXPECT_EQ(won, 1);
    EXPECT_EQ(lost, 19);
}

}  // namespace vcity::ports::testing
