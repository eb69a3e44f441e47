// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/sandbox_oci/sandbox.hpp"
#include "ports/testing/sandbox_contract.hpp"
#ifdef VCITY_TEST_DOCKER
#include "docker.hpp"
#else
#include "podman.hpp"
#endif

// Containers of a real podman, through its own API and through that of Docker; as oci_docker_test of a real Docker.
namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ports::SandboxProcess;
using ports::SandboxSpec;
using ports::testing::SandboxProgram;

#ifdef VCITY_TEST_DOCKER
using Engine = integration::Docker;
#else
using Engine = integration::Podman;
#endif

// One for all tests: it takes a second to start.
std::unique_ptr<Engine> engine;

class WithEngine final : public testing::Environment {
  public:
    void SetUp() override { engine = std::make_unique<Engine>(); }
    void TearDown() override { engine = nullptr; }
};

const auto* const kEnvironment = testing::AddGlobalTestEnvironment(new WithEngine);

class LineSink final : public LogSink {
  public:
    void write(LogLevel, std::string_view, std::string_view event, const LogFields& fields) override {
        if (event != "sandbox_output") return;
        for (const LogField& field : fields) lines.push_back(std::get<std::string>(field.value));
    }

    std::vector<std::string> lines;
};

SandboxSpec shell(std::string script) {
    SandboxSpec spec;
    spec.image = engine->image();
    spec.command = {"/bin/sh", "-c", std::move(script)};
    spec.memory_bytes_max = 64U << 20U;
    spec.cores_max = 1;
    return spec;
}

class OciHarness final : public ports::testing::OnRuntime<ports::testing::SandboxHarness, AsioRuntime> {
  public:
    explicit OciHarness(EngineDialect dialect) {
        options.socket_path = engine->socket();
        options.dialect = dialect;
        options.scratch_folder = engine->folder() + "/scratch";
        options.stop_seconds = 1;
        restart();
    }
    ~OciHarness() override {
        const auto settled = ports::testing::await(*this, sandbox_->settle(runtime().now() + 30s));
        EXPECT_TRUE(settled.has_value());
    }
    OciHarness(const OciHarness&) = delete;
    OciHarness& operator=(const OciHarness&) = delete;

    // As if the agent had ended and begun again, with the present options.
    void restart() { sandbox_ = std::make_unique<OciSandbox>(&runtime(), Log{&sink, "sandbox"}, options); }
    OciSandbox& sandbox() override { return *sandbox_; }
    SandboxSpec spec_of(SandboxProgram program) override {
        switch (program) {
            case SandboxProgram::kEcho: return shell("exec busybox cat");
            case SandboxProgram::kExit7: return shell("exit 7");
            case SandboxProgram::kSilent: return shell("exec busybox sleep 1000");
            case SandboxProgram::kFlood: return shell("busybox head -c 1048576 /dev/zero | busybox tr '\\0' x");
            case SandboxProgram::kShow: return shell("exec busybox cat input");
        }
        return {};
    }

    LineSink sink;
    OciSandboxOptions options;

  private:
    std::unique_ptr<OciSandbox> sandbox_;
};

