// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "services/scheduler/work/work_desk.hpp"
#include "work/reservation.hpp"

// Orders that take the units of a reservation: what only held them stops, is charged for its time, and the order is the
// first to look at what becomes free.
namespace vcity::scheduler {

// nullptr: this client holds nothing under this number, or not any more.
WorkDesk::LiveWork* WorkDesk::reservation_of(const WorkOrder& order) {
    for (const auto& [job_id, work] : jobs_) {
        if (work::reservation_number(job_id) != order.quote_id || work->stopping || work->job.is_terminal()) continue;
        if (work->job.order().client == order.client && work::is_hold(work->job.spec())) return work.get();
    }
    return nullptr;
}

// The most that an hour of a step of each group may cost: what its hold costs.
Result<std::vector<Usd>> WorkDesk::reserved_prices(const WorkOrder& order) {
    const LiveWork* hold = reservation_of(order);
    if (hold == nullptr) {
        return make_error(Errc::kNotFound, "no such reservation of this client, or its time has passed");
    }
    std::vector<Usd> by_group(hold->job.spec().groups.size());
    for (const work::Attempt& attempt : hold->job.live()) {
        Usd& most = by_group[hold->job.steps()[attempt.terms.step].group];
        most = std::max(most, attempt.terms.hourly);
    }
    TRY(const std::vector<std::size_t> groups, work::held_groups(hold->job.spec(), order.spec));
    std::vector<Usd> promised;
    for (const std::size_t group : groups) {
        if (by_group[group] == Usd{}) {
            return make_error(Errc::kNotFound,
                              "group '" + hold->job.spec().groups[group].name +
                                  "' of the reservation holds no unit now: see what its job waits for");
        }
        promised.push_back(by_group[group]);
    }
    return promised;
}

// It waits for the units of its reservation, and like everybody else for those of others.
void WorkDesk::take_reservation(LiveWork* work) {
    LiveWork* hold = reservation_of(work->job.order());
    if (hold == nullptr) {
        place_ready(work);
        return;
    }
    work->is_waiting = true;
    waiting_.push_back(work->job.order().job_id);
    hold->heir = work->job.order().job_id;
    wind_up(hold, WorkState::kCancelled, std::string{kHandedOver});
}

void WorkDesk::place_heir(const std::optional<JobId>& heir) {
    LiveWork* work = heir ? find(*heir) : nullptr;
    if (work == nullptr || work->stopping || work->job.is_terminal()) return;
    place_ready(work);
    save(work);
}

}  // namespace vcity::scheduler
