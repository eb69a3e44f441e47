// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/sandbox.hpp"

#include <gtest/gtest.h>

#include "ports/testing/harness.hpp"

namespace vcity::sim {
namespace {

using namespace std::chrono_literals;

class FakeSandboxTest : public testing::Test, public ports::testing::TaskRunner {
  protected:
    Runtime& runtime() override { return world; }
    void run(Task<void> task) override {
        world.spawn(std::move(task));
        world.run(100'000);
    }
    static ports::SandboxSpec program(std::vector<std::string> arguments) {
        ports::SandboxSpec spec;
        spec.command = {"/bin/sh", "-c", "exec \"$@\"", "sh", "/fake"};
        spec.command.insert(spec.command.end(), arguments.begin(), arguments.end());
        return spec;
    }
    std::unique_ptr<ports::SandboxProcess> start(FakeSandbox* where, std::vector<std::string> arguments) {
        return await(*this, where->start(program(std::move(arguments)))).value();
    }
    std::string read_all(ports::SandboxProcess* process) {
        std::string all;
        for (;;) {
            const Result<Bytes> bytes = await(*this, process->read(1'000'000, TimePoint::max()));
            if (!bytes) return all;
            all += as_text(*bytes);
        }
    }
    int status_of(FakeSandbox* where, std::vector<std::string> arguments) {
        const auto process = start(where, std::move(arguments));
        read_all(process.get());
        return await(*this, process->wait(TimePoint::max())).value();
    }

    SimRuntime world{1};
    FakeSandbox sandbox{&world, &world};
};

TEST_F(FakeSandboxTest, WritesPieceByPieceForAsLongAsItIsTold) {
    const TimePoint before = world.now();
    const auto process = start(&sandbox, {"--print=abcd", "--pieces=2", "--milliseconds=100"});

    EXPECT_EQ(as_text(await(*this, process->read(64, TimePoint::max())).value()), "ab");
    EXPECT_EQ(world.now() - before, 60ms) << "10 of them to start";
    EXPECT_EQ(as_text(await(*this, process->read(64, TimePoint::max())).value()), "cd");
    EXPECT_EQ(world.now() - before, 110ms);
    EXPECT_EQ(await(*this, process->wait(world.now())).value(), 0);
    EXPECT_EQ(sandbox.running(), 0U);
}

TEST_F(FakeSandboxTest, ReadsItsEnvironment) {
    ports::SandboxSpec spec = program({"--variable=B"});
    spec.environment = {"A=1", "B=2"};
    EXPECT_EQ(fake_program_of(spec).output, "2");
}

TEST_F(FakeSandboxTest, EndsWithAStatusWhenItsArgumentsMakeNoSense) {
    for (const char* argument : {"--exit=256", "--exit=", "--exit=-1", "--pieces=0", "--flood=99999999", "--flood=1x",
                                 "--milliseconds=86400001"}) {
        EXPECT_EQ(status_of(&sandbox, {"--print=x", argument}), 2) << argument;
    }
    EXPECT_EQ(status_of(&sandbox, {"--show=missing"}), 1);
    EXPECT_EQ(status_of(&sandbox, {"anything", "--else"}), 0);
}

TEST_F(FakeSandboxTest, IsHeldBackByOutputThatNobodyReads) {
    const auto process = start(&sandbox, {"--flood=100000"});

    const Result<int> early = await(*this, process->wait(world.now() + 1s));
    ASSERT_FALSE(early.has_value());
    EXPECT_EQ(read_all(process.get()).size(), 100'000U);
    EXPECT_EQ(await(*this, process->wait(world.now())).value(), 0);
}

TEST_F(FakeSandboxTest, DiesAndFailsToStartWhenItIsToldTo) {
    FakeSandbox deadly{&world, &world, {.deaths_per_mille = 1000}};
    EXPECT_EQ(status_of(&deadly, {"--print=abcd", "--pieces=4", "--milliseconds=100"}), 137);
    FakeSandbox fragile{&world, &world, {.losses_per_mille = 1000}};
    const auto lost = start(&fragile, {"--print=abcd", "--pieces=4", "--milliseconds=100"});
    const Result<int> end = await(*this, lost->wait(world.now() + 1s));
    ASSERT_FALSE(end.has_value());
    EXPECT_EQ(end.error().code, Errc::kUnavailable);
    FakeSandbox broken{&world, &world, {.start_failures_per_mille = 1000}};
    const auto started = await(*this, broken.start(program({})));
    ASSERT_FALSE(started.has_value());
    EXPECT_EQ(started.error().code, Errc::kUnavailable);
}

TEST_F(FakeSandboxTest, CountsWhatRuns) {
    auto first = start(&sandbox, {"--endless"});
    const auto second = start(&sandbox, {"--endless"});
    EXPECT_EQ(sandbox.running(), 2U);

    first.reset();
    second->kill();

    EXPECT_EQ(sandbox.running(), 0U);
    EXPECT_EQ(sandbox.starts(), 2U);
}

}  // namespace
}  // namespace vcity::sim
