// SPDX-License-Identifier: Apache-2.0
// How long a node takes from a lease to the first output of its command, beside how long the sandbox alone takes for
// that command. Real sandboxes, a real store that is flushed at every commit. Prints one line of JSON: microseconds.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <vector>

#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/sandbox_bwrap/sandbox.hpp"
#include "adapters/store_sqlite/store.hpp"
#include "base/check.hpp"
#include "ports/testing/harness.hpp"
#include "services/node/steps/step_runner.hpp"
#include "sim/fakes/signer.hpp"

namespace vcity::bench {
namespace {

using namespace std::chrono_literals;

constexpr int kRounds = 60;
constexpr int kWarmUp = 5;
const std::vector<std::string> kCommand{"/bin/echo", "hello"};

class NodeBench : public ports::testing::OnRuntime<ports::testing::TaskRunner, adapters::AsioRuntime> {
  public:
    explicit NodeBench(const std::string& folder)
        : store_{adapters::SqliteStore::open({.path = folder + "/node.db"}).value()} {
        UnitOffer offer;
        offer.cpu_milli = 8'000;
        offer.memory_mib = 4'096;
        offer.disk_mib = 1'024;
        node::StepRunner::Parts parts;
        parts.runtime = &runtime();
        parts.store = store_.get();
        parts.signer = &signer_;
        parts.sandbox = &sandbox_;
        parts.group = &group_;
        parts.metrics = &metrics_;
        parts.deployment = &deployment_;
        parts.post = [this](Message message) { return take(std::move(message)); };
        parts.changed = [this] { changed_.notify(); };
        runner_ = std::make_unique<node::StepRunner>(std::move(parts), std::vector{offer});
        runner_->on_connected(scheduler_.address());
    }
    ~NodeBench() override {
        runner_->stop();
        (void)ports::testing::await(*this, group_.join(runtime().now() + 20s));
    }

    // From the sandbox's start to its first output, without an agent.
    Duration of_sandbox() {
        ports::SandboxSpec spec;
        spec.command = {"/bin/sh", "-c", "exec \"$@\" < /dev/null 2>&1", "sh"};
        spec.command.insert(spec.command.end(), kCommand.begin(), kCommand.end());
        spec.memory_bytes_max = 64U << 20U;
        spec.work_bytes_max = 64U << 20U;
        const TimePoint begin = runtime().now();
        const auto process = ports::testing::await(*this, sandbox_.start(std::move(spec))).value();
        const auto bytes = ports::testing::await(*this, process->read(4'096, begin + 20s));
        CHECK(bytes.has_value());
        const Duration taken = runtime().now() - begin;
        (void)ports::testing::await(*this, process->wait(begin + 20s));
        return taken;
    }

    // From the lease to the moment when the output is handed to the link.
    Duration of_node() {
        StepGrant grant;
        ++steps_;
        for (std::size_t index = 0; index < sizeof(steps_); ++index) {
            grant.lease.job_id.bytes[index] = static_cast<std::uint8_t>(steps_ >> (8 * index));
        }
        grant.lease.fencing_token = steps_;
        grant.lease.node = signer_.address();
        grant.lease.expires_at = runtime().unix_now() + 1h;
        grant.work.command = kCommand;
        grant.work.ask.memory_mib = 64;
        grant.work.ask.disk_mib = 64;
        grant.work.seconds_max = 20;
        grant.hourly = Usd{3'600'000};
        grant.quote = Usd{20'000};
        first_output_.reset();
        is_over_ = false;
        const TimePoint begin = runtime().now();
        runner_->on_grant(std::move(grant));
        run(pump_until_over());
        CHECK(first_output_.has_value());
        return *first_output_ - begin;
    }

  private:
    Task<void> pump_until_over() {
        const TimePoint deadline = runtime().now() + 30s;
        while (!is_over_ && runtime().now() < deadline) {
            runner_->pump();
            if (is_over_) break;
            co_await changed_.wait_until(std::min(deadline, runtime().now() + 50ms));
        }
    }
    bool take(Message message) {
        if (std::holds_alternative<StepOutput>(message) && !first_output_) first_output_ = runtime().now();
        const bool ends = std::holds_alternative<StepFinished>(message) ||
                          std::holds_alternative<NodeFailedJob>(message) ||
                          std::holds_alternative<LeaseRefused>(message);
        is_over_ = is_over_ || ends;
        return true;
    }

    std::unique_ptr<adapters::SqliteStore> store_;
    sim::FakeSigner signer_{1};
    sim::FakeSigner scheduler_{2};
    adapters::BwrapSandbox sandbox_{&runtime(), Log{nullptr, ""}};
    node::NodeMetrics metrics_{&null_metrics()};
    Deployment deployment_;
    TaskGroup group_{&runtime()};
    Notifier changed_{&runtime()};
    std::unique_ptr<node::StepRunner> runner_;
    std::uint64_t steps_ = 0;
    std::optional<TimePoint> first_output_;
    bool is_over_ = false;
};

std::int64_t micros_at(std::vector<Duration> all, std::size_t percent) {
    std::ranges::sort(all);
    const std::size_t index = std::min(all.size() - 1, all.size() * percent / 100);
    return std::chrono::duration_cast<std::chrono::microseconds>(all[index]).count();
}

int measure() {
    std::string folder = (std::filesystem::temp_directory_path() / "vcity-node-bench-XXXXXX").string();
    CHECK(::mkdtemp(folder.data()) != nullptr);
    std::vector<Duration> of_sandbox;
    std::vector<Duration> of_node;
    {
        NodeBench bench{folder};
        // In turn, so that whatever else the machine does meets both.
        for (int round = 0; round < kWarmUp + kRounds; ++round) {
            const Duration sandbox = bench.of_sandbox();
            const Duration node = bench.of_node();
            if (round < kWarmUp) continue;
            of_sandbox.push_back(sandbox);
            of_node.push_back(node);
        }
    }
    std::filesystem::remove_all(folder);
    std::printf("{\"sandbox_us\": %lld, \"sandbox_p95_us\": %lld, \"node_us\": %lld, \"node_p95_us\": %lld}\n",
                static_cast<long long>(micros_at(of_sandbox, 50)), static_cast<long long>(micros_at(of_sandbox, 95)),
                static_cast<long long>(micros_at(of_node, 50)), static_cast<long long>(micros_at(of_node, 95)));
    return 0;
}

}  // namespace
}  // namespace vcity::bench

int main() {
    return vcity::bench::measure();
}
