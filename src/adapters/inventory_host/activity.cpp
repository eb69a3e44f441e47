// SPDX-License-Identifier: Apache-2.0
#include "adapters/inventory_host/activity.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vcity::adapters {
namespace {

constexpr double kMib = 1U << 20U;

// "cpu  user nice system idle iowait irq softirq steal guest ...": what is neither idle nor waiting, nor counted twice.
double busy_ticks(const std::string& stat) {
    std::istringstream line(stat.substr(0, stat.find('\n')));
    std::string name;
    std::array<double, 8> ticks{};
    line >> name;
    for (double& one : ticks) line >> one;
    constexpr std::size_t kIdle = 3;
    constexpr std::size_t kWait = 4;
    double busy = 0;
    for (std::size_t index = 0; index < ticks.size(); ++index) {
        if (index != kIdle && index != kWait) busy += ticks.at(index);
    }
    return busy;
}

}  // namespace

HostActivity::HostActivity(Runtime* runtime, HostActivityOptions options)
    : runtime_{runtime}, options_{std::move(options)}, tree_{options_.root} {
    constexpr std::size_t kDevicesMax = 64;
    for (const std::string& name : tree_.names("/dev/input")) {
        if (!name.starts_with("event") || devices_.size() == kDevicesMax) continue;
        const int device = ::open(tree_.path("/dev/input/" + name).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (device >= 0) devices_.push_back(device);
    }
}

HostActivity::~HostActivity() {
    for (const int device : devices_) ::close(device);
}

Task<Result<ports::ActivitySample>> HostActivity::sample() {
    drain_devices();
    ports::ActivitySample seen;
    std::set<std::int64_t> ours;
    std::function<void()> work = [this, &seen, &ours] { seen = read(&ours); };
    co_await runtime_->compute(std::move(work));
    if (options_.gpus == nullptr) co_return seen;
    const Result<ports::MachineInventory> machine = co_await options_.gpus->look();
    if (!machine) co_return seen;
    double others = 0;
    for (const ports::Gpu& gpu : machine->gpus) {
        for (const ports::GpuProcess& process : gpu.load.processes) {
            if (!ours.contains(process.pid)) others += static_cast<double>(process.vram_bytes) / kMib;
        }
    }
    seen.others_gpu_mib = others;
    co_return seen;
}

ports::ActivitySample HostActivity::read(std::set<std::int64_t>* ours) {
    ports::ActivitySample seen;
    seen.others_cores = others_cores(ours);
    seen.input_idle = input_idle();
    for (const std::string& name : tree_.names("/sys/class/power_supply")) {
        const std::string folder = "/sys/class/power_supply/" + name;
        if (tree_.text(folder + "/type") != "Mains") continue;
        const bool is_off = tree_.number(folder + "/online") == 0U;
        seen.on_battery = seen.on_battery.value_or(true) && is_off;
    }
    return seen;
}

std::optional<double> HostActivity::others_cores(std::set<std::int64_t>* ours) {
    std::map<std::int64_t, Process> processes;
    for (const std::string& name : tree_.names("/proc")) {
        const auto pid = number_of(name);
        if (!pid) continue;
        const std::string stat = tree_.text("/proc/" + name + "/stat");
        // The name of a program may hold anything, also a bracket.
        const std::size_t close = stat.rfind(')');
        if (close == std::string::npos) continue;
        std::istringstream rest(stat.substr(close + 1));
        std::string skipped;
        Process process;
        double user = 0;
        double system = 0;
        rest >> skipped >> process.parent;
        constexpr int kBetween = 9;  // from the parent to the time it has used
        for (int field = 0; field < kBetween; ++field) rest >> skipped;
        rest >> user >> system;
        process.ticks = user + system;
        processes[static_cast<std::int64_t>(*pid)] = process;
    }
    ours->insert(options_.self);
    for (bool is_more = true; is_more;) {
        is_more = false;
        for (const auto& [pid, process] : processes) {
            if (ours->contains(process.parent) && ours->insert(pid).second) is_more = true;
        }
    }
    Ticks now{.all = busy_ticks(tree_.text("/proc/stat")), .ours = 0, .at = runtime_->now()};
    for (const auto& [pid, process] : processes) {
        if (ours->contains(pid)) now.ours += process.ticks;
    }
    const std::optional<Ticks> before = std::exchange(before_, now);
    if (!before || now.at <= before->at) return std::nullopt;
    const double seconds = std::chrono::duration<double>(now.at - before->at).count();
    // A process of ours that has ended takes its ticks with it.
    const double ours_since = std::max(0.0, now.ours - before->ours);
    return std::max(0.0, now.all - before->all - ours_since) / options_.ticks_per_second / seconds;
}

void HostActivity::drain_devices() {
    std::array<char, 4096> events{};
    for (const int device : devices_) {
        while (::read(device, events.data(), events.size()) > 0) input_at_ = runtime_->now();
    }
}

// The kernel keeps the time of the last key typed on a terminal as the time its file was read.
std::optional<Duration> HostActivity::input_idle() {
    const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(runtime_->unix_now()).count();
    std::optional<Duration> idle;
    const auto note = [&](Duration one) { idle = idle ? std::min(*idle, one) : one; };
    const auto look_at = [&](const std::string& path) {
        struct stat file{};
        if (::stat(tree_.path(path).c_str(), &file) != 0) return;
        note(std::chrono::seconds{std::max<std::int64_t>(0, now - file.st_atime)});
    };
    for (const std::string& name : tree_.names("/dev/pts")) {
        if (number_of(name)) look_at("/dev/pts/" + name);
    }
    for (const std::string& name : tree_.names("/dev")) {
        if (name.starts_with("tty") && number_of(name.substr(3))) look_at("/dev/" + name);
    }
    if (input_at_) note(runtime_->now() - *input_at_);
    return idle;
}

}  // namespace vcity::adapters
