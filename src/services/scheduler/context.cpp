// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/context.hpp"

#include "services/common/registration.hpp"

namespace vcity::scheduler {

Task<Result<void>> Context::commit(ports::StoreChange change) {
    Result<void> done = co_await services::commit_until(deps.runtime, deps.store, std::move(change),
                                                        deps.runtime->now() + kStorePatience);
    if (!done) stop_because("the store does not take writes: " + done.error().message);
    co_return done;
}

Task<Result<bool>> Context::commit_new(ports::StoreChange change) {
    const ports::StoreEntry mark = change.puts.back();
    Result<void> done = co_await services::commit_until(deps.runtime, deps.store, std::move(change),
                                                        deps.runtime->now() + kStorePatience);
    if (done) co_return true;
    if (done.error().code == Errc::kConflict) {
        // Perhaps our own attempt of before, whose effect we did not hear of.
        Result<std::optional<Bytes>> stored = co_await get(mark.key);
        if (stored) co_return *stored == mark.value;
        stop_because("the store cannot be read: " + stored.error().message);
        co_return std::move(stored).error();
    }
    stop_because("the store does not take writes: " + done.error().message);
    co_return std::move(done).error();
}

Task<Result<std::optional<Bytes>>> Context::get(std::string key) {
    co_return co_await services::get_until(deps.runtime, deps.store, std::move(key),
                                           deps.runtime->now() + kStorePatience);
}

Task<Result<void>> Context::register_identity() {
    NodeRecord record;
    record.identity = self();
    record.role = Role::kScheduler;
    record.kind = NodeKind::kStable;
    record.did_document_uri = options.did_document_uri;
    record.stake = options.stake;
    services::RegistrationDeps registration{deps.runtime, deps.chain_reader, deps.chain_writer, log};
    co_return co_await services::ensure_registered(std::move(registration), std::move(record), &stopping);
}

void Context::stop() {
    stopping = true;
    stopped.notify();
}

void Context::stop_because(std::string reason) {
    if (stopping) return;
    log.error("stopping", {{"reason", reason}});
    failure = std::move(reason);
    deps.listener->close();
    stop();
}

}  // namespace vcity::scheduler
