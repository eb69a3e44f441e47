// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_bwrap/sandbox.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "ports/testing/sandbox_contract.hpp"

namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;
using ports::SandboxProcess;
using ports::SandboxSpec;
using ports::testing::SandboxProgram;

class RecordingSink final : public LogSink {
  public:
    void write(LogLevel, std::string_view, std::string_view event, const LogFields& fields) override {
        if (event == "sandbox_output_dropped") ++dropped_reports;
        if (event != "sandbox_output") return;
        for (const LogField& field : fields) lines.push_back(std::get<std::string>(field.value));
    }

    std::vector<std::string> lines;
    int dropped_reports = 0;
};

SandboxSpec program(std::vector<std::string> command) {
    SandboxSpec spec;
    spec.command = std::move(command);
    return spec;
}

SandboxSpec shell(std::string script) {
    return program({"/bin/sh", "-c", std::move(script)});
}

class BwrapHarness final : public ports::testing::OnRuntime<ports::testing::SandboxHarness, AsioRuntime> {
  public:
    ports::Sandbox& sandbox() override { return sandbox_; }
    SandboxSpec spec_of(SandboxProgram program) override {
        switch (program) {
            case SandboxProgram::kEcho: return shell("exec cat");
            case SandboxProgram::kExit7: return shell("exit 7");
            case SandboxProgram::kSilent: return shell("exec sleep 1000");
            case SandboxProgram::kFlood: return shell("head -c 1048576 /dev/zero | tr '\\0' x");
            case SandboxProgram::kShow: return shell("exec cat input");
        }
        return {};
    }
    RecordingSink& sink() { return sink_; }

  private:
    RecordingSink sink_;
    BwrapSandbox sandbox_{&runtime(), Log{&sink_, "sandbox"}};
};

