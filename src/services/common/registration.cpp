// SPDX-License-Identifier: Apache-2.0
#include "services/common/registration.hpp"

#include "codec/hex.hpp"
#include "services/common/backoff.hpp"

namespace vcity::services {
namespace {

Result<void> judge(const NodeRecord& wanted, const NodeRecord& found) {
    const std::string who = codec::to_hex(wanted.identity);
    if (found.role != wanted.role) {
        return make_error(Errc::kDenied, who + " is already registered as " + std::string{to_string(found.role)});
    }
    if (!found.active) return make_error(Errc::kDenied, who + " is registered but not active: stake too low or banned");
    return {};
}

}  // namespace

Task<Result<void>> ensure_registered(RegistrationDeps deps, NodeRecord record, const bool* stopping) {
    Backoff backoff{deps.runtime, BackoffRange{}};
    while (!*stopping) {
        Result<std::optional<NodeRecord>> found = co_await deps.reader->node(record.identity);
        if (found && found->has_value()) co_return judge(record, **found);
        if (found) {
            NodeRecord copy = record;
            Result<Hash> written = co_await deps.writer->register_node(std::move(copy));
            if (written) continue;
            // A conflict may be our own transaction of before a crash: the next read tells.
            deps.log.warn("registration_failed", {{"reason", written.error().message}});
        }
        co_await deps.runtime->sleep_until(deps.runtime->now() + backoff.next());
    }
    co_return make_error(Errc::kUnavailable, "stopped before the registration was done");
}

}  // namespace vcity::services
