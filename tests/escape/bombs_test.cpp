// SPDX-License-Identifier: Apache-2.0
// Bombs stop at the limit of their sandbox, end soon after kill(), and leave a host that works at once.
#include <cstring>
#include <thread>

#include "escape_test.hpp"

namespace vcity::escape {
namespace {

using namespace std::chrono_literals;

struct BombCase {
    std::string backend;
    std::string bomb;

    friend std::ostream& operator<<(std::ostream& out, const BombCase& shown) {
        return out << shown.backend << " " << shown.bomb;
    }
};

std::vector<BombCase> cases() {
    adapters::AsioRuntime runtime;
    std::vector<BombCase> all;
    for (const Backend& backend : backends(&runtime)) {
        for (const char* bomb : {"fork_bomb", "thread_bomb", "memory_bomb", "memory_of_many", "memory_of_files",
                                 "shared_memory_bomb", "disk_bomb", "inode_bomb", "descriptor_bomb", "pipe_bomb",
                                 "log_bomb", "output_bomb", "compute_bomb", "deaf"}) {
            all.push_back({backend.name, bomb});
        }
    }
    return all;
}

std::string name_of(const testing::TestParamInfo<BombCase>& info) {
    return info.param.backend + "_" + info.param.bomb;
}

class Bomb : public EscapeTest, public testing::WithParamInterface<BombCase> {
  protected:
    void SetUp() override { take(GetParam().backend); }

    struct Seen {
        std::string output;
        bool has_ended = false;
        std::uint64_t resident_mib = 0;
        std::size_t processes = 0;
    };

    // Until it says that it met a limit, and a moment longer.
    Seen watch(ports::SandboxProcess* process, const std::string& mark) {
        Seen seen;
        const TimePoint end = runtime().now() + 1500ms;
        while (runtime().now() < end) {
            const Result<Bytes> bytes = await(process->read(65'536, runtime().now() + 100ms));
            if (bytes && seen.output.size() < 65'536) seen.output += as_text(*bytes);
            if (!bytes && bytes.error().code == Errc::kUnavailable) {
                seen.has_ended = true;
                break;
            }
            const std::vector<pid_t> processes = processes_with(mark);
            seen.processes = std::max(seen.processes, processes.size());
            seen.resident_mib = std::max(seen.resident_mib, resident_mib(processes));
        }
        return seen;
    }

    Duration time_until_gone(const std::string& mark) {
        const TimePoint begin = runtime().now();
        while (runtime().now() < begin + 20s && !processes_with(mark).empty()) std::this_thread::yield();
        return runtime().now() - begin;
    }

    // The number after the word in "limit WORD NUMBER".
    static std::uint64_t limit_of(const std::string& output, const std::string& word) {
        const std::string line = "limit " + word + " ";
        const std::size_t found = output.find(line);
        return found == std::string::npos ? 0 : std::strtoull(output.c_str() + found + line.size(), nullptr, 10);
    }
};

TEST_P(Bomb, IsContainedAndTheHostRecovers) {
    const std::string bomb = GetParam().bomb;
    const std::string mark = "escape-mark-" + ground().outside().abstract_socket + bomb;
    ports::SandboxSpec spec = base_spec();
    spec.command = {std::string{kPublicFolder} + "/escape", "bomb", bomb, mark};
    const auto process = start(std::move(spec));
    ASSERT_TRUE(process);
    const Seen seen = watch(process.get(), mark);
    EXPECT_EQ(seen.output.find("armed " + bomb), 0U) << "it never began";
    // The processes of the sandbox itself have the mark on their command line as well.
    EXPECT_LE(seen.processes, kProcesses + 4);
    EXPECT_LE(limit_of(seen.output, "descriptors"), 1'024U);
    EXPECT_LE(limit_of(seen.output, "threads"), kProcesses);
    if (bomb == "memory_bomb" || bomb == "disk_bomb" || backend.bounds_memory_total) {
        EXPECT_LE(limit_of(seen.output, "mib"), std::max(kMemoryMib, 3 * kDiskMib));
        EXPECT_LE(seen.resident_mib, kMemoryMib + kDiskMib + 32);  // /job is memory here
    }
    const TimePoint stopped = runtime().now();
    process->kill();
    const Duration gone = time_until_gone(mark);
    EXPECT_LE(gone, 5s) << "a process of it is left";
    const Result<int> status = await(process->wait(runtime().now() + 20s));
    EXPECT_TRUE(status.has_value()) << status.error().message;

    ports::SandboxSpec next = base_spec();
    next.command = {std::string{kPublicFolder} + "/escape", "whoami"};
    EXPECT_EQ(result_of(std::move(next)).status, 51);
    const Duration recovered = runtime().now() - stopped;
    EXPECT_LE(recovered, 15s) << "on a machine that has nothing else to do it is far below 5 s";
    std::printf("%s: ended in %.0f ms, next sandbox done after %.0f ms\n", bomb.c_str(),
                std::chrono::duration<double, std::milli>(gone).count(),
                std::chrono::duration<double, std::milli>(recovered).count());
}

INSTANTIATE_TEST_SUITE_P(Sandboxes, Bomb, testing::ValuesIn(cases()), name_of);

}  // namespace
}  // namespace vcity::escape
