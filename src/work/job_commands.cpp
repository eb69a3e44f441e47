// SPDX-License-Identifier: Apache-2.0
#include "work/job.hpp"

// What may be asked of a job: each is one event.
namespace vcity::work {

Result<void> Job::lease(LeaseTerms terms, UnixMillis now, Effects* effects) {
    TRY_OK(check_step(terms.step));
    terms.attempt = steps_[terms.step].attempts + 1;
    terms.reason.resize(shorten(terms.reason).size());
    return commit({now, Leased{std::move(terms)}}, effects);
}

Result<void> Job::lease_gang(std::vector<LeaseTerms> members, UnixMillis now, Effects* effects) {
    for (LeaseTerms& terms : members) {
        TRY_OK(check_step(terms.step));
        terms.attempt = steps_[terms.step].attempts + 1;
        terms.reason.resize(shorten(terms.reason).size());
    }
    return commit({now, GangLeased{std::move(members)}}, effects);
}

Result<void> Job::start(std::uint32_t step, std::uint64_t fencing_token, UnixMillis now, Effects* effects) {
    return commit({now, Started{step, fencing_token}}, effects);
}

Result<void> Job::finish(const Finished& finished, UnixMillis now, Effects* effects) {
    return commit({now, finished}, effects);
}

Result<void> Job::fail(AttemptFailed failed, UnixMillis now, Effects* effects) {
    failed.reason.resize(shorten(failed.reason).size());
    return commit({now, std::move(failed)}, effects);
}

Result<void> Job::checkpoint(Checkpointed checkpointed, UnixMillis now, Effects* effects) {
    return commit({now, std::move(checkpointed)}, effects);
}

Result<void> Job::note_away(Unreachable away, UnixMillis now, Effects* effects) {
    return commit({now, away}, effects);
}

Result<void> Job::give_up(std::uint32_t step, Errc code, std::string reason, UnixMillis now, Effects* effects) {
    reason.resize(shorten(reason).size());
    return commit({now, GivenUp{step, code, std::move(reason)}}, effects);
}

Result<void> Job::cancel(std::string reason, UnixMillis now, Effects* effects) {
    reason.resize(shorten(reason).size());
    return commit({now, Stopped{WorkState::kCancelled, Errc::kDenied, std::move(reason)}}, effects);
}

Result<void> Job::expire(std::string reason, UnixMillis now, Effects* effects) {
    reason.resize(shorten(reason).size());
    return commit({now, Stopped{WorkState::kFailed, Errc::kTimeout, std::move(reason)}}, effects);
}

}  // namespace vcity::work
