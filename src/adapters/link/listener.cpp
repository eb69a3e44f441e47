// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "adapters/link/link.hpp"
#include "adapters/link/session.hpp"
#include "adapters/link/websocket.hpp"

namespace vcity::adapters {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr auto kAcceptPause = std::chrono::milliseconds{100};

// Counts one connection for as long as it is held. Not by the listener's state: connections wait in there.
struct Slot {
    explicit Slot(std::shared_ptr<std::size_t> counter) : connections{std::move(counter)} { ++*connections; }
    ~Slot() { --*connections; }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

    std::shared_ptr<std::size_t> connections;
};

}  // namespace

// Shared by the handle and the listener's tasks, which end soon after close().
struct WebSocketListener::State {
    State(Runtime* of, const asio::any_io_executor& executor, const LinkListenerOptions& chosen)
        : runtime{of}, options{chosen}, acceptor{executor}, ready{of, chosen.connections_max} {}

    Result<void> listen();
    static Task<void> shake_hands(std::shared_ptr<State> state, tcp::socket socket, std::shared_ptr<Slot> slot);

    Runtime* runtime;
    LinkListenerOptions options;
    std::shared_ptr<TlsSettings> tls;
    tcp::acceptor acceptor;
    Channel<std::unique_ptr<ports::Connection>> ready;
    std::shared_ptr<std::size_t> connections = std::make_shared<std::size_t>(0);
    std::uint16_t port = 0;
};

Result<void> WebSocketListener::State::listen() {
    boost::system::error_code error;
    const auto address = asio::ip::make_address(options.address, error);
    if (error) return make_error(Errc::kInvalid, "not an address to listen on: " + options.address);
    const tcp::endpoint endpoint{address, options.port};
    error = acceptor.open(endpoint.protocol(), error);
    if (!error) error = acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
    if (!error) error = acceptor.bind(endpoint, error);
    if (!error) error = acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (!error) port = acceptor.local_endpoint(error).port();
    if (!error) return {};
    const std::string where = options.address + ":" + std::to_string(options.port);
    return make_error(Errc::kUnavailable, "cannot listen on " + where + ": " + error.message());
}

Result<std::unique_ptr<WebSocketListener>> WebSocketListener::make(Runtime* runtime,
                                                                   const asio::any_io_executor& executor,
                                                                   const LinkListenerOptions& options) {
    const auto state = std::make_shared<State>(runtime, executor, options);
    if (options.certificate_file.empty() != options.key_file.empty()) {
        return make_error(Errc::kInvalid, "a certificate and its key come together");
    }
    if (!options.certificate_file.empty()) {
        TRY(state->tls, load_server_tls(options.certificate_file, options.key_file));
    }
    TRY_OK(state->listen());
    runtime->spawn(run(state));
    return std::unique_ptr<WebSocketListener>{new WebSocketListener{state}};
}

WebSocketListener::WebSocketListener(std::shared_ptr<State> state) : state_{std::move(state)} {}

WebSocketListener::~WebSocketListener() {
    WebSocketListener::close();
}

Task<Result<std::unique_ptr<ports::Connection>>> WebSocketListener::accept() {
    return state_->ready.receive(TimePoint::max());
}

void WebSocketListener::close() {
    state_->ready.close();
    boost::system::error_code ignored;
    ignored = state_->acceptor.close(ignored);
}

std::uint16_t WebSocketListener::port() const {
    return state_->port;
}

std::size_t WebSocketListener::connections() const {
    return *state_->connections;
}

Task<void> WebSocketListener::State::shake_hands(std::shared_ptr<State> state,
                                                 tcp::socket socket,
                                                 std::shared_ptr<Slot> slot) {
    LinkOptions first = state->options.link;
    first.frame_bytes_max = std::min(first.frame_bytes_max, state->options.first_frame_bytes_max);
    auto accepted = co_await accept_websocket(std::move(socket), state->tls, first);
    if (!accepted) {
        state->options.log.debug("handshake_failed", {{"reason", accepted.error().message}});
        co_return;
    }
    auto session = LinkSession::start(state->runtime, *std::move(accepted), state->options.link, std::move(slot));
    // After close() the channel refuses, and dropping the handle closes the connection.
    state->ready.try_send(std::make_unique<LinkConnection>(std::move(session)));
}

Task<void> WebSocketListener::run(std::shared_ptr<State> state) {
    while (state->acceptor.is_open()) {
        auto [error, socket] = co_await state->acceptor.async_accept(kAwait);
        if (!state->acceptor.is_open()) break;
        if (error) {
            // Most likely no file descriptor is left: some connection has to end first.
            state->options.log.warn("accept_failed", {{"reason", error.message()}});
            co_await state->runtime->sleep_until(state->runtime->now() + kAcceptPause);
            continue;
        }
        if (*state->connections >= state->options.connections_max) continue;
        auto slot = std::make_shared<Slot>(state->connections);
        state->runtime->spawn(State::shake_hands(state, std::move(socket), std::move(slot)));
    }
}

}  // namespace vcity::adapters
