// SPDX-License-Identifier: Apache-2.0
#include "scenarios/faults.hpp"

namespace vcity::scenarios {

using namespace std::chrono_literals;

void FaultDriver::start() {
    is_active_ = true;
    draw_rates();
    next_later();
}

void FaultDriver::stop() {
    is_active_ = false;
    World& world = cluster_->world;
    world.network.heal();
    world.network.faults.breaks_per_mille = 0;
    world.network.faults.dial_failures_per_mille = 0;
    world.chain.faults.failures_per_mille = 0;
    world.chain.faults.stale_reads_per_mille = 0;
    world.chain.faults.late_per_mille = 0;
    if (cluster_->database) {
        cluster_->database->heal();
        cluster_->database->faults.breaks_per_mille = 0;
        cluster_->database->faults.slow_per_mille = 0;
    }
    for (Machine* machine : cluster_->machines()) {
        machine->disk.faults.failures_per_mille = 0;
        if (machine->is_up() && !machine->is_stopping()) continue;
        machine->crash();  // what is left of a role that ended on its own or was asked to
        machine->start();
    }
    world.log.note("-- faults stop");
}

void FaultDriver::draw_rates() {
    World& world = cluster_->world;
    sim::SimRuntime& runtime = world.runtime;
    world.network.faults.breaks_per_mille = runtime.draw(8);
    world.network.faults.dial_failures_per_mille = runtime.draw(200);
    world.network.faults.delay_max = runtime.draw_between(5ms, 400ms);
    world.chain.faults.failures_per_mille = runtime.draw(150);
    world.chain.faults.stale_reads_per_mille = runtime.draw(150);
    world.chain.faults.late_per_mille = runtime.draw(200);
    for (Machine* machine : cluster_->machines()) machine->disk.faults.failures_per_mille = runtime.draw(30);
    if (!cluster_->database) return;
    cluster_->database->faults.breaks_per_mille = runtime.draw(60);
    cluster_->database->faults.slow_per_mille = runtime.draw(20);
}

void FaultDriver::next_later() {
    sim::SimRuntime& runtime = cluster_->world.runtime;
    runtime.call_at(runtime.now() + runtime.draw_between(300ms, 7s), [this] {
        if (!is_active_) return;
        strike();
        next_later();
    });
}

Machine* FaultDriver::any_scheduler() {
    const std::vector<Machine*> all = cluster_->schedulers();
    return all.size() == 1 ? all.front() : all[cluster_->world.runtime.draw(all.size())];
}

Machine* FaultDriver::any_machine() {
    const std::vector<Machine*> all = cluster_->machines();
    // The scheduler sees everything: it dies as often as all nodes together.
    const std::uint64_t drawn = cluster_->world.runtime.draw(all.size() + 3);
    return drawn < all.size() ? all[drawn] : any_scheduler();
}

void FaultDriver::strike() {
    ++count_;
    sim::SimRuntime& runtime = cluster_->world.runtime;
    if (cluster_->database && runtime.chance(1, 3)) {
        strike_host();
        return;
    }
    switch (runtime.draw(8)) {
        case 0:
        case 1:
        case 2: crash(any_machine()); break;
        case 3:
        case 4: cut(); break;
        case 5: {
            Machine* machine = any_machine();
            cluster_->world.log.note("-- links of " + machine->name() + " break");
            cluster_->world.network.break_links_of(machine->name());
            break;
        }
        case 6: reorganise(); break;
        case 7: draw_rates(); break;
    }
}

// What only a process among several suffers from: it sleeps, or does not reach the database, or its clock jumps.
void FaultDriver::strike_host() {
    World& world = cluster_->world;
    Machine* host = any_scheduler();
    const TimePoint until = world.runtime.now() + world.runtime.draw_between(300ms, 14s);
    switch (world.runtime.draw(4)) {
        case 0:
        case 1:
            world.log.note("-- pause of " + host->name());
            host->process.pause(until);
            break;
        case 2:
            world.log.note("-- the database is out of reach of " + host->name());
            cluster_->database->cut(host->name(), until);
            break;
        case 3:
            world.log.note("-- the wall clock of " + host->name() + " jumps");
            host->process.set_skew(std::chrono::milliseconds{world.runtime.draw(40'000)} - 20s);
            break;
    }
}

void FaultDriver::crash(Machine* machine) {
    sim::SimRuntime& runtime = cluster_->world.runtime;
    if (!machine->is_up() || machine->is_stopping()) return;
    if (runtime.chance(1, 5)) {
        cluster_->world.log.note("-- stop of " + machine->name());
        machine->stop();
    } else {
        if (runtime.chance(1, 3)) cluster_->world.network.leave_half_open(machine->name());
        cluster_->world.log.note("-- crash of " + machine->name());
        machine->crash();
    }
    runtime.call_at(runtime.now() + runtime.draw_between(100ms, 12s), [this, machine] {
        if (!is_active_) return;
        cluster_->world.log.note("-- restart of " + machine->name());
        machine->crash();  // what is left of it: a stop may take longer than its supervisor waits
        machine->start();
    });
}

void FaultDriver::cut() {
    World& world = cluster_->world;
    const Machine* machine = any_machine();
    const Machine* scheduler = any_scheduler();
    if (machine->name().starts_with("scheduler")) return;
    const TimePoint until = world.runtime.now() + world.runtime.draw_between(200ms, 25s);
    world.log.note("-- partition between " + scheduler->name() + " and " + machine->name());
    world.network.partition(scheduler->name(), machine->name(), until);
}

void FaultDriver::reorganise() {
    World& world = cluster_->world;
    const std::uint64_t depth = 1 + world.runtime.draw(sim::FakeChain::kReorgDepthMax);
    world.log.note("-- reorganisation of " + std::to_string(depth) + " blocks");
    world.chain.reorganise(depth);
}

}  // namespace vcity::scenarios
