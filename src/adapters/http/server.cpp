// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/server.hpp"

#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "adapters/http/response_head.hpp"
#include "adapters/http/server_state.hpp"

namespace vcity::adapters {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr auto kAcceptPause = std::chrono::milliseconds{100};
constexpr auto kCutGrace = std::chrono::seconds{1};

Result<void> listen(HttpServer::State* state) {
    boost::system::error_code error;
    const auto address = asio::ip::make_address(state->options.address, error);
    if (error) return make_error(Errc::kInvalid, "not an address to listen on: " + state->options.address);
    const tcp::endpoint endpoint{address, state->options.port};
    tcp::acceptor& acceptor = state->acceptor;
    error = acceptor.open(endpoint.protocol(), error);
    if (!error) error = acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
    if (!error) error = acceptor.bind(endpoint, error);
    if (!error) error = acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (!error) state->port = acceptor.local_endpoint(error).port();
    if (!error) return {};
    const std::string where = state->options.address + ":" + std::to_string(state->options.port);
    return make_error(Errc::kUnavailable, "cannot listen on " + where + ": " + error.message());
}

// Where every place is taken, whoever has owed a request for longest has to go: silent and slow clients keep nobody
// out. What is being answered is never cut.
bool make_room(const HttpServer::State& state) {
    if (state.waiting.size() + state.busy.size() < state.options.connections_max) return true;
    if (state.waiting.empty()) return false;
    state.waiting.front()->make_way();
    return true;
}

Task<void> accept_connections(std::shared_ptr<HttpServer::State> state) {
    while (state->acceptor.is_open()) {
        auto [error, socket] = co_await state->acceptor.async_accept(kAwait);
        if (!state->acceptor.is_open()) break;
        if (error) {
            // Most likely no file descriptor is left: some connection has to end first.
            state->options.log.warn("accept_failed", {{"reason", error.message()}});
            co_await state->runtime->sleep_until(state->runtime->now() + kAcceptPause);
            continue;
        }
        auto task = make_room(*state) ? serve_connection(state, std::move(socket))
                                      : refuse_connection(state, std::move(socket));
        state->runtime->spawn(std::move(task));
    }
}

// Connections may go while they are told.
std::vector<ServerConnection*> all_connections(const HttpServer::State& state) {
    return {state.connections.begin(), state.connections.end()};
}

void stop_accepting(HttpServer::State* state) {
    state->is_stopping = true;
    boost::system::error_code ignored;
    ignored = state->acceptor.close(ignored);
}

Task<bool> wait_for_end(std::shared_ptr<HttpServer::State> state, TimePoint deadline) {
    bool is_in_time = true;
    while (is_in_time && !state->connections.empty()) {
        is_in_time = co_await state->connection_ended.wait_until(deadline);
    }
    const bool is_over = state->connections.empty();
    co_return is_over;
}

}  // namespace

const std::string& HttpServer::State::date() {
    const std::uint64_t second = runtime->unix_now().count() / 1000;
    if (second != date_second_) {
        date_ = http_date(second);
        date_second_ = second;
    }
    return date_;
}

Result<std::unique_ptr<HttpServer>> HttpServer::make(Runtime* runtime,
                                                     const asio::any_io_executor& executor,
                                                     ports::HttpHandler* handler,
                                                     const HttpServerOptions& options) {
    const auto state = std::make_shared<State>(runtime, executor, handler, options);
    TRY_OK(listen(state.get()));
    runtime->spawn(accept_connections(state));
    return std::unique_ptr<HttpServer>{new HttpServer{state}};
}

HttpServer::~HttpServer() {
    stop_accepting(state_.get());
    for (ServerConnection* connection : all_connections(*state_)) connection->cut();
}

Task<Result<void>> HttpServer::shutdown(TimePoint deadline) {
    const std::shared_ptr<State> state = state_;
    stop_accepting(state.get());
    for (ServerConnection* connection : all_connections(*state)) connection->end_when_idle();
    const bool finished = co_await wait_for_end(state, deadline);
    if (finished) co_return Result<void>{};
    for (ServerConnection* connection : all_connections(*state)) connection->cut();
    const bool ended = co_await wait_for_end(state, state->runtime->now() + kCutGrace);
    if (ended) co_return Result<void>{};
    co_return make_error(Errc::kTimeout, "a request handler does not end");
}

std::uint16_t HttpServer::port() const {
    return state_->port;
}

std::size_t HttpServer::connections() const {
    return state_->connections.size();
}

}  // namespace vcity::adapters
