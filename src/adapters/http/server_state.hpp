// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_set>

#include <boost/asio/ip/tcp.hpp>

#include "adapters/http/server.hpp"
#include "async/channel.hpp"

namespace vcity::adapters {

// What the server may ask of one of its connections.
class ServerConnection {
  public:
    virtual ~ServerConnection() = default;
    // Ends it now if no request is in progress.
    virtual void end_when_idle() = 0;
    virtual void cut() = 0;
    // Gives its place to another connection. Only of one that waits for a request.
    virtual void make_way() = 0;
};

// Shared by the server's handle and its tasks.
struct HttpServer::State {
    State(Runtime* of, const boost::asio::any_io_executor& executor, ports::HttpHandler* to, HttpServerOptions chosen)
        : runtime{of}, handler{to}, options{std::move(chosen)}, acceptor{executor}, connection_ended{of} {}

    // The Date field of now; made once a second.
    const std::string& date();

    Runtime* runtime;
    ports::HttpHandler* handler;
    HttpServerOptions options;
    boost::asio::ip::tcp::acceptor acceptor;
    std::uint16_t port = 0;
    bool is_stopping = false;
    std::unordered_set<ServerConnection*> connections;
    // Each connection is in one of these. The first and the second have a place, of connections_max.
    std::list<ServerConnection*> waiting;  // for a whole request; who has waited longest comes first
    std::list<ServerConnection*> busy;     // with an answer
    std::list<ServerConnection*> leaving;  // cut, but not yet ended
    Notifier connection_ended;

  private:
    std::uint64_t date_second_ = 0;
    std::string date_;
};

// Serves one connection to its end; registers itself in the state meanwhile.
Task<void> serve_connection(std::shared_ptr<HttpServer::State> state, boost::asio::ip::tcp::socket socket);

// Says that there are too many connections and closes.
Task<void> refuse_connection(std::shared_ptr<HttpServer::State> state, boost::asio::ip::tcp::socket socket);

}  // namespace vcity::adapters
