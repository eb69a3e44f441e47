// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/sandbox_bwrap/sandbox.hpp"
#include "ports/testing/harness.hpp"

// The ways into a running bubblewrap sandbox: a port, a program beside the first, a terminal. Real processes.
namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;
using ports::ByteStream;
using ports::SandboxCommand;
using ports::SandboxProcess;
using ports::SandboxSession;
using ports::SandboxSpec;

class SilentSink final : public LogSink {
  public:
    void write(LogLevel, std::string_view, std::string_view, const LogFields&) override {}
};

class Runner : public ports::testing::TaskRunner {};

class SandboxReach : public ::testing::Test {
  protected:
    SandboxReach() { options.init_path = VCITY_INIT; }

    template <class T>
    T run(Task<T> task) {
        return ports::testing::await(runner, std::move(task));
    }
    TimePoint soon() { return runner.runtime().now() + 10s; }

    std::unique_ptr<SandboxProcess> start(const std::string& script) {
        SandboxSpec spec;
        spec.command = {"/bin/sh", "-c", script};
        spec.work_bytes_max = 1U << 20U;
        spec.is_reachable = true;
        BwrapSandbox sandbox{&runner.runtime(), Log{&sink, "sandbox"}, options};
        auto started = run(sandbox.start(spec));
        EXPECT_TRUE(started) << started.error().message;
        return started ? *std::move(started) : nullptr;
    }
    std::unique_ptr<SandboxSession> exec(SandboxProcess* process,
                                         const std::string& script,
                                         std::optional<ports::TerminalSize> terminal = {}) {
        SandboxCommand command;
        command.command = {"/bin/sh", "-c", script};
        command.environment = {"GREETING=hello there"};
        command.terminal = terminal;
        auto session = run(process->exec(std::move(command), soon()));
        EXPECT_TRUE(session) << session.error().message;
        return session ? *std::move(session) : nullptr;
    }
    std::string read_until(ByteStream* stream, std::string_view end) {
        std::string all;
        while (all.find(end) == std::string::npos) {
            const Result<Bytes> bytes = run(stream->read(4096));
            if (!bytes || bytes->empty()) break;
            all += as_text(*bytes);
        }
        return all;
    }
    std::string read_all(ByteStream* stream) { return read_until(stream, "\x01\x02 never"); }
    void write(ByteStream* stream, std::string_view text) {
        EXPECT_TRUE(run(stream->write(Bytes{text.begin(), text.end()})));
    }

    ports::testing::OnRuntime<Runner, AsioRuntime> runner;
    SilentSink sink;
    BwrapSandboxOptions options;
};

TEST_F(SandboxReach, AProgramBesideTheFirstHasItsInputOutputAndStatus) {
    const auto process = start("exec sleep 1000");
    const auto session = exec(process.get(), "echo \"$GREETING\"; cat; exit 7");
    write(session.get(), "some text\n");
    session->finish();
    EXPECT_EQ(read_all(session.get()), "hello there\nsome text\n");
    EXPECT_EQ(run(session->wait(soon())).value(), 7);
}

TEST_F(SandboxReach, ItLivesUnderTheLimitsOfTheFirst) {
    const auto process = start("exec sleep 1000");
    const std::string wanted = "grep -E '^(NoNewPrivs|Seccomp|CapEff|CapPrm|CapBnd):' /proc/self/status";
    const std::string status = read_all(exec(process.get(), wanted).get());
    EXPECT_NE(status.find("NoNewPrivs:\t1"), std::string::npos) << status;
    EXPECT_NE(status.find("Seccomp:\t2"), std::string::npos) << status;
    EXPECT_NE(status.find("CapEff:\t0000000000000000"), std::string::npos) << status;
    EXPECT_NE(read_all(exec(process.get(), "unshare -U true 2>&1; echo $?").get()).find("not permitted"),
              std::string::npos);
    const std::string limits = read_all(exec(process.get(), "grep processes /proc/self/limits").get());
    EXPECT_NE(limits.find(" 64 "), std::string::npos) << limits;
    EXPECT_EQ(read_all(exec(process.get(), "pwd").get()), "/job\n");
}

TEST_F(SandboxReach, NothingOfTheWayInLiesOpenInside) {
    const auto process = start("ls /proc/self/fd | tr '\\n' ' '; exec sleep 1000");
    const Result<Bytes> listed = run(process->read(4096, soon()));
    EXPECT_EQ(as_text(listed.value()), "0 1 2 3 ");  // 3 is ls's own
    const auto session = exec(process.get(), R"(
        for id in $(ls /proc | grep -E '^[0-9]+$'); do
            grep -q vcity-init /proc/$id/comm 2>/dev/null || continue
            echo found
            ls /proc/$id/fd >/dev/null 2>&1 && echo descriptors
            head -c 1 /proc/$id/mem >/dev/null 2>&1 && echo memory
            cat /proc/$id/environ >/dev/null 2>&1 && echo environment
        done
        echo looked)");
    EXPECT_EQ(read_all(session.get()), "found\nlooked\n");
}

