// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/shards/fenced_store.hpp"

#include "services/common/backoff.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::chrono::seconds kReadPatience{2};

}  // namespace

Result<void> FencedStore::check_tenure() {
    const bool is_same = lease_->epoch_record() == fence_;
    if (is_same && lease_->is_held()) return {};
    if (is_same) lease_->lose("the store has not confirmed a beat in time");
    return make_error(Errc::kDenied, "this process does not have the shard any more");
}

Error FencedStore::taken_over() {
    if (lease_->epoch_record() == fence_) lease_->lose("another process has taken over");
    return make_error(Errc::kDenied, "another process has taken over");
}

Task<Result<void>> FencedStore::commit(ports::StoreChange change) {
    CO_TRY_OK(check_tenure());
    const bool is_only_ours = change.expectations.empty();
    change.expectations.push_back({std::string{kShardEpochKey}, fence_});
    Result<void> done = co_await store_->commit(std::move(change));
    if (done || done.error().code != Errc::kConflict) co_return done;
    if (is_only_ours) co_return taken_over();
    co_return co_await explain(std::move(done).error());
}

Task<Error> FencedStore::explain(Error conflict) {
    std::string key{kShardEpochKey};
    const TimePoint deadline = runtime_->now() + kReadPatience;
    Result<std::optional<Bytes>> stored = co_await services::get_until(runtime_, store_, std::move(key), deadline);
    if (!stored) co_return make_error(Errc::kUnavailable, "a conflict, and its cause cannot be read now");
    // Once ours has been replaced it never comes back, so the answer of a moment later is as good.
    if (*stored == fence_) co_return conflict;
    co_return taken_over();
}

Task<Result<std::optional<Bytes>>> FencedStore::get(std::string key) {
    CO_TRY_OK(check_tenure());
    co_return co_await store_->get(std::move(key));
}

Task<Result<std::vector<ports::StoreEntry>>> FencedStore::scan(std::string prefix,
                                                               std::string after,
                                                               std::size_t limit) {
    CO_TRY_OK(check_tenure());
    co_return co_await store_->scan(std::move(prefix), std::move(after), limit);
}

}  // namespace vcity::scheduler
