// SPDX-License-Identifier: Apache-2.0
#include "machine/machine_stand.hpp"

#include <array>
#include <ctime>

#include <fmt/core.h>
#include <unistd.h>

#include "services/node/inventory/gpu_metrics.hpp"
#include "wiring/run.hpp"
#include "wiring/unit_offers.hpp"

namespace vcity::wiring {
namespace {

constexpr std::chrono::seconds kLookEvery{10};
constexpr std::chrono::seconds kEndPatience{20};
constexpr std::uint64_t kBytesOfMbit = 1'000'000 / 8;

// By the time zone of this machine.
std::uint32_t minute_of_week(UnixMillis now) {
    const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    std::tm local{};
    ::localtime_r(&seconds, &local);
    constexpr int kDays = 7;
    const int day = (local.tm_wday + kDays - 1) % kDays;  // from Monday
    constexpr int kMinutesOfHour = 60;
    return static_cast<std::uint32_t>(day) * node::kMinutesOfDay +
           static_cast<std::uint32_t>(local.tm_hour * kMinutesOfHour + local.tm_min);
}

std::string name_of_host() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string{name.data()} : std::string{};
}

}  // namespace

MachineStand::MachineStand(const NodeRunOptions& options, RoleHost* host)
    : host_{host},
      machine_{host->runtime(), machine_options(options)},
      caps_{.down_bytes_per_second = options.down_mbit * kBytesOfMbit,
            .up_bytes_per_second = options.up_mbit * kBytesOfMbit},
      name_{name_of_host()},
      stopped_{host->runtime()} {}

Result<std::unique_ptr<MachineStand>> MachineStand::make(const NodeRunOptions& options, RoleHost* host) {
    std::unique_ptr<MachineStand> stand{new MachineStand{options, host}};
    TRY_OK(run_task(host->runtime(), stand->prepare(options)));
    MachineStand* self = stand.get();
    const bool has_gpus = !stand->seen_.gpus.empty();
    if (has_gpus) host->add_metrics([self] { return node::gpu_metrics(self->seen_, self->name_); });
    return stand;
}

Task<Result<void>> MachineStand::prepare(const NodeRunOptions& options) {
    terms_.rules.pauses_when_used = options.pause_when_used;
    terms_.rules.input_idle_min = std::chrono::minutes{options.idle_minutes};
    if (!options.hours.empty()) {
        CO_TRY(terms_.rules.hours, node::parse_hours(options.hours));
    }
    Result<node::CheckedInventory> seen = co_await machine_.look();
    // A machine that cannot be looked at can still serve its model.
    if (!seen) {
        host_->log().warn("machine_not_seen", {{"reason", seen.error().message}});
        co_return Result<void>{};
    }
    seen_ = std::move(seen->machine);
    for (const node::Finding& finding : seen->findings) {
        const Log log = host_->log().named("machine");
        const bool is_refused = finding.weight == node::Weight::kRefused;
        if (is_refused) log.warn("gpu_refused", {{"doubt", to_string(finding.doubt)}, {"reason", finding.text}});
    }
    for (const ports::Gpu& gpu : seen_.gpus) {
        const bool is_capped = options.power_watts > 0 && gpu.power && gpu.vendor == ports::GpuVendor::kNvidia;
        if (is_capped) terms_.power[gpu.uuid] = {.watts = options.power_watts, .watts_before = gpu.power->watts};
    }
    co_return Result<void>{};
}

ports::Transfer* MachineStand::capped(ports::Transfer* transfer) {
    const bool has_caps = caps_.down_bytes_per_second != 0 || caps_.up_bytes_per_second != 0;
    if (transfer == nullptr || !has_caps) return transfer;
    capped_ = std::make_unique<node::CappedTransfer>(host_->runtime(), transfer, caps_);
    return capped_.get();
}

void MachineStand::make_keeper(node::NodeAgent* agent) {
    const node::HomeRules& rules = terms_.rules;
    if (rules.pauses_when_used) {
        adapters::HostActivityOptions activity;
        activity.self = ::getpid();
        activity.gpus = machine_.nvidia();
        activity.ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
        activity_ = std::make_unique<adapters::HostActivity>(host_->runtime(), activity);
    }
    if (!rules.pauses_when_used && rules.hours.empty() && terms_.power.empty()) return;
    node::HomeKeeper::Parts parts;
    parts.runtime = host_->runtime();
    parts.activity = activity_.get();
    parts.power = machine_.power();
    parts.minute_of_week = minute_of_week;
    parts.pause = [agent](std::string reason) { agent->give_way(std::move(reason)); };
    parts.log = host_->log().named("node.home");
    keeper_ = std::make_unique<node::HomeKeeper>(std::move(parts), terms_);
}

Task<void> MachineStand::run(node::NodeAgent* agent) {
    make_keeper(agent);
    TaskGroup group{host_->runtime()};
    if (!seen_.gpus.empty()) group.spawn(watch_gpus());
    if (keeper_ != nullptr && !stopping_) group.spawn(keeper_->run());
    while (group.running() > 0) {
        const Result<void> joined = co_await group.join(host_->runtime()->now() + kEndPatience);
        if (!joined && stopping_) host_->log().warn("tasks_linger", {{"running", group.running()}});
    }
}

void MachineStand::stop() {
    stopping_ = true;
    stopped_.notify();
    if (keeper_ != nullptr) keeper_->stop();
}

Task<void> MachineStand::watch_gpus() {
    while (!stopping_) {
        co_await stopped_.wait_until(host_->runtime()->now() + kLookEvery);
        if (stopping_) break;
        Result<node::CheckedInventory> seen = co_await machine_.look();
        if (seen) seen_ = std::move(seen->machine);
    }
}

}  // namespace vcity::wiring
