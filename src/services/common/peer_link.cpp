// SPDX-License-Identifier: Apache-2.0
#include "services/common/peer_link.hpp"

#include "async/task_group.hpp"

namespace vcity::services {

PeerLink::PeerLink(PeerLinkDeps deps, PeerLinkOptions options, PeerLinkHandler* handler)
    : deps_{std::move(deps)},
      options_{std::move(options)},
      handler_{handler},
      stopped_{deps_.runtime},
      backoff_{deps_.runtime, options_.backoff} {}

Task<void> PeerLink::run() {
    while (!stopping_) {
        Result<void> ended = co_await connect_once();
        if (stopping_) break;
        const Duration pause = backoff_.next();
        deps_.log.info("link_down", {{"endpoint", options_.endpoint}, {"reason", ended.error().message}});
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
    const TimePoint deadline = deps_.runtime->now() + kHandshakeTimeout;
    CO_TRY(std::unique_ptr<ports::Connection> connection, co_await deps_.dialer->dial(options_.endpoint, deadline));
    Result<LinkWelcome> welcome = co_await introduce(deps_.runtime, connection.get(), options_.introduction);
    if (!welcome) connection->close();
    if (!welcome) co_return std::move(welcome).error();
    if (stopping_) co_return make_error(Errc::kUnavailable, "stopping");
    co_return co_await serve(std::move(connection), *welcome);
}

Task<Result<void>> PeerLink::serve(std::unique_ptr<ports::Connection> connection, LinkWelcome welcome) {
    LinkSession session{deps_.runtime, std::move(connection), options_.session};
    TaskGroup group{deps_.runtime};
    group.spawn(session.run_writer());
    session_ = &session;
    handler_->on_connected(&session, welcome);
    group.spawn(session.run_heartbeat([this] { return handler_->make_heartbeat(); }));
    deps_.log.info("link_up", {{"endpoint", options_.endpoint}});
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
