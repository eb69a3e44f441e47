// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "async/channel.hpp"
#include "services/common/backoff.hpp"
#include "services/common/epoch_book.hpp"
#include "services/common/handshake.hpp"
#include "services/common/session.hpp"
#include "telemetry/log.hpp"

namespace vcity::services {

// What a peer does with its link to a scheduler. Called by PeerLink on the role's runtime.
class PeerLinkHandler {
  public:
    virtual ~PeerLinkHandler() = default;
    // A new session stands; post() on it until on_disconnected().
    virtual void on_connected(LinkSession* session, const LinkWelcome& welcome) = 0;
    // Parses and enqueues; must not wait. Heartbeats of the scheduler are not passed on.
    virtual void on_message(Message message) = 0;
    virtual void on_disconnected() = 0;
    virtual Heartbeat make_heartbeat() = 0;
    // The scheduler does not accept this identity now. Before the next try: perhaps a reorganisation of the chain took
    // the registration back.
    virtual Task<void> on_denied() = 0;
};

struct PeerLinkDeps {
    Runtime* runtime = nullptr;
    ports::LinkDialer* dialer = nullptr;
    Log log;
    ports::Store* epochs = nullptr;  // where the scheduler's epoch is kept; nullptr: in memory only
};

struct PeerLinkOptions {
    std::vector<std::string> endpoints;  // of the processes that may act for the scheduler; at least one
    Introduction introduction;
    SessionTuning session;
    BackoffRange backoff;
};

// Of several endpoints at most one process acts for the scheduler now. Whoever looks for it does not wait long for one
// that is silent, and has asked all of them within a second or two.
inline constexpr std::chrono::milliseconds kSeveralBackoff{400};
inline constexpr std::chrono::seconds kSeveralPatience{3};
// With several endpoints a link that is silent for so long has lost its process, which another replaces within seconds.
inline constexpr std::chrono::milliseconds kSeveralLostAfter{3'500};

// Keeps one link to a scheduler alive: dials, introduces itself, reads, and starts again with jittered backoff when the
// link breaks, at the next endpoint, until stop(). A process whose epoch is smaller than one that was seen is not
// talked to. run() returns when no session is left; the handler must outlive it.
class PeerLink {
  public:
    PeerLink(PeerLinkDeps deps, PeerLinkOptions options, PeerLinkHandler* handler);

    Task<void> run();
    void stop();
    bool is_connected() const { return session_ != nullptr; }

  private:
    Task<Result<void>> connect_once();
    Task<Result<LinkWelcome>> greet(ports::Connection* connection);
    const std::string& endpoint() const { return options_.endpoints[turn_ % options_.endpoints.size()]; }
    Task<Result<void>> serve(std::unique_ptr<ports::Connection> connection, LinkWelcome welcome);

    PeerLinkDeps deps_;
    PeerLinkOptions options_;
    PeerLinkHandler* handler_;
    Notifier stopped_;
    bool stopping_ = false;
    LinkSession* session_ = nullptr;
    Backoff backoff_;
    EpochBook epochs_;
    std::size_t turn_ = 0;
};

}  // namespace vcity::services
