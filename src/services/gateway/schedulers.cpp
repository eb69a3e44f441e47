// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/schedulers.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "codec/hex.hpp"

namespace vcity::gateway {
namespace {

constexpr Duration kJoinPatience = std::chrono::minutes{1};

ApiError refusal(ErrorCode code, std::string message) {
    ApiError error;
    error.code = code;
    error.message = std::move(message);
    if (code == ErrorCode::kSchedulerUnavailable) error.retry_after = std::chrono::seconds{1};
    return error;
}

bool is_known(const WorkAnswer& answer) {
    if (const auto* status = std::get_if<WorkStatusReply>(&answer)) return status->known;
    if (const auto* output = std::get_if<WorkOutputReply>(&answer)) return output->known;
    return true;
}

}  // namespace

Schedulers::Schedulers(const SchedulerLink::Deps& deps,
                       const SchedulerLinkOptions& first,
                       const std::vector<std::vector<std::string>>& further,
                       PlaceOf place_of)
    : runtime_{deps.runtime}, place_of_{std::move(place_of)}, tasks_{deps.runtime} {
    links_.push_back(std::make_unique<SchedulerLink>(deps, first));
    for (const std::vector<std::string>& endpoints : further) {
        SchedulerLinkOptions options = first;
        options.endpoints = endpoints;
        links_.push_back(std::make_unique<SchedulerLink>(deps, options));
    }
}

Task<void> Schedulers::run() {
    for (const auto& link : links_) tasks_.spawn(link->run());
    while (tasks_.running() > 0) {
        // They end once stopped; the deadline only bounds one wait.
        const TimePoint patience = runtime_->now() + kJoinPatience;
        (void)co_await tasks_.join(patience);
    }
}

void Schedulers::stop() {
    for (const auto& link : links_) link->stop();
}

SchedulerLink* Schedulers::find(const Address& scheduler) const {
    if (scheduler.is_zero()) return nullptr;
    const auto found = std::ranges::find(links_, scheduler, [](const auto& link) { return link->scheduler(); });
    return found == links_.end() ? nullptr : found->get();
}

ApiResult<SchedulerLink*> Schedulers::serving(const SpendingCap& cap) const {
    SchedulerLink* link = find(cap.scheduler);
    if (link != nullptr && link->is_connected()) return link;
    const bool may_be_met = std::ranges::any_of(links_, [](const auto& each) { return each->scheduler().is_zero(); });
    if (link != nullptr || may_be_met) {
        return refusal(ErrorCode::kSchedulerUnavailable, "no connection to the scheduler");
    }
    return refusal(ErrorCode::kSpendingCapInvalid, "this key's spending cap is for another scheduler");
}

const OfferBook& Schedulers::offers_for(const SpendingCap& cap) const {
    const SchedulerLink* link = find(cap.scheduler);
    return (link == nullptr ? first() : link)->offers();
}

std::size_t Schedulers::connected() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(links_, [](const auto& link) { return link->is_connected(); }));
}

std::size_t Schedulers::models() const {
    std::set<std::string_view> names;
    for (const auto& link : links_) {
        if (!link->is_connected()) continue;
        for (const ModelListing* listing : link->offers().models()) names.insert(listing->model);
    }
    return names.size();
}

std::vector<Address> Schedulers::known() const {
    std::vector<Address> addresses;
    for (const auto& link : links_) {
        if (!link->scheduler().is_zero()) addresses.push_back(link->scheduler());
    }
    return addresses;
}

// --- who is asked

Result<std::vector<SchedulerLink*>> Schedulers::links_of(const JobId& job_id) const {
    using Some = std::vector<SchedulerLink*>;
    if (links_.size() == 1) return Some{first()};
    const std::optional<Address> place = place_of_(job_id);
    if (!place) {
        Some all;
        for (const auto& link : links_) all.push_back(link.get());
        return all;
    }
    if (place->is_zero()) return Some{first()};
    SchedulerLink* link = find(*place);
    if (link != nullptr) return Some{link};
    return make_error(Errc::kUnavailable, "no connection to " + codec::to_hex(*place) + ", the scheduler of this job");
}

