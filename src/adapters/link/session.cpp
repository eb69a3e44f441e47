// SPDX-License-Identifier: Apache-2.0
#include "adapters/link/session.hpp"

#include <utility>

#include "wire/wire.hpp"

namespace vcity::adapters {
namespace {

Error closed() {
    return make_error(Errc::kUnavailable, "connection is closed");
}

}  // namespace

std::shared_ptr<LinkSession> LinkSession::start(Runtime* runtime,
                                                std::unique_ptr<WebSocket> socket,
                                                const LinkOptions& options,
                                                std::shared_ptr<void> slot) {
    auto session = std::make_shared<LinkSession>(runtime, std::move(socket), options, std::move(slot));
    runtime->spawn(run_reader(session));
    runtime->spawn(run_writer(session));
    runtime->spawn(run_guard(session));
    return session;
}

LinkSession::LinkSession(Runtime* runtime,
                         std::unique_ptr<WebSocket> socket,
                         const LinkOptions& options,
                         std::shared_ptr<void> slot)
    : runtime_{runtime},
      socket_{std::move(socket)},
      options_{options},
      slot_{std::move(slot)},

      wake_writer_{runtime},
      wake_receiver_{runtime},
      wake_reader_{runtime},
      wake_guard_{runtime} {}

Result<void> LinkSession::send(const Message& message) {
    if (is_ending_) return closed();
    if (outgoing_.size() >= options_.outgoing_frames_max) return make_error(Errc::kExhausted, "peer is too slow");
    Bytes frame = wire::encode(message);
    if (frame.size() > options_.frame_bytes_max) return make_error(Errc::kInvalid, "message is too long for a frame");
    if (frame.size() > options_.outgoing_bytes_max - outgoing_bytes_) {
        return make_error(Errc::kExhausted, "peer is too slow");
    }
    outgoing_bytes_ += frame.size();
    outgoing_.push_back(std::move(frame));
    wake_writer_.notify();
    return {};
}

Task<Result<Message>> LinkSession::receive(TimePoint deadline) {
    while (!is_dropped_ && incoming_.empty() && !input_error_) {
        const bool notified = co_await wake_receiver_.wait_until(deadline);
        if (!notified && !is_dropped_ && incoming_.empty() && !input_error_) {
            co_return make_error(Errc::kTimeout, "no message in time");
        }
    }
    if (is_dropped_) co_return closed();
    if (!incoming_.empty()) co_return take_incoming();
    // The reason is told once.
    const Error reason = input_error_.value_or(closed());
    input_error_ = closed();
    co_return reason;
}

Message LinkSession::take_incoming() {
    Message message = std::move(incoming_.front().message);
    incoming_bytes_ -= incoming_.front().bytes;
    incoming_.pop_front();
    wake_reader_.notify();
    return message;
}

void LinkSession::close() {
    if (is_dropped_) return;
    is_dropped_ = true;
    incoming_.clear();
    wake_receiver_.notify();
    begin_end();
}

void LinkSession::begin_end() {
    is_ending_ = true;
    wake_writer_.notify();
    wake_reader_.notify();
    wake_guard_.notify();
}

bool LinkSession::has_room() const {
    return incoming_.size() < options_.incoming_frames_max && incoming_bytes_ < options_.incoming_bytes_max;
}

// An owner who takes nothing for the whole idle timeout has forgotten the connection.
Task<Result<void>> LinkSession::wait_for_room() {
    const TimePoint deadline = runtime_->now() + options_.idle_timeout;
    while (!has_room() && !is_ending_) {
        const bool notified = co_await wake_reader_.wait_until(deadline);
        if (!notified && !has_room()) co_return make_error(Errc::kExhausted, "nobody takes what arrives");
    }
    co_return Result<void>{};
}

Task<Result<void>> LinkSession::read_one() {
    CO_TRY(const Bytes frame, co_await socket_->read());
    CO_TRY(auto message, wire::parse_message(frame));
    if (is_ending_) co_return closed();
    incoming_bytes_ += frame.size();
    incoming_.push_back(Incoming{std::move(message), frame.size()});
    wake_receiver_.notify();
    co_return co_await wait_for_room();
}

Task<void> LinkSession::run_reader(std::shared_ptr<LinkSession> session) {
    Result<void> result;
    while (result && !session->is_ending_) {
        result = co_await session->read_one();
        session->socket_->set_frame_bytes_max(session->options_.frame_bytes_max);
    }
    if (!result && result.error().code == Errc::kTimeout) result.error().code = Errc::kUnavailable;
    session->input_error_ = result ? closed() : result.error();
    session->wake_receiver_.notify();
    session->begin_end();
}

// One frame, or a wait for one.
Task<Result<void>> LinkSession::write_next() {
    if (outgoing_.empty()) {
        co_await wake_writer_.wait_until(TimePoint::max());
        co_return Result<void>{};
    }
    Bytes frame = std::move(outgoing_.front());
    const std::size_t bytes = frame.size();
    outgoing_.pop_front();
    const auto written = co_await socket_->write(std::move(frame));
    outgoing_bytes_ -= bytes;
    co_return written;
}

Task<void> LinkSession::run_writer(std::shared_ptr<LinkSession> session) {
    Result<void> result;
    while (result && !(session->is_ending_ && session->outgoing_.empty())) {
        result = co_await session->write_next();
    }
    session->begin_end();
    if (result) {
        const bool is_corrupt = session->input_error_.value_or(closed()).code == Errc::kCorrupt;
        co_await session->socket_->close(is_corrupt ? CloseReason::kProtocolError : CloseReason::kNormal);
    }
    session->socket_->abort();
    session->has_ended_ = true;
    session->wake_guard_.notify();
}

Task<void> LinkSession::run_guard(std::shared_ptr<LinkSession> session) {
    while (!session->is_ending_) {
        co_await session->wake_guard_.wait_until(TimePoint::max());
    }
    const TimePoint deadline = session->runtime_->now() + session->options_.close_timeout;
    bool is_in_time = true;
    while (is_in_time && !session->has_ended_) {
        is_in_time = co_await session->wake_guard_.wait_until(deadline);
    }
    if (!session->has_ended_) session->socket_->abort();
}

}  // namespace vcity::adapters
