// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "async/channel.hpp"
#include "model/messages.hpp"
#include "ports/http.hpp"
#include "ports/web_socket.hpp"

namespace vcity::gateway {

inline constexpr std::string_view kNodeTunnelPath = "/tunnels/";

struct TunnelOptions {
    std::size_t tunnels_max = 1'000;      // open or being opened
    std::size_t tunnels_client_max = 64;  // of one client, over all its keys
    Duration open_patience = std::chrono::seconds{25};
    Duration idle_max = std::chrono::hours{1};  // without a byte either way
    ports::WebSocketLimits socket{.message_bytes_max = 64U << 10U, .silence_max = std::chrono::minutes{2}};
};

// Where both halves of a tunnel meet: the client's request waits here for the node, which dials the url that was made
// for it. The url holds 256 random bits, works once, and is forgotten when the client has gone.
class TunnelBook {
  public:
    using Post = std::function<Result<void>(TunnelOpen)>;
    // post: to the scheduler of the job. public_url: how nodes reach this gateway, e.g. "https://gw.example".
    TunnelBook(Runtime* runtime, TunnelOptions options, std::string public_url, Post post)
        : runtime_{runtime}, options_{options}, public_url_{std::move(public_url)}, post_{std::move(post)} {}

    // A node's half, as long as this lives. Destroying it ends the tunnel.
    class Half;

    // `wanted` without its tunnel and url. kExhausted: this client, or the gateway, has too many; kTimeout: the node
    // did not come; else what the scheduler or the node said.
    Task<Result<std::unique_ptr<Half>>> open(TunnelOpen wanted);

    // A request to kNodeTunnelPath; returns when the tunnel has ended.
    Task<void> meet(ports::HttpRequest request, ports::HttpResponder* responder);
    void on_refused(const TunnelRefused& refused);
    // Ends all of them.
    void stop();

    std::size_t open_tunnels() const { return count_; }
    const TunnelOptions& options() const { return options_; }

  private:
    struct Meeting;

    Result<void> take_place(const Address& client);
    void give_place(const Address& client);
    Task<Result<void>> wait_for_node(Meeting* meeting);

    Runtime* runtime_;
    TunnelOptions options_;
    std::string public_url_;
    Post post_;
    std::map<std::string, std::shared_ptr<Meeting>> by_secret_;  // that wait for their node
    std::map<TunnelId, std::shared_ptr<Meeting>> by_id_;         // all
    std::unordered_map<Address, std::size_t> by_client_;
    std::size_t count_ = 0;
    bool stopping_ = false;
};

struct TunnelBook::Meeting {
    explicit Meeting(Runtime* runtime) : changed{runtime} {}

    TunnelId id;
    Address client;
    std::string secret;
    ports::WebSocket* node = nullptr;  // lives in meet()
    std::optional<Error> refusal;
    bool is_over = false;  // nobody needs the node's half any more
    Notifier changed;
};

class TunnelBook::Half {
  public:
    Half(TunnelBook* book, std::shared_ptr<Meeting> meeting) : book_{book}, meeting_{std::move(meeting)} {}
    ~Half();
    Half(const Half&) = delete;
    Half& operator=(const Half&) = delete;

    // Valid as long as this.
    ports::WebSocket* socket() const { return meeting_->node; }

  private:
    friend class TunnelBook;
    TunnelBook* book_;
    std::shared_ptr<Meeting> meeting_;
};

}  // namespace vcity::gateway