class SandboxTest : public testing::Test {
  protected:
    std::unique_ptr<SandboxProcess> start(SandboxSpec spec) {
        auto started = run(harness.sandbox().start(std::move(spec)));
        EXPECT_TRUE(started.has_value()) << started.error().message;
        return started ? *std::move(started) : nullptr;
    }
    template <class T>
    T run(Task<T> task) {
        return ports::testing::await(harness, std::move(task));
    }
    std::string output_of(SandboxSpec spec) { return read_all(start(std::move(spec)).get()); }
    std::string read_all(SandboxProcess* process) {
        std::string all;
        for (;;) {
            const Result<Bytes> bytes = run(process->read(65'536, harness.runtime().now() + 20s));
            if (!bytes) return all;
            all += as_text(*bytes);
        }
    }
    int status_of(SandboxSpec spec) {
        const auto process = start(std::move(spec));
        const Result<int> status = run(process->wait(harness.runtime().now() + 20s));
        return status.value_or(-1);
    }
    Errc refusal_of(SandboxSpec spec) {
        const auto started = run(harness.sandbox().start(std::move(spec)));
        EXPECT_FALSE(started.has_value());
        return started ? Errc::kInternal : started.error().code;
    }

    BwrapHarness harness;
};

TEST_F(SandboxTest, ShowsNoHostFileOutsideTheMounts) {
    EXPECT_EQ(output_of(shell("ls / | grep -v lib")), "bin\ndev\netc\nproc\nsbin\ntmp\nusr\n");
    EXPECT_NE(status_of(shell("cat /etc/shadow")), 0);
    EXPECT_NE(status_of(shell("ls /root /home /work /proc/1/root/root")), 0);
    EXPECT_EQ(output_of(shell("ls /etc")), "alternatives\nld.so.cache\n");
}

TEST_F(SandboxTest, HasNoNetwork) {
    EXPECT_EQ(output_of(shell("tail -n +3 /proc/net/dev | grep -v lo:")), "");
    EXPECT_NE(
        status_of(program({"/usr/bin/python3", "-c", "import socket; socket.create_connection(('127.0.0.1', 22), 1)"})),
        0);
}

TEST_F(SandboxTest, CannotWriteButInItsOwnScratch) {
    EXPECT_EQ(output_of(shell("for f in /x /usr/x /bin/x /dev/x /etc/x /proc/sys/kernel/domainname; do"
                              " echo 1 2>/dev/null >$f && echo wrote $f; done; echo end")),
              "end\n");
    EXPECT_EQ(
        output_of(shell("echo hello >/tmp/x && cat /tmp/x; echo shared >/dev/shm/x && cat /dev/shm/x; ls -A /tmp")),
        "hello\nshared\nx\n");
}

TEST_F(SandboxTest, BoundsItsScratch) {
    BwrapSandbox sandbox{
        &harness.runtime(), Log{nullptr, ""}, {.bwrap_path = "/usr/bin/bwrap", .scratch_bytes_max = 1U << 20U}};
    const auto process =
        run(sandbox.start(shell("head -c 3000000 /dev/zero >/tmp/x 2>/dev/null; stat -c %s /tmp/x"))).value();

    EXPECT_EQ(read_all(process.get()), "1048576\n");
}

TEST_F(SandboxTest, GivesAWorkingDirectoryOfItsOwnAndBoundsIt) {
    SandboxSpec spec =
        shell("pwd; ls -A; echo mine >x && cat x; head -c 3000000 /dev/zero >y 2>/dev/null; stat -c %s y");
    spec.work_bytes_max = 1U << 20U;

    // A page of it went to the first file.
    EXPECT_EQ(output_of(spec), "/job\nmine\n1044480\n");
    EXPECT_EQ(output_of(spec), "/job\nmine\n1044480\n") << "nothing is left of the first";
    SandboxSpec neighbour = shell("ls -A; find / -name neighbours-file 2>/dev/null; true");
    neighbour.work_bytes_max = 1U << 20U;
    spec.command = {"/bin/sh", "-c", "echo secret >neighbours-file; echo ready; sleep 1000"};
    const auto process = start(spec);
    ASSERT_TRUE(run(process->read(64, harness.runtime().now() + 20s)).has_value());
    EXPECT_EQ(output_of(std::move(neighbour)), "");
}

TEST_F(SandboxTest, LetsAProgramReadItsFilesAndPutOthersBeside) {
    SandboxSpec spec = shell("cat a.txt b; sh a.txt; echo new >c && cat c; echo x 2>/dev/null >/usr/x || echo refused");
    spec.work_bytes_max = 1U << 20U;
    spec.files.push_back({.name = "a.txt", .content = Bytes{'e', 'c', 'h', 'o', ' ', 'r', 'a', 'n', '\n'}});
    spec.files.push_back({.name = "b", .content = Bytes{}});

    EXPECT_EQ(output_of(std::move(spec)), "echo ran\nran\nnew\nrefused\n");
}

TEST_F(SandboxTest, TakesAsManyFilesAsItMay) {
    SandboxSpec spec = shell("ls | wc -l; cat f63; ls /proc/self/fd");
    spec.work_bytes_max = 1U << 20U;
    for (int number = 0; number < 64; ++number) {
        spec.files.push_back({.name = "f" + std::to_string(number), .content = Bytes{'0', '\n'}});
    }
    EXPECT_EQ(output_of(spec), "64\n0\n0\n1\n2\n3\n") << "no descriptor of them is left open";
    spec.files.push_back({.name = "one-more", .content = {}});
    EXPECT_EQ(refusal_of(std::move(spec)), Errc::kInvalid);
}

TEST_F(SandboxTest, MountsWhatTheSpecNamesReadOnly) {
    const auto folder = std::filesystem::temp_directory_path() / "vcity-sandbox-mount";
    std::filesystem::create_directories(folder);
    std::ofstream{folder / "weights"} << "data";

    SandboxSpec spec = shell("cat /opt/model/a/weights; echo x 2>/dev/null >/opt/model/a/weights || echo refused");
    spec.read_only.push_back({.source = folder.string(), .target = "/opt/model/a"});
    EXPECT_EQ(output_of(std::move(spec)), "datarefused\n");

    std::filesystem::remove_all(folder);
}

TEST_F(SandboxTest, SeesOnlyItsOwnProcesses) {
    const std::string seen = output_of(shell("ls -d /proc/[0-9]* | wc -l"));
    EXPECT_LE(std::stoi(seen), 6) << seen;
}

TEST_F(SandboxTest, HasNoPrivileges) {
    const std::string status = output_of(shell("grep -E 'CapPrm|CapEff|CapAmb|NoNewPrivs|Seccomp:' /proc/self/status"));
    EXPECT_EQ(status,
              "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n"
              "NoNewPrivs:\t1\nSeccomp:\t2\n");
    EXPECT_NE(output_of(shell("id -u")), "0\n");
    EXPECT_NE(status_of(shell("kill -9 1 2>/dev/null; mount -t tmpfs none /tmp")), 0);
}

TEST_F(SandboxTest, RefusesDangerousSystemCalls) {
    // Numbers of x86-64: ptrace, unshare, keyctl, bpf, userfaultfd, io_uring_setup; then a vsock socket.
    const std::string script =
        "import ctypes, socket\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "for call in (101, 272, 250, 321, 323, 425):\n"
        "    ctypes.set_errno(0)\n"
        "    print(call, libc.syscall(call, 0, 0, 0, 0), ctypes.get_errno())\n"
        "try:\n"
        "    socket.socket(40, socket.SOCK_STREAM)\n"
        "    print('vsock')\n"
        "except OSError as error:\n"
        "    print(error.errno)\n";
    EXPECT_EQ(output_of(program({"/usr/bin/python3", "-c", script})),
              "101 -1 1\n272 -1 1\n250 -1 1\n321 -1 1\n323 -1 1\n425 -1 1\n97\n");
}

TEST_F(SandboxTest, InheritsNoEnvironmentAndNoDescriptors) {
    ::setenv("VCITY_TEST_SECRET", "value", 1);
    SandboxSpec spec = shell("env | sort | grep -v ^_; ls /proc/self/fd");
    spec.environment = {"OMP_NUM_THREADS=2", "EMPTY="};

    // Three for the program and one that ls opened.
    EXPECT_EQ(output_of(std::move(spec)),
              "EMPTY=\nHOME=/tmp\nLANG=C.UTF-8\nOMP_NUM_THREADS=2\nPATH=/usr/bin:/bin\nPWD=/tmp\n0\n1\n2\n3\n");
}

TEST_F(SandboxTest, BoundsItsProcesses) {
    SandboxSpec spec = shell("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do sleep 20 & done; wait");
    spec.processes_max = 8;

    EXPECT_NE(status_of(std::move(spec)), 0);
}

TEST_F(SandboxTest, BoundsItsCores) {
    SandboxSpec spec = shell("nproc");
    const std::string all = output_of(spec);
    spec.cores_max = 1;
    EXPECT_EQ(output_of(spec), "1\n");
    spec.cores_max = 10'000;
    EXPECT_EQ(output_of(std::move(spec)), all);
}

TEST_F(SandboxTest, GivesWayToOthersWhenItIsTold) {
    SandboxSpec spec = shell("nice");
    const int before = std::stoi(output_of(spec));
    spec.gives_way = true;
    EXPECT_EQ(std::stoi(output_of(spec)), std::min(before + 10, 19));
    spec.command = {"/usr/bin/no-such-program"};
    EXPECT_EQ(status_of(std::move(spec)), 127);
}

TEST_F(SandboxTest, HasNoMoreScratchThanItsWorkingDirectory) {
    SandboxSpec spec =
        shell("for f in /tmp/x /dev/shm/x; do head -c 3000000 /dev/zero >$f 2>/dev/null; stat -c %s $f; done");
    spec.work_bytes_max = 1U << 20U;
    EXPECT_EQ(output_of(std::move(spec)), "1048576\n1048576\n");
}

TEST_F(SandboxTest, BoundsItsMemory) {
    SandboxSpec spec;
    spec.command = {"/usr/bin/python3", "-c", "x = bytearray(60 << 20)"};
    EXPECT_EQ(status_of(spec), 0);
    spec.memory_bytes_max = 50U << 20U;
    EXPECT_NE(status_of(std::move(spec)), 0);
}

TEST_F(SandboxTest, KillEndsEverythingItStarted) {
    const auto process = start(shell("setsid sleep 1000 >/dev/null & sleep 1000 & echo started; wait"));
    ASSERT_TRUE(run(process->read(64, harness.runtime().now() + 20s)).has_value());

    process->kill();

    // End of output: nobody is left who could write.
    const Result<Bytes> bytes = run(process->read(64, harness.runtime().now() + 20s));
    ASSERT_FALSE(bytes.has_value());
    EXPECT_EQ(bytes.error().code, Errc::kUnavailable);
    EXPECT_EQ(run(process->wait(harness.runtime().now() + 20s)).value_or(-1), 137);
}

TEST_F(SandboxTest, HoldsAProgramBackThatWritesFasterThanIsRead) {
    const auto process = start(shell("head -c 20000000 /dev/zero; echo done >&2"));
    // Far more than a pipe holds, so the program cannot have ended before it is read.
    const Result<int> early = run(process->wait(harness.runtime().now() + 10ms));
    ASSERT_FALSE(early.has_value());

    std::size_t total = 0;
    for (;;) {
        const Result<Bytes> bytes = run(process->read(1U << 20U, harness.runtime().now() + 20s));
        if (!bytes) break;
        total += bytes->size();
    }
    EXPECT_EQ(total, 20'000'000U);
}

TEST_F(SandboxTest, LogsStandardErrorInBoundedLines) {
    EXPECT_EQ(
        status_of(shell("echo one >&2; head -c 5000 /dev/zero | tr '\\0' y >&2; echo >&2; printf 'e\\033[1m' >&2")), 0);
    const auto& lines = harness.sink().lines;

    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0], "one");
    EXPECT_EQ(lines[1], std::string(512, 'y'));
    EXPECT_EQ(lines[2], "e?[1m");
}

