// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task_group.hpp"
#include "services/gateway/api/api_error.hpp"
#include "services/gateway/scheduler_link.hpp"

namespace vcity::gateway {

// A unit, and the scheduler that leases it.
struct OfferedUnit : UnitsReply::Entry {
    Address scheduler;
};

// The schedulers of one gateway, perhaps of several operators: a link to each. A client is served by the one that its
// spending cap names, a job is asked about at the one that took it, and nothing about either is said to the others.
class Schedulers {
  public:
    // Whom a job was ordered from; the zero address for one of before that was noted, nullopt for an unknown one.
    using PlaceOf = std::function<std::optional<Address>(const JobId&)>;

    // first: the one that new caps are signed for. further: endpoints of each of the others.
    Schedulers(const SchedulerLink::Deps& deps,
               const SchedulerLinkOptions& first,
               const std::vector<std::vector<std::string>>& further,
               PlaceOf place_of);

    // Until stop().
    Task<void> run();
    void stop();

    SchedulerLink* first() const { return links_.front().get(); }
    // nullptr: none of them, or not yet heard of.
    SchedulerLink* find(const Address& scheduler) const;
    // The scheduler of this cap, connected; else why it cannot be had.
    ApiResult<SchedulerLink*> serving(const SpendingCap& cap) const;
    // What its clients may buy now; what the first offers for a cap that names none of them.
    const OfferBook& offers_for(const SpendingCap& cap) const;
    std::size_t connected() const;
    // On offer now, each counted once.
    std::size_t models() const;
    // Of those that were heard of, the first at the front.
    std::vector<Address> known() const;

    // Of one scheduler: an order, or a question about its job. A job that the gateway has no note of is asked about at
    // all of them. kUnavailable: without a connection to the one; else as of SchedulerLink.
    Task<Result<WorkAnswer>> ask(WorkQuestion question, TimePoint deadline);
    Task<Result<JobStatusReply>> status(JobId job_id, TimePoint deadline);
    // On offer at `scheduler`, or at all when it is zero. Fails when nobody answered.
    Task<Result<std::vector<OfferedUnit>>> units(Address scheduler, TimePoint deadline);
    // kUnavailable, kNotFound.
    Result<void> open_tunnel(TunnelOpen wanted);
    void set_on_tunnel(const std::function<void(const TunnelRefused&)>& on_tunnel);

  private:
    // The links that may answer about a job: one when it is known whose it is.
    Result<std::vector<SchedulerLink*>> links_of(const JobId& job_id) const;
    Result<std::vector<SchedulerLink*>> links_for(const WorkQuestion& question) const;
    // A fair part of what is left of the time, when `left` of them are still to be asked.
    TimePoint share_of(TimePoint deadline, std::size_t left) const;

    Runtime* runtime_;
    PlaceOf place_of_;
    std::vector<std::unique_ptr<SchedulerLink>> links_;
    TaskGroup tasks_;
};

}  // namespace vcity::gateway
