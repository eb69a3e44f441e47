// SPDX-License-Identifier: Apache-2.0
#include "adapters/store_sqlite/store.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "async/task_group.hpp"
#include "base/check.hpp"
#include "ports/testing/store_contract.hpp"

namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;
using ports::StoreChange;
using ports::testing::await;
using ports::testing::put;

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "vcity-store-XXXXXX").string();
        CHECK(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    std::string file(const char* name) const { return (path_ / name).string(); }

  private:
    std::filesystem::path path_;
};

class SqliteHarness final : public ports::testing::OnRuntime<ports::testing::StoreHarness, AsioRuntime> {
  public:
    SqliteHarness() { open(); }
    ports::Store& store() override { return *store_; }
    void reopen() override {
        store_.reset();
        open();
    }
    void open(SqliteStoreOptions options = {}) {
        options.path = path();
        auto opened = SqliteStore::open(options);
        if (!opened) ADD_FAILURE() << opened.error().message;
        CHECK(opened.has_value());
        store_ = *std::move(opened);
    }
    void close() { store_.reset(); }
    std::string path() const { return folder_.file("role.db"); }

  private:
    TemporaryFolder folder_;
    std::unique_ptr<SqliteStore> store_;
};

std::unique_ptr<ports::testing::StoreHarness> make_harness() {
    return std::make_unique<SqliteHarness>();
}

Errc code_of_opening(const std::string& path) {
    const auto opened = SqliteStore::open({.path = path});
    CHECK(!opened.has_value());
    EXPECT_NE(opened.error().message.find(path), std::string::npos) << opened.error().message;
    return opened.error().code;
}

void overwrite(const std::string& path, std::streamoff offset, const std::string& bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file << bytes;
    CHECK(file.good());
}

TEST(SqliteStore, RefusesASecondOpening) {
    SqliteHarness harness;

    EXPECT_EQ(code_of_opening(harness.path()), Errc::kConflict);
    harness.close();
    EXPECT_TRUE(SqliteStore::open({.path = harness.path()}).has_value());
}

TEST(SqliteStore, RefusesAFileThatIsNoDatabase) {
    const TemporaryFolder folder;
    std::ofstream(folder.file("x.db")) << std::string(5'000, 'x');

    EXPECT_EQ(code_of_opening(folder.file("x.db")), Errc::kCorrupt);
}

TEST(SqliteStore, RefusesADamagedDatabase) {
    SqliteHarness harness;
    StoreChange change;
    for (int index = 0; index < 2'000; ++index) {
        change.puts.push_back({.key = "key/" + std::to_string(index), .value = Bytes(100, 7)});
    }
    ASSERT_TRUE(await(harness, harness.store().commit(std::move(change))).has_value());
    harness.close();

    overwrite(harness.path(), 3 * 4'096, std::string(4'096, '\x5a'));

    EXPECT_EQ(code_of_opening(harness.path()), Errc::kCorrupt);
}

TEST(SqliteStore, RefusesANewerSchema) {
    SqliteHarness harness;
    harness.close();
    // The user version is a big-endian number at offset 60 of the header.
    overwrite(harness.path(), 60, std::string{"\0\0\0\x02", 4});

    EXPECT_EQ(code_of_opening(harness.path()), Errc::kInvalid);
}

TEST(SqliteStore, RefusesAFolderThatIsNotThere) {
    const TemporaryFolder folder;

    EXPECT_EQ(code_of_opening(folder.file("missing/role.db")), Errc::kUnavailable);
}

TEST(SqliteStore, KeepsItsFilesToItsOwner) {
    SqliteHarness harness;
    ASSERT_TRUE(await(harness, harness.store().commit(put("a", "1"))).has_value());

    for (const char* suffix : {"", "-wal", ".lock"}) {
        const auto mode = std::filesystem::status(harness.path() + suffix).permissions();
        EXPECT_EQ(mode & std::filesystem::perms::mask,
                  std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
            << suffix;
    }
}

Task<void> commit_one(ports::Store* store, int number, int* succeeded, int* refused) {
    const Result<void> result = co_await store->commit(put("key/" + std::to_string(number), "value"));
    if (result.has_value()) ++*succeeded;
    if (!result.has_value() && result.error().code == Errc::kExhausted) ++*refused;
}

Task<void> commit_many(Runtime* runtime, ports::Store* store, int count, int* succeeded, int* refused) {
    TaskGroup group{runtime};
    for (int number = 0; number < count; ++number) group.spawn(commit_one(store, number, succeeded, refused));
    const Result<void> joined = co_await group.join(runtime->now() + 30s);
    EXPECT_TRUE(joined.has_value());
}

TEST(SqliteStore, SharesAFlushAmongConcurrentChanges) {
    SqliteHarness harness;
    int succeeded = 0;
    int refused = 0;

    harness.run(commit_many(&harness.runtime(), &harness.store(), 500, &succeeded, &refused));

    EXPECT_EQ(succeeded, 500);
    const auto entries = await(harness, harness.store().scan("key/", "", 1'000));
    ASSERT_TRUE(entries.has_value());
    EXPECT_EQ(entries->size(), 500U);
}

TEST(SqliteStore, RefusesMoreWaitingChangesThanItsBound) {
    SqliteHarness harness;
    harness.close();
    harness.open({.path = "", .changes_waiting_max = 2});
    int succeeded = 0;
    int refused = 0;

    harness.run(commit_many(&harness.runtime(), &harness.store(), 100, &succeeded, &refused));

    EXPECT_GT(succeeded, 0);
    EXPECT_GT(refused, 0);
    EXPECT_EQ(succeeded + refused, 100);
}

}  // namespace
}  // namespace vcity::adapters

namespace vcity::ports::testing {

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, ::testing::Values(StoreHarnessFactory{adapters::make_harness}));

}  // namespace vcity::ports::testing
