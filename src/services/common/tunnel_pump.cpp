// SPDX-License-Identifier: Apache-2.0
#include "services/common/tunnel_pump.hpp"

#include <algorithm>
#include <utility>

#include "async/task_group.hpp"

namespace vcity::services {
namespace {

constexpr std::chrono::seconds kJoinStep{30};
constexpr std::chrono::seconds kLookEvery{10};

// Ends a tunnel on which nothing moves.
class IdleWatch {
  public:
    IdleWatch(Runtime* runtime, Duration idle_max)
        : runtime_{runtime}, idle_max_{idle_max}, moved_at_{runtime->now()}, over_{runtime} {}

    void moved() { moved_at_ = runtime_->now(); }
    void end() {
        is_over_ = true;
        over_.notify();
    }
    Task<void> run(std::function<void()> on_idle) {
        while (!is_over_) {
            const TimePoint due = moved_at_ + idle_max_;
            if (runtime_->now() >= due) {
                on_idle();
                co_return;
            }
            const TimePoint next = std::min(due, runtime_->now() + kLookEvery);
            co_await over_.wait_until(next);
        }
    }

  private:
    Runtime* runtime_;
    Duration idle_max_;
    TimePoint moved_at_;
    bool is_over_ = false;
    Notifier over_;
};

Task<void> join(Runtime* runtime, TaskGroup* group) {
    while (group->running() > 0) {
        const TimePoint patience = runtime->now() + kJoinStep;
        (void)co_await group->join(patience);
    }
}

class Pump {
  public:
    Pump(ports::WebSocket* socket, ports::ByteStream* stream, PumpOptions options)
        : socket_{socket},
          stream_{stream},
          options_{std::move(options)},
          group_{options_.runtime},
          idle_{options_.runtime, options_.idle_max},
          written_{options_.runtime} {}

    Task<TunnelCounts> run() {
        if (options_.notes != nullptr) group_.spawn(carry_notes());
        group_.spawn(carry_in());
        group_.spawn(carry_out());
        group_.spawn(idle_.run([this] { abort(); }));
        co_await join(options_.runtime, &group_);
        co_return counts_;
    }

  private:
    void abort() {
        socket_->abort();
        stream_->abort();
    }

    // From the tunnel to the stream.
    Task<void> carry_in() {
        while (true) {
            Result<ports::WebSocketMessage> message = co_await socket_->read();
            if (!message) break;
            idle_.moved();
            if (message->is_text) {
                if (message->bytes.size() > kTunnelTextBytesMax) break;
                if (options_.on_text) options_.on_text(std::string{as_text(message->bytes)});
                continue;
            }
            if (message->bytes.empty()) {
                stream_->finish();
                is_in_done_ = true;
                if (is_out_done_ && !options_.lasts_until_close) break;
                continue;
            }
            counts_.to_stream += message->bytes.size();
            const Result<void> written = co_await stream_->write(std::move(message->bytes));
            if (!written) {
                // Its output may still be on the way; what comes in has nowhere to go.
                is_in_done_ = true;
            }
        }
        if (is_in_done_ && is_out_done_) {
            co_await take_leave();
        }
        abort();
        idle_.end();
        if (options_.notes != nullptr) options_.notes->end();
    }

    // Once: the two directions may end at the same time.
    Task<void> take_leave() {
        if (std::exchange(is_leaving_, true)) co_return;
        if (options_.notes != nullptr) options_.notes->end();
        while (is_writing_) {
            co_await written_.wait_until(TimePoint::max());
        }
        co_await socket_->close();
    }

    // One writer at a time on the socket.
    Task<Result<void>> send(ports::WebSocketMessage message) {
        while (is_writing_) {
            co_await written_.wait_until(TimePoint::max());
        }
        is_writing_ = true;
        Result<void> sent = co_await socket_->write(std::move(message));
        is_writing_ = false;
        written_.notify();
        co_return sent;
    }

