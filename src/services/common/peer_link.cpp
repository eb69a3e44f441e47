// SPDX-License-Identifier: Apache-2.0
#include "services/common/peer_link.hpp"

#include <algorithm>

#include "async/task_group.hpp"
#include "base/check.hpp"

namespace vcity::services {
namespace {

PeerLinkOptions adapt(PeerLinkOptions options) {
    CHECK(!options.endpoints.empty());
    if (options.endpoints.size() == 1) return options;
    options.introduction.patience = kSeveralPatience;
    options.backoff.longest = std::min<Duration>(options.backoff.longest, kSeveralBackoff);
    options.backoff.first = std::min(options.backoff.first, options.backoff.longest);
    options.session.lost_after = std::min<Duration>(options.session.lost_after, kSeveralLostAfter);
    options.session.heartbeat_every = std::min(options.session.heartbeat_every, options.session.lost_after / 3);
    return options;
}

}  // namespace

PeerLink::PeerLink(PeerLinkDeps deps, PeerLinkOptions options, PeerLinkHandler* handler)
    : deps_{std::move(deps)},
      options_{adapt(std::move(options))},
      handler_{handler},
      stopped_{deps_.runtime},
      backoff_{deps_.runtime, options_.backoff},
      epochs_{deps_.runtime, deps_.epochs} {}

Task<void> PeerLink::run() {
    while (!stopping_) {
        Result<void> ended = co_await connect_once();
        if (stopping_) break;
        const Duration pause = backoff_.next();
        deps_.log.info("link_down", {{"endpoint", endpoint()}, {"reason", ended.error().message}});
        ++turn_;
        if (ended.error().code == Errc::kDenied) {
            co_await handler_->on_denied();
        }
        co_await stopped_.wait_until(deps_.runtime->now() + pause);
    }
}

void PeerLink::stop() {
    stopping_ = true;
    stopped_.notify();
    if (session_ != nullptr) session_->close();
}

Task<Result<void>> PeerLink::connect_once() {
    const TimePoint deadline = deps_.runtime->now() + options_.introduction.patience;
    CO_TRY(std::unique_ptr<ports::Connection> connection, co_await deps_.dialer->dial(endpoint(), deadline));
    Result<LinkWelcome> welcome = co_await greet(connection.get());
    if (!welcome) connection->close();
    if (!welcome) co_return std::move(welcome).error();
    if (stopping_) co_return make_error(Errc::kUnavailable, "stopping");
    co_return co_await serve(std::move(connection), *welcome);
}

Task<Result<LinkWelcome>> PeerLink::greet(ports::Connection* connection) {
    CO_TRY(const LinkWelcome welcome, co_await introduce(deps_.runtime, connection, options_.introduction));
    CO_TRY_OK(co_await epochs_.admit(welcome.scheduler, welcome.epoch));
    co_return welcome;
}

Task<Result<void>> PeerLink::serve(std::unique_ptr<ports::Connection> connection, LinkWelcome welcome) {
    LinkSession session{deps_.runtime, std::move(connection), options_.session};
    TaskGroup group{deps_.runtime};
    group.spawn(session.run_writer());
    session_ = &session;
    handler_->on_connected(&session, welcome);
    group.spawn(session.run_heartbeat([this] { return handler_->make_heartbeat(); }));
    deps_.log.info("link_up", {{"endpoint", endpoint()}, {"epoch", welcome.epoch}});
    Error reason = make_error(Errc::kUnavailable, "closed");
    while (true) {
        Result<Message> message = co_await session.receive();
        if (!message) {
            reason = std::move(message).error();
            break;
        }
        backoff_.reset();
        if (!std::holds_alternative<Heartbeat>(*message)) handler_->on_message(*std::move(message));
    }
    session_ = nullptr;
    handler_->on_disconnected();
    session.close();
    // The session may go only after its tasks; close() has ended every wait of theirs.
    while (group.running() > 0) {
        Result<void> joined = co_await group.join(deps_.runtime->now() + kHandshakeTimeout);
        if (!joined) deps_.log.warn("session_tasks_linger", {{"running", group.running()}});
    }
    co_return reason;
}

}  // namespace vcity::services