TEST_F(SandboxTest, DropsAFloodOfLines) {
    EXPECT_EQ(status_of(shell("yes complaint | head -n 5000 >&2")), 0);

    EXPECT_LT(harness.sink().lines.size(), 400U);
    EXPECT_EQ(harness.sink().dropped_reports, 1);
}

TEST_F(SandboxTest, ReportsSignalsAndMissingPrograms) {
    EXPECT_EQ(status_of(shell("kill -SEGV $$")), 128 + 11);
    EXPECT_EQ(status_of(program({"/usr/bin/no-such-program"})), 127);
}

TEST_F(SandboxTest, RefusesMalformedSpecs) {
    EXPECT_EQ(refusal_of(program({"sh"})), Errc::kInvalid);
    EXPECT_EQ(refusal_of(program({"/bin/../bin/sh"})), Errc::kInvalid);
    EXPECT_EQ(refusal_of(program({"/bin/sh", std::string{"a\0b", 3}})), Errc::kInvalid);
    SandboxSpec no_process = shell("true");
    no_process.processes_max = 0;
    EXPECT_EQ(refusal_of(std::move(no_process)), Errc::kInvalid);
    SandboxSpec nameless = shell("true");
    nameless.environment = {"=x"};
    EXPECT_EQ(refusal_of(std::move(nameless)), Errc::kInvalid);
    for (const char* target : {"/usr/lib", "/proc", "/tmp/x", "/job", "relative", "/a/../b", "/"}) {
        SandboxSpec spec = shell("true");
        spec.read_only.push_back({.source = "/usr", .target = target});
        EXPECT_EQ(refusal_of(std::move(spec)), Errc::kInvalid) << target;
    }
    SandboxSpec spec = shell("true");
    spec.read_only.push_back({.source = "/no/such/folder", .target = "/model"});
    EXPECT_EQ(refusal_of(std::move(spec)), Errc::kInvalid);
}

