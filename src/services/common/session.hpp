// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/channel.hpp"
#include "ports/link.hpp"

namespace vcity::services {

struct SessionTuning {
    Duration heartbeat_every = std::chrono::seconds{5};
    Duration lost_after = std::chrono::seconds{15};  // without any frame; three heartbeats
    // Messages; beyond it the peer is too slow and is cut off. Above the tokens of the greatest output, which a
    // scheduler sends again at once to a gateway that comes back.
    std::size_t outbox_max = 40'000;
};

// An authenticated connection in use. Any task may post(); one task reads; the writer and the heartbeat run beside it
// in the owner's TaskGroup. The session must outlive those tasks: close(), then join the group.
class LinkSession {
  public:
    LinkSession(Runtime* runtime, std::unique_ptr<ports::Connection> connection, SessionTuning tuning)
        : runtime_{runtime},
          connection_{std::move(connection)},
          tuning_{tuning},
          outbox_{runtime, tuning.outbox_max},
          closed_{runtime},
          heard_at_{runtime->now()} {}
    LinkSession(const LinkSession&) = delete;
    LinkSession& operator=(const LinkSession&) = delete;

    // Queues; closes the session when the queue is full. False when it is or was closed.
    bool post(Message message);
    // The next message. kTimeout when the peer was silent for too long (closed then), kUnavailable when it broke.
    Task<Result<Message>> receive();
    // Sends what was posted until the session closes.
    Task<void> run_writer();
    // Posts what make() gives, at every interval, until the session closes.
    Task<void> run_heartbeat(std::function<Heartbeat()> make);
    void close();
    bool is_open() const { return !outbox_.is_closed(); }
    // For senders of bulk: half of the queue stays free for everybody else.
    bool has_room() const { return is_open() && outbox_.size() < tuning_.outbox_max / 2; }
    std::string remote() const { return connection_->remote(); }
    // When the last message came; at first when the session began.
    TimePoint heard_at() const { return heard_at_; }

  private:
    Task<Result<void>> send_patiently(Message message);

    Runtime* runtime_;
    std::unique_ptr<ports::Connection> connection_;
    SessionTuning tuning_;
    Channel<Message> outbox_;
    Notifier closed_;
    TimePoint heard_at_;
};

}  // namespace vcity::services
