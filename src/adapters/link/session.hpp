// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "adapters/link/websocket.hpp"
#include "async/channel.hpp"
#include "ports/link.hpp"

namespace vcity::adapters {

// A connection's life behind its handle: one task reads, one writes, one sees to it that the end comes in time. The
// session lives until all three ended and the handle is gone, so a handle may be dropped at any moment.
//
// Open until close() or until reading fails. Then the writer sends what is queued and takes leave, and after
// close_timeout the connection is cut whatever the peer does.
class LinkSession {
  public:
    // The slot is held as long as the connection counts against its listener's limit.
    static std::shared_ptr<LinkSession> start(Runtime* runtime,
                                              std::unique_ptr<WebSocket> socket,
                                              const LinkOptions& options,
                                              std::shared_ptr<void> slot);

    Result<void> send(const Message& message);
    Task<Result<Message>> receive(TimePoint deadline);
    void close();
    const std::string& remote() const { return socket_->remote(); }
    const std::string& target() const { return socket_->target(); }

    LinkSession(Runtime* runtime,
                std::unique_ptr<WebSocket> socket,
                const LinkOptions& options,
                std::shared_ptr<void> slot);

  private:
    struct Incoming {
        Message message;
        std::size_t bytes = 0;  // of the frame it came in
    };

    static Task<void> run_reader(std::shared_ptr<LinkSession> session);
    static Task<void> run_writer(std::shared_ptr<LinkSession> session);
    static Task<void> run_guard(std::shared_ptr<LinkSession> session);
    Task<Result<void>> read_one();
    Task<Result<void>> write_next();
    Task<Result<void>> wait_for_room();
    Message take_incoming();
    bool has_room() const;
    void begin_end();

    Runtime* runtime_;
    std::unique_ptr<WebSocket> socket_;
    LinkOptions options_;
    std::shared_ptr<void> slot_;

    std::deque<Bytes> outgoing_;
    std::size_t outgoing_bytes_ = 0;
    std::deque<Incoming> incoming_;
    std::size_t incoming_bytes_ = 0;
    std::optional<Error> input_error_;  // why reading ended
    bool is_ending_ = false;            // nothing more may be queued
    bool is_dropped_ = false;           // close() was called: nothing more is handed out
    bool has_ended_ = false;            // the writer took leave or gave up
    Notifier wake_writer_;
    Notifier wake_receiver_;
    Notifier wake_reader_;
    Notifier wake_guard_;
};

// The handle that a service owns.
class LinkConnection final : public ports::Connection {
  public:
    explicit LinkConnection(std::shared_ptr<LinkSession> session) : session_{std::move(session)} {}
    ~LinkConnection() override { session_->close(); }
    LinkConnection(const LinkConnection&) = delete;
    LinkConnection& operator=(const LinkConnection&) = delete;

    Task<Result<void>> send(Message message) override { co_return session_->send(message); }
    Task<Result<Message>> receive(TimePoint deadline) override { return session_->receive(deadline); }
    void close() override { session_->close(); }
    std::string remote() const override { return session_->remote(); }
    std::string path() const override { return session_->target(); }

  private:
    std::shared_ptr<LinkSession> session_;
};

}  // namespace vcity::adapters
