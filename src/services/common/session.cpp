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
    if (message) heard_at_ = runtime_->now();
    if (!message) close();
    co_return message;
}

Task<void> LinkSession::run_writer() {
    while (true) {
        Result<Message> next = co_await outbox_.receive(runtime_->now() + tuning_.lost_after);
        if (!next && next.error().code == Errc::kTimeout) continue;
        if (!next) break;
        Result<void> sent = co_await send_patiently(*std::move(next));
        if (!sent) break;
    }
    close();
}

// A full connection means that the peer reads slowly: what is posted meanwhile waits in the outbox, whose bound decides
// whether it is too slow.
Task<Result<void>> LinkSession::send_patiently(Message message) {
    constexpr std::chrono::milliseconds kPause{20};
    const TimePoint give_up = runtime_->now() + tuning_.lost_after;
    while (true) {
        Message copy = message;
        Result<void> sent = co_await connection_->send(std::move(copy));
        const bool is_full = !sent && sent.error().code == Errc::kExhausted;
        if (!is_full || runtime_->now() >= give_up || !is_open()) co_return sent;
        co_await closed_.wait_until(runtime_->now() + kPause);
    }
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
