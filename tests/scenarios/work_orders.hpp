// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "market/typed_hashes.hpp"
#include "scenarios/work_client.hpp"

// Orders and units of the scenarios with work on units.
namespace vcity::scenarios {

inline constexpr Usd kCoreHourly{3'600'000};  // a thousandth of a dollar a second

inline UnitOffer a_unit(std::uint32_t number, std::uint32_t cores) {
    UnitOffer unit;
    unit.number = number;
    unit.cpu_milli = cores * 1000;
    unit.memory_mib = 4096;
    unit.disk_mib = 4096;
    unit.hourly = kCoreHourly;
    return unit;
}

// A step that says its index and ends well.
inline StepGroup a_group(std::string name, std::uint32_t count, std::chrono::milliseconds length) {
    StepGroup group;
    group.name = std::move(name);
    group.count = count;
    group.command = {"/bin/step", "--variable=VCITY_INDEX", "--milliseconds=" + std::to_string(length.count())};
    group.seconds_max = 60;
    return group;
}

inline WorkJob a_job(
    World* world, const SignedCap& cap, const Address& scheduler, std::uint8_t number, std::vector<StepGroup> groups) {
    WorkJob job;
    job.send_at = world->runtime.now() + std::chrono::seconds{8};
    WorkOrder& order = job.order;
    Hash nonce;
    nonce.bytes[0] = number;
    nonce.bytes[1] = 0x77;
    order.client = cap.cap.client;
    order.job_id = market::make_job_id(order.client, scheduler, nonce);
    order.cap = cap;
    order.spec.name = "job " + std::to_string(number);
    order.spec.groups = std::move(groups);
    order.budget = Usd{10'000'000};
    order.deadline = world->runtime.unix_now() + UnixMillis{400'000};
    order.trace_id = order.spec.name;
    return job;
}

}  // namespace vcity::scenarios