Result<std::vector<SchedulerLink*>> Schedulers::links_for(const WorkQuestion& question) const {
    using Some = std::vector<SchedulerLink*>;
    const auto of_order = [this](const WorkOrder& order) -> Result<Some> {
        SchedulerLink* link = find(order.cap.cap.scheduler);
        if (link == nullptr) return make_error(Errc::kUnavailable, "no connection to the scheduler");
        return Some{link};
    };
    if (const auto* quote = std::get_if<WorkQuoteRequest>(&question)) return of_order(quote->order);
    if (const auto* submit = std::get_if<WorkSubmit>(&question)) return of_order(submit->order);
    if (const auto* cancel = std::get_if<WorkCancel>(&question)) return links_of(cancel->job_id);
    if (const auto* status = std::get_if<WorkStatusRequest>(&question)) return links_of(status->job_id);
    if (const auto* output = std::get_if<WorkOutputRequest>(&question)) return links_of(output->job_id);
    return Some{first()};
}

TimePoint Schedulers::share_of(TimePoint deadline, std::size_t left) const {
    const TimePoint now = runtime_->now();
    return deadline <= now ? deadline
                           : now + (deadline - now) / static_cast<std::int64_t>(std::max<std::size_t>(left, 1));
}

Task<Result<WorkAnswer>> Schedulers::ask(WorkQuestion question, TimePoint deadline) {
    CO_TRY(const std::vector<SchedulerLink*> asked, links_for(question));
    Result<WorkAnswer> last = make_error(Errc::kUnavailable, "no connection to the scheduler");
    std::optional<Error> failure;
    for (std::size_t turn = 0; turn < asked.size(); ++turn) {
        const TimePoint until = share_of(deadline, asked.size() - turn);
        WorkQuestion copy = question;
        Result<WorkAnswer> answer = co_await asked[turn]->ask(std::move(copy), until);
        if (answer && is_known(*answer)) co_return answer;
        if (!answer) failure = answer.error();
        last = std::move(answer);
    }
    // That nobody knows a job is true only when everybody said so.
    if (failure) co_return *failure;
    co_return last;
}

Task<Result<JobStatusReply>> Schedulers::status(JobId job_id, TimePoint deadline) {
    Result<JobStatusReply> last = make_error(Errc::kUnavailable, "no connection to the scheduler");
    std::optional<Error> failure;
    for (std::size_t turn = 0; turn < links_.size(); ++turn) {
        const TimePoint until = share_of(deadline, links_.size() - turn);
        Result<JobStatusReply> answer = co_await links_[turn]->status(job_id, until);
        if (answer && answer->known) co_return answer;
        if (!answer) failure = answer.error();
        last = std::move(answer);
    }
    if (failure) co_return *failure;
    co_return last;
}

Task<Result<std::vector<OfferedUnit>>> Schedulers::units(Address scheduler, TimePoint deadline) {
    std::vector<SchedulerLink*> asked;
    for (const auto& link : links_) {
        if (scheduler.is_zero() || link->scheduler() == scheduler) asked.push_back(link.get());
    }
    std::vector<OfferedUnit> all;
    std::optional<Error> failure;
    bool is_answered = false;
    for (std::size_t turn = 0; turn < asked.size(); ++turn) {
        const TimePoint until = share_of(deadline, asked.size() - turn);
        WorkQuestion question = UnitsRequest{};
        const Result<WorkAnswer> answer = co_await asked[turn]->ask(std::move(question), until);
        if (!answer) {
            failure = answer.error();
            continue;
        }
        const auto* reply = std::get_if<UnitsReply>(&*answer);
        if (reply == nullptr) continue;
        is_answered = true;
        for (const UnitsReply::Entry& entry : reply->entries) all.push_back({{entry}, asked[turn]->scheduler()});
    }
    if (!is_answered) co_return failure.value_or(make_error(Errc::kUnavailable, "no connection to the scheduler"));
    co_return all;
}

// --- tunnels

// What it carries is for the scheduler of the job alone: whoever has its url may stand in for the node.
Result<void> Schedulers::open_tunnel(TunnelOpen wanted) {
    TRY(const std::vector<SchedulerLink*> links, links_of(wanted.job_id));
    if (links.size() != 1) return make_error(Errc::kNotFound, "this gateway has no note of the job");
    if (links.front()->tell(std::move(wanted))) return {};
    return make_error(Errc::kUnavailable, "no connection to the scheduler");
}

void Schedulers::set_on_tunnel(const std::function<void(const TunnelRefused&)>& on_tunnel) {
    for (const auto& link : links_) link->set_on_tunnel(on_tunnel);
}

}  // namespace vcity::gateway