    Task<void> carry_notes() {
        while (true) {
            const std::string text = co_await options_.notes->next();
            if (text.empty()) break;
            ports::WebSocketMessage message;
            message.bytes.assign(text.begin(), text.end());
            message.is_text = true;
            const Result<void> sent = co_await send(std::move(message));
            if (!sent) break;
        }
    }

    // From the stream to the tunnel.
    Task<void> carry_out() {
        bool is_good = true;
        while (is_good) {
            Result<Bytes> bytes = co_await stream_->read(kTunnelPieceBytes);
            is_good = bytes.has_value();
            if (!is_good) break;
            idle_.moved();
            const bool is_end = bytes->empty();
            counts_.from_stream += bytes->size();
            ports::WebSocketMessage message;
            message.bytes = *std::move(bytes);
            const Result<void> sent = co_await send(std::move(message));
            is_good = sent.has_value();
            if (is_end) break;
        }
        if (is_good && options_.farewell) {
            std::string text = co_await options_.farewell();
            ports::WebSocketMessage message;
            message.bytes.assign(text.begin(), text.end());
            message.is_text = true;
            (void)co_await send(std::move(message));
        }
        is_out_done_ = true;
        // The other direction ends it.
        if (is_good && !options_.farewell && (!is_in_done_ || options_.lasts_until_close)) co_return;
        co_await take_leave();
        abort();
    }

    ports::WebSocket* socket_;
    ports::ByteStream* stream_;
    PumpOptions options_;
    TaskGroup group_;
    IdleWatch idle_;
    Notifier written_;
    TunnelCounts counts_;
    bool is_writing_ = false;
    bool is_in_done_ = false;
    bool is_out_done_ = false;
    bool is_leaving_ = false;
};

class Splice {
  public:
    Splice(ports::WebSocket* first, ports::WebSocket* second, const PumpOptions& options)
        : first_{first},
          second_{second},
          runtime_{options.runtime},
          group_{options.runtime},
          idle_{options.runtime, options.idle_max} {}

    Task<TunnelCounts> run() {
        group_.spawn(carry(first_, second_, &counts_.to_stream));
        group_.spawn(carry(second_, first_, &counts_.from_stream));
        group_.spawn(idle_.run([this] { abort(); }));
        co_await join(runtime_, &group_);
        co_return counts_;
    }

  private:
    void abort() {
        first_->abort();
        second_->abort();
    }

    Task<void> carry(ports::WebSocket* from, ports::WebSocket* to, std::uint64_t* count) {
        while (true) {
            Result<ports::WebSocketMessage> message = co_await from->read();
            if (!message) break;
            if (message->is_text && message->bytes.size() > kTunnelTextBytesMax) break;
            idle_.moved();
            *count += message->bytes.size();
            const Result<void> sent = co_await to->write(*std::move(message));
            if (!sent) break;
        }
        // What was sent to it before arrives; nobody writes to it any more.
        co_await to->close();
        abort();
        idle_.end();
    }

    ports::WebSocket* first_;
    ports::WebSocket* second_;
    Runtime* runtime_;
    TaskGroup group_;
    IdleWatch idle_;
    TunnelCounts counts_;
};

}  // namespace

void TunnelNotes::say(std::string text) {
    constexpr std::size_t kWaitingMax = 8;
    if (waiting_.size() >= kWaitingMax) waiting_.pop_front();
    waiting_.push_back(std::move(text));
    changed_.notify();
}

void TunnelNotes::end() {
    is_over_ = true;
    changed_.notify();
}

Task<std::string> TunnelNotes::next() {
    while (waiting_.empty() && !is_over_) {
        co_await changed_.wait_until(TimePoint::max());
    }
    if (is_over_) co_return std::string{};
    std::string text = std::move(waiting_.front());
    waiting_.pop_front();
    co_return text;
}

Task<TunnelCounts> pump(ports::WebSocket* socket, ports::ByteStream* stream, PumpOptions options) {
    Pump running{socket, stream, std::move(options)};
    co_return co_await running.run();
}

Task<TunnelCounts> splice(ports::WebSocket* first, ports::WebSocket* second, PumpOptions options) {
    Splice running{first, second, options};
    co_return co_await running.run();
}

}  // namespace vcity::services