TEST_F(SandboxReach, ATerminalHasASizeAndFollowsIt) {
    const auto process = start("exec sleep 1000");
    const auto session = exec(process.get(), "test -t 0 && stty size; read line; stty size; echo end $line",
                              ports::TerminalSize{.columns = 101, .rows = 33});
    EXPECT_NE(read_until(session.get(), "33 101").find("33 101"), std::string::npos);
    session->resize({.columns = 50, .rows = 20});
    write(session.get(), "now\n");
    const std::string rest = read_all(session.get());
    EXPECT_NE(rest.find("20 50"), std::string::npos) << rest;
    EXPECT_NE(rest.find("end now"), std::string::npos) << rest;
    EXPECT_EQ(run(session->wait(soon())).value(), 0);
}

TEST_F(SandboxReach, ControlCInterruptsWhatRunsOnTheTerminal) {
    const auto process = start("exec sleep 1000");
    const auto session =
        exec(process.get(), "trap 'echo interrupted; exit 3' INT; echo ready; while :; do sleep 0.05; done",
             ports::TerminalSize{});
    EXPECT_NE(read_until(session.get(), "ready").find("ready"), std::string::npos);
    write(session.get(), "\x03");
    EXPECT_NE(read_all(session.get()).find("interrupted"), std::string::npos);
    EXPECT_EQ(run(session->wait(soon())).value(), 3);
}

TEST_F(SandboxReach, ASessionThatIsDroppedEndsWithAllItStarted) {
    const auto process = start("exec sleep 1000");
    auto session = exec(process.get(), "sleep 777 & sleep 778");
    (void)exec(process.get(), "until pgrep -f 'sleep 778' >/dev/null; do sleep 0.02; done").get();
    session.reset();
    const auto check = exec(process.get(), "while pgrep -f '^sleep 77' >/dev/null; do sleep 0.02; done; echo gone");
    EXPECT_EQ(read_all(check.get()), "gone\n");
}

TEST_F(SandboxReach, ASessionThatIsDroppedAtOnceEndsTooHoweverFarItWas) {
    const auto process = start("exec sleep 1000");
    for (int turn = 0; turn < 50; ++turn) exec(process.get(), "exec sleep 779").reset();
    const auto check = exec(process.get(), "while pgrep -f '^sleep 779' >/dev/null; do sleep 0.02; done; echo gone");
    EXPECT_EQ(read_all(check.get()), "gone\n");
}

constexpr const char* kEchoServer = R"(exec python3 -c '
import socket
server = socket.create_server(("127.0.0.1", 8000)); print("listening", flush=True)
while True:
    peer, _ = server.accept()
    while True:
        data = peer.recv(65536)
        if not data: break
        peer.sendall(data.upper())
    peer.sendall(b"bye"); peer.close()
')";

TEST_F(SandboxReach, APortCanBeDialledAndHearsTheEnd) {
    const auto process = start(kEchoServer);
    EXPECT_EQ(as_text(run(process->read(4096, soon())).value()), "listening\n");
    auto dialled = run(process->dial(8000, soon()));
    ASSERT_TRUE(dialled) << dialled.error().message;
    write(dialled->get(), "hello");
    EXPECT_EQ(read_until(dialled->get(), "HELLO"), "HELLO");
    (*dialled)->finish();
    EXPECT_EQ(read_all(dialled->get()), "bye");
    const auto second = run(process->dial(8000, soon()));
    ASSERT_TRUE(second);
    process->kill();
    EXPECT_EQ(read_all(second->get()), "");
}

TEST_F(SandboxReach, AMegabyteGoesThroughBothWays) {
    const auto process = start("exec sleep 1000");
    const auto session = exec(process.get(), "exec cat");
    std::string sent;
    std::string got;
    for (int block = 0; block < 16; ++block) {
        sent.append(65'536, static_cast<char>('a' + block));
        write(session.get(), std::string(65'536, static_cast<char>('a' + block)));
        while (got.size() < sent.size()) {
            const Result<Bytes> bytes = run(session->read(100'000));
            ASSERT_TRUE(bytes && !bytes->empty());
            got += as_text(*bytes);
        }
    }
    EXPECT_EQ(got, sent);
}

TEST_F(SandboxReach, TellsWhyThereIsNoWayIn) {
    const auto process = start("exec sleep 1000");
    const auto closed = run(process->dial(1, soon()));
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().code, Errc::kUnavailable);
    EXPECT_NE(closed.error().message.find("refused"), std::string::npos) << closed.error().message;
    const auto missing = exec(process.get(), "exec /no/such/program");
    EXPECT_EQ(run(missing->wait(soon())).value(), 127);
    process->kill();
    EXPECT_TRUE(run(process->wait(soon())));
    const auto late = run(process->dial(1, soon()));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Errc::kUnavailable);
}

TEST_F(SandboxReach, ItsOwnCommandKeepsItsStatusAndCanBeAskedToEnd) {
    EXPECT_EQ(run(start("exit 5")->wait(soon())).value(), 5);
    EXPECT_EQ(run(start("kill -9 $$")->wait(soon())).value(), 137);
    const auto polite = start("trap 'exit 9' TERM; echo up; while :; do sleep 0.02; done");
    EXPECT_EQ(as_text(run(polite->read(100, soon())).value()), "up\n");
    polite->stop();
    EXPECT_EQ(run(polite->wait(soon())).value(), 9);
}

TEST_F(SandboxReach, IsRefusedWhereVcityInitIsMissing) {
    options.init_path.clear();
    SandboxSpec spec;
    spec.command = {"/bin/true"};
    spec.is_reachable = true;
    BwrapSandbox sandbox{&runner.runtime(), Log{&sink, "sandbox"}, options};
    const auto started = run(sandbox.start(spec));
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace vcity::adapters
