// SPDX-License-Identifier: Apache-2.0
#include "services/common/session.hpp"

namespace vcity::services {

bool LinkSession::post(Message message) {
    if (outbox_.try_send(std::move(message))) return true;
    close();
    return false;
}

Task<Result<Message>> LinkSession::receive() {
    if (!is_open()) co_return make_error(Errc::kUnavailable, "the session is closed");
    Result<Message> message = co_await connection_->receive(runtime_->now() + tuning_.lost_after);
    if (!message) close();
    co_return message;
}

Task<void> LinkSession::run_writer() {
    while (true) {
        Result<Message> next = co_await outbox_.receive(runtime_->now() + tuning_.lost_after);
        if (!next && next.error().code == Errc::kTimeout) continue;
        if (!next) break;
        Result<void> sent = co_await connection_->send(*std::move(next));
        if (!sent) break;
    }
    close();
}

Task<void> LinkSession::run_heartbeat(std::function<Heartbeat()> make) {
    while (post(make())) {
        // Only close() notifies: the next post() then fails.
        co_await closed_.wait_until(runtime_->now() + tuning_.heartbeat_every);
    }
}

void LinkSession::close() {
    if (!is_open()) return;
    outbox_.close();
    closed_.notify();
    connection_->close();
}

}  // namespace vcity::services
