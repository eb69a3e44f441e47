// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <filesystem>
#include <map>

#include <gtest/gtest.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/sandbox_bwrap/sandbox.hpp"
#include "adapters/store_sqlite/store.hpp"
#include "base/check.hpp"
#include "market/typed_hashes.hpp"
#include "ports/testing/harness.hpp"
#include "services/node/steps/step_runner.hpp"
#include "sim/fakes/signer.hpp"

namespace vcity::integration {
namespace {

using namespace std::chrono_literals;

// What became of one step, seen from the link.
struct Outcome {
    std::string output;
    std::optional<StepFinished> finished;
    std::optional<NodeFailedJob> failed;
    std::optional<LeaseRefused> refused;

    bool has_ended() const { return finished || failed || refused; }
};

// A StepRunner with real processes in real sandboxes, on a real disk.
class StepInSandbox : public ::testing::Test,
                      public ports::testing::OnRuntime<ports::testing::TaskRunner, adapters::AsioRuntime> {
  protected:
    StepInSandbox() {
        std::string name = (std::filesystem::temp_directory_path() / "vcity-step-XXXXXX").string();
        CHECK(::mkdtemp(name.data()) != nullptr);
        folder = name;
        store = adapters::SqliteStore::open({.path = (folder / "node.db").string()}).value();
        UnitOffer offer;
        offer.cpu_milli = 8000;
        offer.memory_mib = 4096;
        offer.disk_mib = 1024;
        node::StepRunner::Parts parts;
        parts.runtime = &runtime();
        parts.store = store.get();
        parts.signer = &signer;
        parts.sandbox = &sandbox;
        parts.group = &group;
        parts.metrics = &metrics;
        parts.deployment = &deployment;
        parts.post = [this](Message message) { return take(std::move(message)); };
        parts.changed = [this] { changed.notify(); };
        runner = std::make_unique<node::StepRunner>(std::move(parts), std::vector{offer});
        runner->on_connected(scheduler.address());
    }
    ~StepInSandbox() override {
        runner->stop();
        EXPECT_TRUE(ports::testing::await(*this, group.join(runtime().now() + 20s)).has_value());
        store.reset();
        std::filesystem::remove_all(folder);
    }

    StepGrant grant_of(std::vector<std::string> command) {
        StepGrant grant;
        grant.lease.job_id.bytes.fill(++steps);
        grant.lease.fencing_token = steps;
        grant.lease.node = signer.address();
        grant.lease.expires_at = runtime().unix_now() + 1h;
        grant.work.command = std::move(command);
        grant.work.ask.memory_mib = 256;
        grant.work.seconds_max = 20;
        grant.hourly = Usd{3'600'000};
        grant.quote = Usd{20'000};
        return grant;
    }
    StepGrant shell(std::string script) { return grant_of({"/bin/sh", "-c", std::move(script)}); }

    Task<void> pump_until_ended(JobId attempt) {
        const TimePoint deadline = runtime().now() + 30s;
        while (!outcomes[attempt].has_ended() && runtime().now() < deadline) {
            runner->pump();
            if (outcomes[attempt].has_ended()) break;
            co_await changed.wait_until(std::min(deadline, runtime().now() + 50ms));
        }
    }
    Outcome end_of(const StepGrant& grant) {
        run(pump_until_ended(grant.lease.job_id));
        return outcomes[grant.lease.job_id];
    }
    Outcome outcome_of(const StepGrant& grant) {
        runner->on_grant(grant);
        return end_of(grant);
    }
    void expect_result(const StepGrant& grant, std::string_view output, int exit_code) {
        const Outcome outcome = outcome_of(grant);
        ASSERT_TRUE(outcome.finished.has_value()) << (outcome.failed ? outcome.failed->reason : "");
        EXPECT_EQ(outcome.output, output);
        EXPECT_EQ(outcome.finished->exit_code, exit_code);
        EXPECT_EQ(outcome.finished->output_bytes, outcome.output.size());
        EXPECT_EQ(outcome.finished->finished.response_hash, market::response_hash(output));
    }

    std::filesystem::path folder;
    std::unique_ptr<adapters::SqliteStore> store;
    sim::FakeSigner signer{1};
    sim::FakeSigner scheduler{2};
    adapters::BwrapSandbox sandbox{&runtime(), Log{nullptr, ""}};
    node::NodeMetrics metrics{&null_metrics()};
    Deployment deployment;
    TaskGroup group{&runtime()};
    Notifier changed{&runtime()};
    std::map<JobId, Outcome> outcomes;
    std::unique_ptr<node::StepRunner> runner;
    std::uint8_t steps = 0;

  private:
    bool take(Message message) {
        if (auto* output = std::get_if<StepOutput>(&message)) {
            outcomes[output->step_id].output += as_text(output->bytes);
        } else if (auto* finished = std::get_if<StepFinished>(&message)) {
            outcomes[finished->finished.job_id].finished = *finished;
        } else if (auto* failed = std::get_if<NodeFailedJob>(&message)) {
            outcomes[failed->job_id].failed = *failed;
        } else if (auto* refused = std::get_if<LeaseRefused>(&message)) {
            outcomes[refused->job_id].refused = *refused;
        }
        return true;
    }
};

TEST_F(StepInSandbox, RunsAShell) {
    expect_result(shell("echo hello; echo complaint >&2; exit 3"), "hello\ncomplaint\n", 3);
}

TEST_F(StepInSandbox, ChargesForItsSeconds) {
    const Outcome outcome = outcome_of(shell("sleep 1"));
    ASSERT_TRUE(outcome.finished.has_value());
    // A micro-dollar for each millisecond.
    const JobFinished& finished = outcome.finished->finished;
    const auto milliseconds = static_cast<std::uint64_t>((finished.finished_at - finished.started_at).count());
    EXPECT_GE(milliseconds, 1'000U);
    EXPECT_EQ(finished.amount, Usd{milliseconds});
}

TEST_F(StepInSandbox, ReportsAMissingProgram) {
    const Outcome outcome = outcome_of(grant_of({"/usr/bin/no-such-program"}));
    ASSERT_TRUE(outcome.finished.has_value());
    EXPECT_EQ(outcome.finished->exit_code, 127);
    EXPECT_NE(outcome.output.find("no-such-program"), std::string::npos) << outcome.output;
}

TEST_F(StepInSandbox, StartsAmongItsFilesWithItsEnvironment) {
    StepGrant grant = shell("cat a.txt; echo $VCITY_INDEX of $VCITY_COUNT; echo kept >b.txt && cat b.txt");
    grant.work.inputs.push_back({.name = "a.txt", .content = Bytes{'i', 'n', '\n'}});
    grant.work.environment = {"VCITY_INDEX=2", "VCITY_COUNT=5"};
    expect_result(grant, "in\n2 of 5\nkept\n", 0);
}

TEST_F(StepInSandbox, PassesArgumentsAsTheyAre) {
    expect_result(grant_of({"/usr/bin/printf", "[%s]", "a b", "$HOME", "-n", "'\"", "*"}), "[a b][$HOME][-n]['\"][*]",
                  0);
}

TEST_F(StepInSandbox, HasNothingToRead) {
    expect_result(grant_of({"/usr/bin/cat"}), "", 0);
}

TEST_F(StepInSandbox, CarriesBytesThatAreNoText) {
    expect_result(shell("printf '\\377\\000\\001'"), std::string_view{"\xff\0\x01", 3}, 0);
}

TEST_F(StepInSandbox, CannotWriteMoreThanItAskedFor) {
    StepGrant grant = shell("head -c 9000000 /dev/zero >x 2>/dev/null; stat -c %s x");
    grant.work.ask.disk_mib = 4;
    expect_result(grant, "4194304\n", 0);
}

TEST_F(StepInSandbox, CannotTakeMoreMemoryThanItAskedFor) {
    const std::vector<std::string> python = {"/usr/bin/python3", "-c", "bytearray(150 << 20); print('taken')"};
    StepGrant enough = grant_of(python);
    expect_result(enough, "taken\n", 0);
    StepGrant little = grant_of(python);
    little.work.ask.memory_mib = 100;
    const Outcome outcome = outcome_of(little);
    ASSERT_TRUE(outcome.finished.has_value());
    EXPECT_NE(outcome.finished->exit_code, 0);
    EXPECT_EQ(outcome.output.find("taken"), std::string::npos);
}

TEST_F(StepInSandbox, HasNoNetwork) {
    const Outcome outcome = outcome_of(
        grant_of({"/usr/bin/python3", "-c", "import socket; socket.create_connection(('192.0.2.1', 80), 1)"}));
    ASSERT_TRUE(outcome.finished.has_value());
    EXPECT_NE(outcome.finished->exit_code, 0);
    EXPECT_NE(outcome.output.find("Network is unreachable"), std::string::npos) << outcome.output;
}

TEST_F(StepInSandbox, IsEndedWhenItRunsTooLong) {
    StepGrant grant = shell("echo begun; sleep 1000 & sleep 1000");
    grant.work.seconds_max = 1;
    const Outcome outcome = outcome_of(grant);
    ASSERT_TRUE(outcome.finished.has_value());
    EXPECT_EQ(outcome.finished->exit_code, kTimeLimitExit);
    EXPECT_EQ(outcome.output, "begun\n");
}

TEST_F(StepInSandbox, IsEndedWhenItClosesItsOutputAndRunsTooLong) {
    StepGrant grant = shell("exec >/dev/null 2>&1; sleep 1000");
    grant.work.seconds_max = 1;
    const Outcome outcome = outcome_of(grant);
    ASSERT_TRUE(outcome.finished.has_value());
    EXPECT_EQ(outcome.finished->exit_code, kTimeLimitExit);
}

TEST_F(StepInSandbox, IsEndedWhenItWritesTooMuch) {
    const Outcome outcome = outcome_of(grant_of({"/usr/bin/yes"}));
    ASSERT_TRUE(outcome.finished.has_value());
    EXPECT_EQ(outcome.finished->exit_code, kOutputLimitExit);
    EXPECT_EQ(outcome.output.size(), 1U << 20U);
}

TEST_F(StepInSandbox, SeesNothingOfItsNeighbours) {
    const StepGrant holder = shell("echo secret >neighbours-file; sleep 1000");
    runner->on_grant(holder);
    // The neighbour waits until the other has surely begun: it sees its own processes only, so it just takes its time.
    const StepGrant seeker =
        shell("sleep 0.5; ls -A; find / -name neighbours-file 2>/dev/null; ls -d /proc/[0-9]* | wc -l");
    const Outcome outcome = outcome_of(seeker);
    ASSERT_TRUE(outcome.finished.has_value());
    ASSERT_FALSE(outcome.output.empty());
    EXPECT_LE(std::stoi(outcome.output), 6) << outcome.output;
    EXPECT_EQ(runner->running(), 1U);

    runner->on_cancel({.job_id = holder.lease.job_id, .fencing_token = holder.lease.fencing_token});
    EXPECT_EQ(end_of(holder).finished.value().exit_code, kCancelledExit);
}

TEST_F(StepInSandbox, RunsManySideBySide) {
    std::vector<StepGrant> grants;
    for (int number = 0; number < 8; ++number) {
        grants.push_back(shell("sleep 0.1; echo $VCITY_INDEX"));
        grants.back().work.environment = {"VCITY_INDEX=" + std::to_string(number)};
        runner->on_grant(grants.back());
    }
    const StepGrant ninth = shell("true");
    EXPECT_TRUE(outcome_of(ninth).refused.has_value());
    for (std::size_t number = 0; number < grants.size(); ++number) {
        const Outcome outcome = end_of(grants[number]);
        ASSERT_TRUE(outcome.finished.has_value());
        EXPECT_EQ(outcome.output, std::to_string(number) + "\n");
    }
}

}  // namespace
}  // namespace vcity::integration
