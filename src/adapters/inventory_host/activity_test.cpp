// SPDX-License-Identifier: Apache-2.0
#include "adapters/inventory_host/activity.hpp"

#include <filesystem>
#include <fstream>
#include <map>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// The clock of a test in front of a real runtime.
class SteppedRuntime final : public Runtime {
  public:
    explicit SteppedRuntime(AsioRuntime* real) : real_{real} {}
    TimePoint now() const override { return now_; }
    UnixMillis unix_now() const override { return UnixMillis{1'000'000'000'000}; }
    Task<void> sleep_until(TimePoint deadline) override { return real_->sleep_until(deadline); }
    std::unique_ptr<Timer> make_timer() override { return real_->make_timer(); }
    void random_bytes(std::span<std::uint8_t> out) override { real_->random_bytes(out); }
    void spawn(Task<void> task) override { real_->spawn(std::move(task)); }
    Task<void> compute(std::function<void()> work) override { return real_->compute(std::move(work)); }

    void pass(Duration duration) { now_ += duration; }

  private:
    AsioRuntime* real_;
    TimePoint now_{1h};
};

class GpuWithProcesses final : public ports::Inventory {
  public:
    Task<Result<ports::MachineInventory>> look() override {
        ports::Gpu gpu;
        gpu.load.processes = {{.pid = 12, .vram_bytes = 100U << 20U}, {.pid = 77, .vram_bytes = 300U << 20U}};
        ports::MachineInventory machine;
        machine.gpus = {gpu};
        co_return machine;
    }
};

class HostActivityTest : public testing::Test {
  protected:
    HostActivityTest() {
        std::string pattern = (fs::temp_directory_path() / "vcity-activity-XXXXXX").string();
        root = ::mkdtemp(pattern.data());
        fs::create_directories(root / "dev/input");
        process(1, 0, 5);
        process(10, 1, 100);  // the agent
        process(11, 10, 50);
        process(12, 11, 500);  // a job in its sandbox
        process(77, 1, 50);    // a game
        busy(1000);
    }
    ~HostActivityTest() override { fs::remove_all(root); }

    void put(const std::string& path, const std::string& text) const {
        fs::create_directories((root / path).parent_path());
        std::ofstream{root / path} << text;
    }
    void process(int pid, int parent, int ticks) const {
        put("proc/" + std::to_string(pid) + "/stat", std::to_string(pid) + " (a ) name) S " + std::to_string(parent) +
                                                         " 1 1 0 -1 4194560 1 1 1 1 " + std::to_string(ticks) +
                                                         " 0 0\n");
    }
    void busy(int ticks) const {
        put("proc/stat", "cpu  " + std::to_string(ticks) + " 0 0 99999 5 0 0 0 7 0\ncpu0 1\n");
    }
    void make() {
        HostActivityOptions options;
        options.root = root.string();
        options.self = 10;
        options.gpus = &gpus;
        activity = std::make_unique<HostActivity>(&runtime, options);
    }
    ports::ActivitySample sample() {
        ports::ActivitySample seen;
        real.run_to_completion(keep(activity.get(), &seen));
        return seen;
    }
    static Task<int> keep(HostActivity* activity, ports::ActivitySample* out) {
        Result<ports::ActivitySample> seen = co_await activity->sample();
        *out = seen.value();
        co_return 0;
    }

    fs::path root;
    AsioRuntime real;
    SteppedRuntime runtime{&real};
    GpuWithProcesses gpus;
    std::unique_ptr<HostActivity> activity;
};

TEST_F(HostActivityTest, CountsTheCoresOfProcessesThatAreNotOurs) {
    make();
    EXPECT_EQ(sample().others_cores, std::nullopt);
    runtime.pass(10s);
    process(12, 11, 500 + 1000);  // one core of ours for ten seconds
    busy(1000 + 1000 + 2500);     // and two and a half of others

    EXPECT_DOUBLE_EQ(sample().others_cores.value(), 2.5);
    runtime.pass(10s);
    fs::remove_all(root / "proc/12");  // its ticks are gone with it

    EXPECT_DOUBLE_EQ(sample().others_cores.value(), 0);
}

TEST_F(HostActivityTest, CountsTheGpuMemoryOfProcessesThatAreNotOurs) {
    make();

    EXPECT_DOUBLE_EQ(sample().others_gpu_mib.value(), 300);
}

TEST_F(HostActivityTest, WithoutTerminalsNobodyKnowsWhenItWasUsed) {
    make();

    EXPECT_EQ(sample().input_idle, std::nullopt);
    EXPECT_EQ(sample().on_battery, std::nullopt);
}

TEST_F(HostActivityTest, ATerminalTellsWhenItWasTypedOn) {
    put("dev/pts/3", "");
    put("dev/pts/ptmx", "");
    const timespec old[2] = {{.tv_sec = 999'999'940, .tv_nsec = 0}, {.tv_sec = 0, .tv_nsec = 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (root / "dev/pts/3").c_str(), old, 0), 0);
    make();

    EXPECT_EQ(sample().input_idle, Duration{60s});
}

TEST_F(HostActivityTest, AKeyboardTellsWhenItWasUsed) {
    ASSERT_EQ(::mkfifo((root / "dev/input/event0").c_str(), 0600), 0);
    make();
    const int keys = ::open((root / "dev/input/event0").c_str(), O_WRONLY | O_NONBLOCK);
    ASSERT_GE(keys, 0);
    EXPECT_EQ(sample().input_idle, std::nullopt);

    ASSERT_EQ(::write(keys, "key", 3), 3);
    EXPECT_EQ(sample().input_idle, Duration{0s});
    runtime.pass(30s);

    EXPECT_EQ(sample().input_idle, Duration{30s});
    ::close(keys);
}

TEST_F(HostActivityTest, AMachineWithoutMainsIsOnItsBattery) {
    put("sys/class/power_supply/AC/type", "Mains\n");
    put("sys/class/power_supply/AC/online", "0\n");
    put("sys/class/power_supply/BAT0/type", "Battery\n");
    make();
    EXPECT_EQ(sample().on_battery, true);

    put("sys/class/power_supply/AC/online", "1\n");

    EXPECT_EQ(sample().on_battery, false);
}

}  // namespace
}  // namespace vcity::adapters