class OciSandboxTest : public testing::TestWithParam<EngineDialect> {
  protected:
    template <class T>
    T run(Task<T> task) {
        return ports::testing::await(harness, std::move(task));
    }
    TimePoint soon() { return harness.runtime().now() + 20s; }
    bool is_libpod() const { return GetParam() == EngineDialect::kLibpod; }
    std::unique_ptr<SandboxProcess> start(SandboxSpec spec) {
        auto started = run(harness.sandbox().start(std::move(spec)));
        EXPECT_TRUE(started.has_value()) << started.error().message;
        return started ? *std::move(started) : nullptr;
    }
    std::string read_all(SandboxProcess* process) {
        std::string all;
        for (;;) {
            const Result<Bytes> bytes = run(process->read(65'536, soon()));
            if (!bytes) return all;
            all += as_text(*bytes);
        }
    }
    std::string output_of(SandboxSpec spec) {
        const auto process = start(std::move(spec));
        return process == nullptr ? std::string{} : read_all(process.get());
    }
    int status_of(SandboxSpec spec) {
        const auto process = start(std::move(spec));
        return process == nullptr ? -1 : run(process->wait(soon())).value_or(-1);
    }
    Error refusal_of(SandboxSpec spec) {
        const auto started = run(harness.sandbox().start(std::move(spec)));
        EXPECT_FALSE(started.has_value());
        return started ? make_error(Errc::kInternal, "started") : started.error();
    }
    std::string read_until(SandboxProcess* process, std::string_view end) {
        std::string all;
        while (all.find(end) == std::string::npos) {
            const Result<Bytes> bytes = run(process->read(4'096, soon()));
            if (!bytes) return all + " [" + bytes.error().message + "]";
            all += as_text(*bytes);
        }
        return all;
    }

    OciHarness harness{GetParam()};
};

TEST_P(OciSandboxTest, GivesNoPrivileges) {
    const std::string status =
        output_of(shell("busybox grep -E 'Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp:' /proc/self/status"));
    EXPECT_EQ(status,
              "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"
              "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
    EXPECT_EQ(output_of(shell("for f in /x /bin/x /proc/sys/kernel/domainname; do"
                              " echo 1 2>/dev/null >$f && echo wrote $f; done; echo end")),
              "end\n");
}

TEST_P(OciSandboxTest, MakesItsUsersNobodyOnTheHost) {
    const std::string map = output_of(shell("busybox cat /proc/self/uid_map; busybox id -u"));
    if (is_libpod()) {
        EXPECT_NE(map.find("1879048192"), std::string::npos) << map;
    } else {
        EXPECT_NE(map.find("65534\n"), std::string::npos) << map;
    }
}

TEST_P(OciSandboxTest, HasNoNetworkUnlessTheNodeHasOneToGive) {
    EXPECT_EQ(output_of(shell("busybox tail -n +3 /proc/net/dev | busybox grep -v lo:")), "");
    SandboxSpec spec = shell("true");
    spec.egress = Egress::kPublic;
    EXPECT_EQ(refusal_of(spec).code, Errc::kInvalid);
}

TEST_P(OciSandboxTest, BoundsMemoryProcessesAndScratch) {
    EXPECT_EQ(status_of(shell("exec busybox tail -c 200000000 /dev/zero")), 137);
    SandboxSpec forks = shell("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do busybox sleep 20 & done; wait");
    forks.processes_max = 8;
    EXPECT_NE(status_of(std::move(forks)), 0);
    SandboxSpec fills = shell(
        "for f in /tmp/x /job/x; do busybox head -c 3000000 /dev/zero >$f 2>/dev/null;"
        " busybox stat -c %s $f; done");
    fills.work_bytes_max = 1U << 20U;
    EXPECT_EQ(output_of(std::move(fills)), "1048576\n1048576\n");
}

TEST_P(OciSandboxTest, PassesTheEnvironmentAndTheJobsFolderOn) {
    const std::string folder = engine->folder() + "/job-of-a-test";
    fs::create_directory(folder);
    fs::permissions(folder, fs::perms{0777});
    std::ofstream{folder + "/given"} << "given\n";
    SandboxSpec spec = shell("busybox pwd; busybox cat given; echo $A; echo left >left");
    spec.job_folder = folder;
    spec.environment = {"A=one two"};

    EXPECT_EQ(output_of(std::move(spec)), "/job\ngiven\none two\n");
    std::string left;
    std::ifstream{folder + "/left"} >> left;
    EXPECT_EQ(left, "left");
}

TEST_P(OciSandboxTest, LogsErrorsOrJoinsThem) {
    EXPECT_EQ(output_of(shell("echo out; echo wrong >&2")), "out\n");
    ASSERT_EQ(harness.sink.lines.size(), 1U);
    EXPECT_EQ(harness.sink.lines[0], "wrong");
    SandboxSpec spec = shell("echo wrong >&2");
    spec.joins_output = true;
    EXPECT_EQ(output_of(std::move(spec)), "wrong\n");
}

TEST_P(OciSandboxTest, RefusesImagesAndProgramsThatAreNotThere) {
    SandboxSpec spec = shell("true");
    spec.image = "localhost/vcity-test@sha256:" + std::string(64, '0');
    EXPECT_EQ(refusal_of(spec).code, Errc::kInvalid);
    spec.image = "localhost/vcity-test:1";
    EXPECT_EQ(refusal_of(spec).code, Errc::kInvalid);
    spec = shell("true");
    spec.command = {"/bin/no-such-program"};
    const Error error = refusal_of(spec);
    EXPECT_EQ(error.code, Errc::kInvalid) << error.message;
    EXPECT_NE(error.message.find("no-such-program"), std::string::npos) << error.message;
}

TEST_P(OciSandboxTest, CanBeDialed) {
    SandboxSpec spec = shell("cd /job; busybox httpd -f -p 127.0.0.1:8080 & busybox sleep 0.3; echo ready; wait");
    spec.work_bytes_max = 1U << 20U;
    const std::string page = "hello from inside";
    spec.files.push_back({.name = "index.html", .content = Bytes{page.begin(), page.end()}});
    const auto process = start(std::move(spec));
    ASSERT_NE(process, nullptr);
    read_until(process.get(), "ready");

    auto stream = run(process->dial(8080, soon()));
    ASSERT_TRUE(stream.has_value()) << stream.error().message;
    const std::string request = "GET /index.html HTTP/1.0\r\n\r\n";
    ASSERT_TRUE(run((*stream)->write(Bytes{request.begin(), request.end()})).has_value());
    std::string answer;
    for (;;) {
        const Result<Bytes> bytes = run((*stream)->read(4'096));
        if (!bytes || bytes->empty()) break;
        answer += as_text(*bytes);
    }
    EXPECT_NE(answer.find(page), std::string::npos) << answer;
    const auto refused = run(process->dial(8081, soon()));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kUnavailable);
}

TEST_P(OciSandboxTest, RunsAProgramBesideTheFirst) {
    const auto process = start(harness.spec_of(SandboxProgram::kSilent));
    ASSERT_NE(process, nullptr);
    ports::SandboxCommand command;
    command.command = {"/bin/sh", "-c", "read line; echo got $line $A; exit 3"};
    command.environment = {"A=b"};
    auto session = run(process->exec(command, soon()));
    ASSERT_TRUE(session.has_value()) << session.error().message;
    ASSERT_TRUE(run((*session)->write(Bytes{'h', 'i', '\n'})).has_value());
    std::string heard;
    while (true) {
        const Result<Bytes> bytes = run((*session)->read(64));
        if (!bytes || bytes->empty()) break;
        heard += as_text(*bytes);
    }
    EXPECT_EQ(heard, "got hi b\n");
    EXPECT_EQ(run((*session)->wait(soon())).value_or(-1), 3);
}

TEST_P(OciSandboxTest, GivesASessionATerminal) {
    const auto process = start(harness.spec_of(SandboxProgram::kSilent));
    ASSERT_NE(process, nullptr);
    ports::SandboxCommand command;
    command.command = {"/bin/sh", "-c", "busybox sleep 0.3; busybox stty size"};
    command.terminal = ports::TerminalSize{.columns = 100, .rows = 40};
    auto session = run(process->exec(command, soon()));
    ASSERT_TRUE(session.has_value()) << session.error().message;
    std::string heard;
    while (true) {
        const Result<Bytes> bytes = run((*session)->read(64));
        if (!bytes || bytes->empty()) break;
        heard += as_text(*bytes);
    }
    EXPECT_EQ(heard, "40 100\r\n");
}

TEST_P(OciSandboxTest, CountsWhatItUses) {
    const auto process = start(shell("echo ready; exec busybox sleep 1000"));
    ASSERT_NE(process, nullptr);
    read_until(process.get(), "ready");
    const auto stats = run(process->stats(soon()));
    ASSERT_TRUE(stats.has_value()) << stats.error().message;
    EXPECT_GT(stats->memory_bytes, 0U);
    EXPECT_GT(stats->cpu_nanoseconds, 0U);
    EXPECT_GE(stats->processes, 1U);
}

TEST_P(OciSandboxTest, IsAskedToEndBeforeItIsKilled) {
    const auto process =
        start(shell("trap 'echo bye; exit 5' TERM; echo ready; while true; do busybox sleep 0.05; done"));
    ASSERT_NE(process, nullptr);
    read_until(process.get(), "ready");
    process->stop();
    EXPECT_EQ(read_all(process.get()), "bye\n");
    EXPECT_EQ(run(process->wait(soon())).value_or(-1), 5);
}

TEST_P(OciSandboxTest, IsAdoptedByALaterAgentWithAllItsOutput) {
    SandboxSpec spec =
        shell("echo one; while ! busybox test -e /tmp/go; do busybox sleep 0.05; done; echo two; exit 4");
    spec.name = "attempt-1";
    const auto process = start(std::move(spec));
    ASSERT_NE(process, nullptr);
    read_until(process.get(), "one\n");

    harness.restart();
    auto adopted = run(harness.sandbox().adopt("attempt-1"));
    ASSERT_TRUE(adopted.has_value()) << adopted.error().message;
    EXPECT_EQ(read_until(adopted->get(), "one\n"), "one\n");
    ports::SandboxCommand go;
    go.command = {"/bin/busybox", "touch", "/tmp/go"};
    const auto session = run((*adopted)->exec(go, soon()));
    ASSERT_TRUE(session.has_value()) << session.error().message;
    EXPECT_EQ(read_all(adopted->get()), "two\n");
    EXPECT_EQ(run((*adopted)->wait(soon())).value_or(-1), 4);
}

TEST_P(OciSandboxTest, SurvivesADeadEngine) {
    const auto process =
        start(shell("echo one; while ! busybox test -e /tmp/go; do busybox sleep 0.05; done; echo two"));
    ASSERT_NE(process, nullptr);
    read_until(process.get(), "one\n");
    engine->restart();
    const Result<Bytes> nothing = run(process->read(64, harness.runtime().now() + 100ms));
    ASSERT_FALSE(nothing.has_value());
    EXPECT_EQ(nothing.error().code, Errc::kTimeout) << nothing.error().message;
    ports::SandboxCommand go;
    go.command = {"/bin/busybox", "touch", "/tmp/go"};
    const auto session = run(process->exec(go, soon()));
    ASSERT_TRUE(session.has_value()) << session.error().message;
    EXPECT_EQ(read_all(process.get()), "two\n");
    EXPECT_EQ(run(process->wait(soon())).value_or(-1), 0);
}

TEST_P(OciSandboxTest, SweepsWhatNobodyAdopts) {
    SandboxSpec spec = harness.spec_of(SandboxProgram::kSilent);
    spec.name = "kept";
    const auto kept = start(spec);
    spec.name = "leaked";
    const auto leaked = start(spec);
    harness.restart();

    EXPECT_EQ(run(harness.sandbox().sweep({"kept"})).value_or(99), 1U);
    EXPECT_TRUE(run(harness.sandbox().adopt("kept")).has_value());
    EXPECT_FALSE(run(harness.sandbox().adopt("leaked")).has_value());
}

// Where the folder of CDI can be written; a character device of the host stands for the GPU.
TEST_P(OciSandboxTest, PassesAGpuOnAndVerifiesIt) {
    fs::create_directories("/etc/cdi");
    const std::string file = "/etc/cdi/vcity-test.json";
    std::ofstream{file} << R"({"cdiVersion": "0.5.0", "kind": "vcity.test/gpu", "devices": [{"name": "0",)"
                           R"("containerEdits": {"deviceNodes": [{"path": "/dev/fuse"}]}}]})";
    SandboxSpec spec = shell("busybox test -c /dev/fuse && echo there; busybox sleep 0.5");
    spec.gpus = {"vcity.test/gpu=0"};
    if (is_libpod()) {
        EXPECT_EQ(output_of(spec), "there\n");
    } else {
        // podman's answer for Docker does not know CDI: it is noticed that the device is missing.
        EXPECT_NE(refusal_of(spec).code, Errc::kInternal);
    }
    spec.gpus = {"vcity.test/gpu=7"};
    EXPECT_NE(refusal_of(spec).code, Errc::kInternal);
    fs::remove(file);
}

#ifdef VCITY_TEST_DOCKER
TEST_P(OciSandboxTest, FetchesAnImageByItsDigestFromARegistryThatItsOwnerAllows) {
    engine->command("image rm --force " + engine->image());
    EXPECT_NE(refusal_of(shell("true")).message.find("does not fetch from that registry"), std::string::npos);
    harness.options.registries = {engine->registry()};
    harness.restart();
    EXPECT_EQ(output_of(shell("echo here")), "here\n");
    SandboxSpec other = shell("true");
    other.image = engine->registry() + "vcity-none@sha256:" + std::string(64, 'a');
    EXPECT_NE(refusal_of(other).message.find("vcity-none"), std::string::npos) << refusal_of(other).message;
}
#else
INSTANTIATE_TEST_SUITE_P(Libpod, OciSandboxTest, testing::Values(EngineDialect::kLibpod));
#endif
INSTANTIATE_TEST_SUITE_P(Docker, OciSandboxTest, testing::Values(EngineDialect::kDocker));

#ifndef VCITY_TEST_DOCKER
std::unique_ptr<ports::testing::SandboxHarness> libpod() {
    return std::make_unique<OciHarness>(EngineDialect::kLibpod);
}
#endif
std::unique_ptr<ports::testing::SandboxHarness> docker() {
    return std::make_unique<OciHarness>(EngineDialect::kDocker);
}

}  // namespace
}  // namespace vcity::adapters

namespace vcity::ports::testing {

#ifndef VCITY_TEST_DOCKER
INSTANTIATE_TEST_SUITE_P(Libpod, SandboxContract, ::testing::Values(SandboxHarnessFactory{adapters::libpod}));
#endif
INSTANTIATE_TEST_SUITE_P(Docker, SandboxContract, ::testing::Values(SandboxHarnessFactory{adapters::docker}));

}  // namespace vcity::ports::testing
