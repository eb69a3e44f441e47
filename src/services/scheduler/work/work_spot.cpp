// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/check.hpp"
#include "services/scheduler/work/work_desk.hpp"
#include "work/pricing.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::chrono::seconds kRoundEvery{1};
// For a last checkpoint: the command ends within ten seconds, and its files go to the gateway.
constexpr std::chrono::seconds kGiveWayPatience{60};
constexpr std::size_t kStopsTried = 64;  // attempts that are looked at to make room

}  // namespace

// Gangs are bought on demand: one member that is stopped would stop them all.
bool WorkDesk::is_spot(const work::Job& job, std::uint32_t step) const {
    return job.spec().service_class == ServiceClass::kBestEffort && !job.is_gang(step);
}

void WorkDesk::bid_for(LiveWork* work, std::vector<SpotBidder>* bidders) {
    const work::Job& job = work->job;
    const UnixMillis now = context_->runtime()->unix_now();
    const auto runnable = job.runnable();
    const std::vector<std::uint32_t> steps{runnable.begin(), runnable.end()};
    std::optional<std::uint32_t> group;   // that the prices are of
    std::optional<std::uint32_t> unsold;  // that found nothing on demand
    std::optional<Usd> spot;
    std::optional<Usd> on_demand;
    for (const std::uint32_t step : steps) {
        if (job.is_terminal() || bidders->size() >= SpotMarket::kBiddersMax) return;
        if (!is_spot(job, step) || unsold == job.steps()[step].group) continue;
        const std::vector<Address> avoid = avoided(job, step);
        if (group != job.steps()[step].group) {
            group = job.steps()[step].group;
            spot = spot_.price(job.spec(), job.group_of(step));
            on_demand.reset();
            const Result<std::optional<UnitSeat>> seat = units_.look(query_for(job, step, avoid));
            const Result<Usd> hourly =
                seat && *seat ? work::hourly_of(job.group_of(step).ask, (*seat)->offered) : Result<Usd>{Usd{}};
            if (seat && *seat && hourly) on_demand = *hourly;
        }
        const market::BidDecision decision = next_bid(job, step, spot, on_demand, now);
        if (!spot || decision.move == market::BidMove::kOnDemand) {
            if (!buy_step(work, step)) unsold = group;
        } else if (decision.move == market::BidMove::kSpot) {
            bidders->push_back({.job_id = job.order().job_id,
                                .step = step,
                                .spec = &job.spec(),
                                .group = &job.group_of(step),
                                .max = decision.bid,
                                .avoid = avoid,
                                .runs_on = {}});
        }
    }
}

void WorkDesk::spot_round() {
    if (context_->now() < next_round_ || context_->stopping) return;
    next_round_ = context_->now() + kRoundEvery;
    std::vector<SpotBidder> bidders;
    const std::vector<JobId> waiting{waiting_.begin(), waiting_.end()};
    for (const JobId& job_id : waiting) {
        LiveWork* work = find(job_id);
        if (work == nullptr || work->stopping || work->job.spec().service_class != ServiceClass::kBestEffort) continue;
        bid_for(work, &bidders);
        save(work);
    }
    if (bidders.empty()) return;  // nobody wants what runs
    for (const JobId& attempt : spot_attempts_) {
        const Running& running = attempts_.at(attempt);
        if (running.early_end) continue;
        const work::Job& job = find(running.job)->job;
        const std::optional<Usd> most = job.hourly_max(job.steps()[running.step].group);
        bidders.push_back({.job_id = running.job,
                           .step = running.step,
                           .spec = &job.spec(),
                           .group = &job.group_of(running.step),
                           .max = most.value_or(Usd{std::numeric_limits<std::uint32_t>::max()}),
                           .avoid = {},
                           .runs_on = placement::UnitId{running.terms.node, running.terms.unit}});
    }
    const SpotRound round = spot_.clear(bidders, context_->runtime()->unix_now());
    for (const SpotStop& stop : round.stops) {
        const auto attempt = std::ranges::find_if(spot_attempts_, [&](const JobId& id) {
            const Running& running = attempts_.at(id);
            return running.job == stop.job_id && running.step == stop.step && !running.early_end;
        });
        if (attempt != spot_attempts_.end()) preempt(JobId{*attempt}, "outbid by other best-effort work");
    }
    for (const SpotAward& award : round.awards) take_award(award);
}

void WorkDesk::take_award(const SpotAward& award) {
    LiveWork* work = find(award.job_id);
    if (work == nullptr || work->job.is_terminal() || work->stopping || parts_.directory->is_barred(award.unit.node))
        return;
    const std::optional<std::uint64_t> token = take_tokens(1);
    if (!token) return;
    const UnitAsk& ask = work->job.group_of(award.step).ask;
    const std::optional<UnitSeat> seat = units_.take_on(award.unit, ask, *token);
    if (!seat) return;
    std::optional<work::LeaseTerms> terms = terms_for(work, award.step, *seat);
    const Result<Usd> quote = work::quote_of(award.hourly, work->job.group_of(award.step).seconds_max);
    if (terms && quote) {
        terms->hourly = award.hourly;
        terms->quote = *quote;
        terms->is_spot = true;
        terms->reason =
            fmt::format("won the auction at {} USD/h; stops when somebody pays more", to_string(award.hourly));
    }
    lease_seat(work, award.step, *token, quote ? std::move(terms) : std::nullopt);
    save(work);
}

void WorkDesk::make_room(const UnitQuery& query) {
    const TimePoint soon = context_->now() + context_->options.cancel_grace;
    const bool is_coming =
        std::ranges::any_of(leaving_, [&](const auto& entry) { return entry.second.until <= soon; }) ||
        std::ranges::any_of(spot_attempts_, [&](const JobId& id) { return attempts_.at(id).early_end.has_value(); });
    if (is_coming) return;  // something is on its way out already
    std::size_t tried = 0;
    for (const JobId& attempt : spot_attempts_) {
        if (++tried > kStopsTried) return;
        const Result<bool> helps = units_.frees(attempts_.at(attempt).terms.fencing_token, query);
        if (!helps || !*helps) continue;
        preempt(JobId{attempt}, "had to give way to work that pays the full price");
        return;
    }
}

void WorkDesk::preempt(const JobId& attempt, std::string reason) {
    const Running& running = attempts_.at(attempt);
    LiveWork* work = find(running.job);
    CHECK(work != nullptr);
    // What keeps checkpoints is given the time for one, and is paid up to it.
    if (work->job.group_of(running.step).setup.checkpoint_seconds != 0 && can_end_early(running)) {
        end_early(attempt, {Ending::kGivesWay, std::move(reason), context_->now() + kGiveWayPatience, {}});
        return;
    }
    work::AttemptFailed failed;
    failed.step = running.step;
    failed.fencing_token = running.terms.fencing_token;
    failed.fault = work::Fault::kPreempted;
    failed.code = Errc::kExhausted;
    failed.reason = std::move(reason);
    const Result<void> done = work->job.fail(std::move(failed), context_->runtime()->unix_now(), &work->effects);
    CHECK(done.has_value());
    // Its node works on: it is told to stop, and the unit is free when it has.
    work->effects.stopped.push_back(std::move(work->effects.ended.back()));
    work->effects.ended.pop_back();
    settle_effects(work);
    place_ready(work);
    save(work);
}

}  // namespace vcity::scheduler
