// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "services/gateway/deployments/deployment_desk.hpp"

namespace vcity::gateway {

// A fleet and what is known of it in this process only.
struct DeploymentDesk::Live {
    Live(Runtime* runtime, Fleet the_fleet)
        : fleet{std::move(the_fleet)}, changed{runtime}, ready{runtime}, saved{runtime} {
        const TimePoint now = runtime->now();
        counted_at = now;
        step_at = now;
        demand_since = now;
        last_request = now;
        measured_at = now;
        months_saved_at = now;
    }

    Fleet fleet;
    Notifier changed;  // the desk is to look at it
    Notifier ready;    // a replica became ready, or none will
    Notifier saved;
    bool is_saving = false;
    std::vector<Replica> kept;       // replicas as the store has them, as far as they matter
    bool is_dirty = true;            // something else than replicas is not in the store yet
    std::set<std::uint64_t> asked;   // replicas whose jobs are being asked about
    std::set<std::uint64_t> probed;  // or that are being probed
    std::map<std::uint64_t, TimePoint> next_look;
    std::map<std::uint64_t, TimePoint> next_probe;

    // --- demand
    std::uint32_t in_flight = 0;  // requests, those that wait among them
    std::uint32_t waiting = 0;    // for a ready replica
    Duration area{0};             // in_flight over time, since the last step
    TimePoint counted_at;
    TimePoint step_at;       // of the last step; all are whole steps apart
    TimePoint demand_since;  // what `area` is over
    TimePoint last_request;
    Duration first_bytes{0};  // sum over this step
    std::uint64_t answers = 0;
    std::optional<FleetTerms> scaled_for;  // terms that the scaler was made for
    TimePoint scaled_since;
    std::optional<scaling::Autoscaler> scaler;

    // --- the record of the service's level
    std::map<std::uint32_t, SlaMonth> months;
    TimePoint measured_at;
    TimePoint months_saved_at;
    Usd charged_before;  // fleet.charged() that is in the months

    SlaMonth& month_at(UnixMillis now) {
        SlaMonth& month = months[month_of(now)];
        month.month = month_of(now);
        return month;
    }
    void settle_demand(TimePoint now) {
        area += (now - counted_at) * in_flight;
        counted_at = now;
    }
};

}  // namespace vcity::gateway
