// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/store_sqlite/store.hpp"
#include "base/check.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::integration {
namespace {

using Acknowledged = std::map<int, std::uint64_t>;

// Runs the writer on that file, kills it after so many acknowledged commits and gives the last one of each of its
// tasks.
Acknowledged run_and_kill(const std::string& path, std::size_t lines_until_kill) {
    int ends[2] = {-1, -1};
    CHECK(::pipe(ends) == 0);
    std::string program = STORE_CRASH_WRITER;
    std::string file = path;
    std::string writers = "6";
    char* arguments[] = {program.data(), file.data(), writers.data(), nullptr};
    posix_spawn_file_actions_t actions;
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) == 0);
    CHECK(posix_spawn_file_actions_addclosefrom_np(&actions, 3) == 0);
    pid_t process = 0;
    CHECK(posix_spawn(&process, program.c_str(), &actions, nullptr, arguments, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);

    FILE* output = ::fdopen(ends[0], "r");
    Acknowledged acknowledged;
    std::size_t lines = 0;
    int writer = 0;
    unsigned long number = 0;
    while (std::fscanf(output, "%d %lu\n", &writer, &number) == 2) {
        acknowledged[writer] = std::max<std::uint64_t>(acknowledged[writer], number);
        if (++lines == lines_until_kill) ::kill(process, SIGKILL);
    }
    std::fclose(output);
    ::waitpid(process, nullptr, 0);
    return acknowledged;
}

class StoreAfterKill : public ::testing::Test,
                       public ports::testing::OnRuntime<ports::testing::TaskRunner, adapters::AsioRuntime> {
  protected:
    StoreAfterKill() {
        std::string name = (std::filesystem::temp_directory_path() / "vcity-crash-XXXXXX").string();
        CHECK(::mkdtemp(name.data()) != nullptr);
        folder = name;
    }
    ~StoreAfterKill() override { std::filesystem::remove_all(folder); }

    void expect_all_there(const Acknowledged& acknowledged) {
        auto store = adapters::SqliteStore::open({.path = (folder / "role.db").string()});
        ASSERT_TRUE(store.has_value()) << store.error().message;
        for (const auto& [writer, last] : acknowledged) {
            const std::string prefix = "writer/" + std::to_string(writer) + "/";
            const auto counter = ports::testing::await(*this, (*store)->get(prefix + "last")).value();
            ASSERT_TRUE(counter.has_value());
            const std::uint64_t stored = std::stoull(std::string{as_text(*counter)});
            // The commit under way when the kill came may be there or not, but never in part.
            EXPECT_GE(stored, last);
            EXPECT_LE(stored, last + 1);
            for (const char* kind : {"a/", "b/"}) {
                const auto entries = ports::testing::await(*this, (*store)->scan(prefix + kind, "", 1'000'000)).value();
                EXPECT_EQ(entries.size(), stored) << prefix << kind;
            }
        }
    }

    std::filesystem::path folder;
};

TEST_F(StoreAfterKill, HoldsEveryAcknowledgedCommit) {
    for (const std::size_t lines : {1U, 7U, 60U, 400U, 1'500U}) {
        std::filesystem::remove_all(folder);
        std::filesystem::create_directory(folder);
        const Acknowledged acknowledged = run_and_kill((folder / "role.db").string(), lines);
        ASSERT_FALSE(acknowledged.empty());
        expect_all_there(acknowledged);
    }
}

}  // namespace
}  // namespace vcity::integration