TEST_F(SandboxTest, SaysWhenBubblewrapIsMissing) {
    BwrapSandbox sandbox{&harness.runtime(), Log{nullptr, ""}, {.bwrap_path = "/no/such/bwrap"}};

    const auto started = run(sandbox.start(shell("true")));

    ASSERT_FALSE(started.has_value());
    EXPECT_EQ(started.error().code, Errc::kUnavailable);
    EXPECT_NE(started.error().message.find("/no/such/bwrap"), std::string::npos) << started.error().message;
}

TEST_F(SandboxTest, PassesOnWhyBubblewrapDidNotStart) {
    BwrapSandbox sandbox{&harness.runtime(), Log{nullptr, ""}, {.bwrap_path = "/bin/ls"}};

    const auto started = run(sandbox.start(shell("true")));

    ASSERT_FALSE(started.has_value());
    EXPECT_EQ(started.error().code, Errc::kUnavailable);
    EXPECT_GT(started.error().message.size(), std::string{"sandbox did not start: "}.size());
}

std::unique_ptr<ports::testing::SandboxHarness> make_harness() {
    return std::make_unique<BwrapHarness>();
}

}  // namespace
}  // namespace vcity::adapters

namespace vcity::ports::testing {

INSTANTIATE_TEST_SUITE_P(Bwrap, SandboxContract, ::testing::Values(SandboxHarnessFactory{adapters::make_harness}));

}  // namespace vcity::ports::testing
