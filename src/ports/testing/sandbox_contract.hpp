// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "ports/sandbox.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::ports::testing {

// Programs that a harness must be able to run.
enum class SandboxProgram : unsigned char {
    kEcho,    // gives back what it gets, at once and for ever
    kExit7,   // ends with status 7, without output
    kSilent,  // neither reads, writes nor ends
    kFlood,   // writes 1 MiB of 'x', then ends with status 0
    kShow,    // writes the file "input" of its working directory, then ends with status 0
};

class SandboxHarness : public TaskRunner {
  public:
    virtual Sandbox& sandbox() = 0;
    virtual SandboxSpec spec_of(SandboxProgram program) = 0;
};

using SandboxHarnessFactory = std::function<std::unique_ptr<SandboxHarness>()>;

// What every Sandbox must do. Include it in one file of a test program and instantiate it with a factory.
class SandboxContract : public ::testing::TestWithParam<SandboxHarnessFactory> {
  protected:
    std::unique_ptr<SandboxProcess> start(SandboxProgram program) {
        auto started = await(*harness, harness->sandbox().start(harness->spec_of(program)));
        EXPECT_TRUE(started.has_value()) << started.error().message;
        return started ? *std::move(started) : nullptr;
    }
    TimePoint after(Duration delay) { return harness->runtime().now() + delay; }
    template <class T>
    T run(Task<T> task) {
        return await(*harness, std::move(task));
    }
    std::string read_all(SandboxProcess* process) {
        std::string all;
        for (;;) {
            const Result<Bytes> bytes = run(process->read(4'096, after(std::chrono::seconds{20})));
            if (!bytes) {
                EXPECT_EQ(bytes.error().code, Errc::kUnavailable) << bytes.error().message;
                return all;
            }
            EXPECT_FALSE(bytes->empty());
            EXPECT_LE(bytes->size(), 4'096U);
            all += as_text(*bytes);
        }
    }
    Errc refusal_of(SandboxSpec spec) {
        const auto started = run(harness->sandbox().start(std::move(spec)));
        EXPECT_FALSE(started.has_value());
        return started ? Errc::kInternal : started.error().code;
    }
    void expect_end(SandboxProcess* process, int status) {
        const Result<int> ended = run(process->wait(after(std::chrono::seconds{20})));
        ASSERT_TRUE(ended.has_value()) << ended.error().message;
        EXPECT_EQ(*ended, status);
    }

    std::unique_ptr<SandboxHarness> harness = GetParam()();
};

TEST_P(SandboxContract, CarriesBytesBothWays) {
    const auto process = start(SandboxProgram::kEcho);
    ASSERT_NE(process, nullptr);

    ASSERT_TRUE(run(process->write(Bytes{'h', 'i', '\n'})).has_value());
    std::string heard;
    while (heard.size() < 3) {
        const Result<Bytes> bytes = run(process->read(64, after(std::chrono::seconds{20})));
        ASSERT_TRUE(bytes.has_value()) << bytes.error().message;
        heard += as_text(*bytes);
    }
    EXPECT_EQ(heard, "hi\n");
}

TEST_P(SandboxContract, ReportsTheExitStatus) {
    const auto process = start(SandboxProgram::kExit7);
    ASSERT_NE(process, nullptr);

    expect_end(process.get(), 7);
    expect_end(process.get(), 7);
    EXPECT_EQ(read_all(process.get()), "");
}

TEST_P(SandboxContract, LosesNoOutputOfAProgramThatEnded) {
    const auto process = start(SandboxProgram::kFlood);
    ASSERT_NE(process, nullptr);

    EXPECT_TRUE(read_all(process.get()) == std::string(1U << 20U, 'x'));
    expect_end(process.get(), 0);
}

TEST_P(SandboxContract, WaitsNoLongerThanTheDeadline) {
    const auto process = start(SandboxProgram::kSilent);
    ASSERT_NE(process, nullptr);

    const Result<Bytes> bytes = run(process->read(64, after(std::chrono::milliseconds{2})));
    ASSERT_FALSE(bytes.has_value());
    EXPECT_EQ(bytes.error().code, Errc::kTimeout);
    const Result<int> ended = run(process->wait(after(std::chrono::milliseconds{2})));
    ASSERT_FALSE(ended.has_value());
    EXPECT_EQ(ended.error().code, Errc::kTimeout);
}

TEST_P(SandboxContract, KillsAtOnceAndMoreThanOnce) {
    const auto process = start(SandboxProgram::kSilent);
    ASSERT_NE(process, nullptr);

    process->kill();
    process->kill();
    expect_end(process.get(), 128 + 9);
    process->kill();
    EXPECT_EQ(read_all(process.get()), "");
    const Result<void> written = run(process->write(Bytes(10)));
    ASSERT_FALSE(written.has_value());
    EXPECT_EQ(written.error().code, Errc::kUnavailable);
}

TEST_P(SandboxContract, RefusesAnEmptyCommand) {
    EXPECT_EQ(refusal_of(SandboxSpec{}), Errc::kInvalid);
}

TEST_P(SandboxContract, AdoptsNothingThatIsNotThere) {
    const auto adopted = run(harness->sandbox().adopt("nobody-started-this"));
    ASSERT_FALSE(adopted.has_value());
    EXPECT_EQ(adopted.error().code, Errc::kNotFound);
}

TEST_P(SandboxContract, StopsAProgram) {
    const auto process = start(SandboxProgram::kEcho);
    ASSERT_NE(process, nullptr);

    process->stop();
    process->stop();
    const Result<int> ended = run(process->wait(after(std::chrono::seconds{20})));
    ASSERT_TRUE(ended.has_value()) << ended.error().message;
    EXPECT_NE(*ended, 0);
}

TEST_P(SandboxContract, StartsTheProgramAmongItsFiles) {
    SandboxSpec spec = harness->spec_of(SandboxProgram::kShow);
    const std::string content = "one\ntwo" + std::string(200'000, 'z');
    spec.work_bytes_max = 1U << 20U;
    spec.files.push_back({.name = "other", .content = Bytes{'n', 'o'}});
    spec.files.push_back({.name = "input", .content = Bytes{content.begin(), content.end()}});
    auto started = run(harness->sandbox().start(std::move(spec)));
    ASSERT_TRUE(started.has_value()) << started.error().message;

    EXPECT_TRUE(read_all(started->get()) == content);
    expect_end(started->get(), 0);
}

TEST_P(SandboxContract, RefusesFilesThatDoNotFit) {
    SandboxSpec spec = harness->spec_of(SandboxProgram::kShow);
    spec.files.push_back({.name = "input", .content = Bytes(4'097)});
    EXPECT_EQ(refusal_of(spec), Errc::kInvalid) << "there is no /work";
    spec.work_bytes_max = 4'096;
    EXPECT_EQ(refusal_of(spec), Errc::kInvalid) << "it is too small";
}

TEST_P(SandboxContract, RefusesNamesOfFilesThatLeaveTheWorkingDirectory) {
    for (const char* name : {"", ".", "..", "/etc/passwd", "../x", "a/b"}) {
        SandboxSpec spec = harness->spec_of(SandboxProgram::kShow);
        spec.work_bytes_max = 4'096;
        spec.files.push_back({.name = name, .content = Bytes{'x'}});
        EXPECT_EQ(refusal_of(std::move(spec)), Errc::kInvalid) << name;
    }
}

}  // namespace vcity::ports::testing
