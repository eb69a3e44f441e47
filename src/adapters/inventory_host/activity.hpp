// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>

#include "adapters/inventory_host/tree.hpp"
#include "async/runtime.hpp"
#include "ports/inventory.hpp"

namespace vcity::adapters {

struct HostActivityOptions {
    std::string root;                  // of /proc, /sys and /dev; empty: this machine
    std::int64_t self = 0;             // process whose descendants are ours
    ports::Inventory* gpus = nullptr;  // borrowed; nullptr: nobody tells who is on the GPUs
    double ticks_per_second = 100;     // of /proc/stat
};

// Whether somebody works on this machine, by the kernel's files: when its terminals and consoles were last typed on,
// what processes that are not ours compute and hold on GPUs, and whether it is on its battery. A keyboard of a
// graphical session is seen through /dev/input, where this user may read it. A container that an engine runs for us is
// no descendant and counts as somebody else's.
class HostActivity final : public ports::OwnerActivity {
  public:
    HostActivity(Runtime* runtime, HostActivityOptions options);
    ~HostActivity() override;
    HostActivity(const HostActivity&) = delete;
    HostActivity& operator=(const HostActivity&) = delete;

    Task<Result<ports::ActivitySample>> sample() override;

  private:
    struct Ticks {
        double all = 0;
        double ours = 0;
        TimePoint at;
    };
    struct Process {
        std::int64_t parent = 0;
        double ticks = 0;
    };

    ports::ActivitySample read(std::set<std::int64_t>* ours);
    std::optional<double> others_cores(std::set<std::int64_t>* ours);
    std::optional<Duration> input_idle();
    void drain_devices();

    Runtime* runtime_;
    HostActivityOptions options_;
    KernelTree tree_;
    std::optional<Ticks> before_;
    std::vector<int> devices_;  // open descriptors of /dev/input
    std::optional<TimePoint> input_at_;
};

}  // namespace vcity::adapters
