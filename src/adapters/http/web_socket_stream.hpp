// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket.hpp>

#include "ports/web_socket.hpp"

// Beast's WebSocket behind the port, for the server's and the client's end. Inside this adapter only.
namespace vcity::adapters {

class HttpTransport : public boost::beast::tcp_stream {
  public:
    using boost::beast::tcp_stream::tcp_stream;
};

// How Beast ends the transport below a WebSocket, found by the type of its argument. Beast's own versions wait for the
// peer to close first, which a hostile one never does.
template <class Handler>
void end_transport(HttpTransport* transport, Handler&& handler) {
    boost::system::error_code ignored;
    ignored = transport->socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    boost::asio::post(boost::beast::bind_front_handler(std::forward<Handler>(handler), boost::system::error_code{}));
}
template <class Handler>
void async_teardown(boost::beast::role_type /*role*/, HttpTransport& transport, Handler&& handler) {
    end_transport(&transport, std::forward<Handler>(handler));
}
template <class Handler>
void async_teardown(boost::beast::role_type /*role*/,
                    boost::asio::ssl::stream<HttpTransport>& stream,
                    Handler&& handler) {
    end_transport(&stream.next_layer(), std::forward<Handler>(handler));
}

// Next: HttpTransport& at the server, whose connection owns it; a stream of its own at the client.
template <class Next>
class BeastWebSocket final : public ports::WebSocket {
  public:
    using Stream = boost::beast::websocket::stream<Next, false>;

    template <class... Arguments>
    explicit BeastWebSocket(const ports::WebSocketLimits& limits, Arguments&&... arguments)
        : limits_{limits}, stream_{std::forward<Arguments>(arguments)...} {
        stream_.auto_fragment(false);
        stream_.read_message_max(limits.message_bytes_max);
    }
    ~BeastWebSocket() override { abort(); }
    BeastWebSocket(const BeastWebSocket&) = delete;
    BeastWebSocket& operator=(const BeastWebSocket&) = delete;

    Stream& stream() { return stream_; }
    HttpTransport& transport() { return boost::beast::get_lowest_layer(stream_); }

    void set_handshake_timeout(Duration timeout) {
        stream_.set_option(boost::beast::websocket::stream_base::timeout{timeout, limits_.silence_max, true});
    }

    Task<Result<ports::WebSocketMessage>> read() override {
        // A message grows with the bytes that arrive, not with the length it claims.
        constexpr std::size_t kPieceBytes = 16U << 10U;
        ports::WebSocketMessage message;
        auto buffer = boost::asio::dynamic_buffer(message.bytes);
        do {
            const auto [error, size] = co_await stream_.async_read_some(buffer, kPieceBytes, kAwait);
            if (error) co_return web_socket_error(error);
        } while (!stream_.is_message_done());
        message.is_text = stream_.got_text();
        co_return message;
    }

    Task<Result<void>> write(ports::WebSocketMessage message) override {
        stream_.text(message.is_text);
        const auto [error, size] = co_await stream_.async_write(boost::asio::buffer(message.bytes), kAwait);
        if (error) co_return web_socket_error(error);
        co_return Result<void>{};
    }

    Task<void> close() override {
        set_handshake_timeout(kCloseTimeout);
        const boost::beast::websocket::close_reason reason{boost::beast::websocket::close_code::normal};
        co_await stream_.async_close(reason, kAwait);
    }

    void abort() override { transport().close(); }

    static Error web_socket_error(const boost::system::error_code& code) {
        namespace websocket = boost::beast::websocket;
        const bool is_violation =
            code == websocket::condition::protocol_violation || code == websocket::error::message_too_big;
        return make_error(is_violation ? Errc::kCorrupt : Errc::kUnavailable, "websocket: " + code.message());
    }

  private:
    static constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);
    static constexpr Duration kCloseTimeout = std::chrono::seconds{2};

    ports::WebSocketLimits limits_;
    Stream stream_;
};

}  // namespace vcity::adapters
