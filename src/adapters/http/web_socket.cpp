// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket.hpp>

#include "adapters/http/client_connection.hpp"
#include "adapters/http/client_tls.hpp"
#include "adapters/http/web_socket_accept.hpp"
#include "adapters/http/web_socket_client.hpp"
#include "codec/url.hpp"

namespace vcity::adapters {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReasonBytesMax = 512;

class HttpTransport : public beast::tcp_stream {
  public:
    using beast::tcp_stream::tcp_stream;
};

// How Beast ends the transport below a WebSocket, found by the type of its argument. Beast's own versions wait for the
// peer to close first, which a hostile one never does.
template <class Handler>
void end_transport(HttpTransport* transport, Handler&& handler) {
    boost::system::error_code ignored;
    ignored = transport->socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    asio::post(beast::bind_front_handler(std::forward<Handler>(handler), boost::system::error_code{}));
}
template <class Handler>
void async_teardown(beast::role_type /*role*/, HttpTransport& transport, Handler&& handler) {
    end_transport(&transport, std::forward<Handler>(handler));
}
template <class Handler>
void async_teardown(beast::role_type /*role*/, asio::ssl::stream<HttpTransport>& stream, Handler&& handler) {
    end_transport(&stream.next_layer(), std::forward<Handler>(handler));
}

template <class Next>
class BeastWebSocket final : public ports::WebSocket {
  public:
    using Stream = websocket::stream<Next, false>;

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
    HttpTransport& transport() { return beast::get_lowest_layer(stream_); }

    void set_handshake_timeout(Duration timeout) {
        stream_.set_option(websocket::stream_base::timeout{timeout, limits_.silence_max, true});
    }

    Task<Result<ports::WebSocketMessage>> read() override {
        // A message grows with the bytes that arrive, not with the length it claims.
        constexpr std::size_t kPieceBytes = 16U << 10U;
        ports::WebSocketMessage message;
        auto buffer = asio::dynamic_buffer(message.bytes);
        do {
            const auto [error, size] = co_await stream_.async_read_some(buffer, kPieceBytes, kAwait);
            if (error) co_return web_socket_error(error);
        } while (!stream_.is_message_done());
        message.is_text = stream_.got_text();
        co_return message;
    }

    Task<Result<void>> write(ports::WebSocketMessage message) override {
        stream_.text(message.is_text);
        const auto [error, size] = co_await stream_.async_write(asio::buffer(message.bytes), kAwait);
        if (error) co_return web_socket_error(error);
        co_return Result<void>{};
    }

    Task<void> close() override {
        set_handshake_timeout(kCloseTimeout);
        const websocket::close_reason reason{websocket::close_code::normal};
        co_await stream_.async_close(reason, kAwait);
    }

    void abort() override { transport().close(); }

    static Error web_socket_error(const boost::system::error_code& code) {
        const bool is_violation =
            code == websocket::condition::protocol_violation || code == websocket::error::message_too_big;
        return make_error(is_violation ? Errc::kCorrupt : Errc::kUnavailable, "websocket: " + code.message());
    }

  private:
    static constexpr Duration kCloseTimeout = std::chrono::seconds{2};

    ports::WebSocketLimits limits_;
    Stream stream_;
};

using PlainSocket = BeastWebSocket<HttpTransport>;
using SecureSocket = BeastWebSocket<asio::ssl::stream<HttpTransport>>;

// Of one open(); outlives its steps.
struct Dial {
    codec::Url url;
    ports::HttpHeaders headers;
    std::function<bool(const std::string&, const std::string&)> may_connect;
    TimePoint deadline;
};

Error dial_error(const boost::system::error_code& code, const char* what) {
    const bool is_timeout = code == beast::error::timeout || code == asio::error::timed_out;
    return make_error(is_timeout ? Errc::kTimeout : Errc::kUnavailable, std::string{what} + ": " + code.message());
}

Task<Result<void>> connect(HttpTransport* transport, const Dial* dial) {
    CO_TRY(const auto found, co_await resolve_name(dial->url.host, dial->url.port, dial->deadline));
    std::vector<tcp::endpoint> endpoints;
    codec::Url server = dial->url;
    server.scheme = dial->url.is_secure() ? "https" : "http";
    const std::string name = server.scheme + "://" + server.authority();
    for (const auto& entry : found) {
        const bool may = !dial->may_connect || dial->may_connect(name, entry.endpoint().address().to_string());
        if (may) endpoints.push_back(entry.endpoint());
    }
    if (endpoints.empty()) co_return make_error(Errc::kInvalid, dial->url.host + " may not be dialled from here");
    transport->expires_at(dial->deadline);
    const auto [error, endpoint] = co_await transport->async_connect(endpoints, kAwait);
    if (error) co_return dial_error(error, "connect");
    boost::system::error_code ignored;
    ignored = transport->socket().set_option(tcp::no_delay{true}, ignored);
    co_return Result<void>{};
}

// What a server says that does not want to be a WebSocket.
Error declined(const websocket::response_type& answer) {
    std::string reason = answer.body().substr(0, kReasonBytesMax);
    for (char& character : reason) {
        if (character < ' ') character = ' ';
    }
    return make_error(Errc::kDenied, "the server answered " + std::to_string(answer.result_int()) + ": " + reason);
}

template <class Socket>
Task<Result<std::unique_ptr<ports::WebSocket>>> upgrade(std::unique_ptr<Socket> socket, const Dial* dial) {
    socket->transport().expires_never();
    const Duration left = dial->deadline - std::chrono::steady_clock::now();
    socket->set_handshake_timeout(std::max(left, Duration{1}));
    const auto decorate = [dial](websocket::request_type& request) {
        for (const auto& [name, value] : dial->headers.fields) request.set(name, value);
    };
    socket->stream().set_option(websocket::stream_base::decorator{decorate});
    websocket::response_type answer;
    const std::string authority = dial->url.authority();
    const std::string target = dial->url.target;
    const auto [error] = co_await socket->stream().async_handshake(answer, authority, target, kAwait);
    if (error == websocket::error::upgrade_declined) co_return declined(answer);
    if (error) co_return dial_error(error, "websocket handshake");
    co_return std::unique_ptr<ports::WebSocket>{std::move(socket)};
}

Task<Result<std::unique_ptr<ports::WebSocket>>> open_secure(std::unique_ptr<SecureSocket> socket, const Dial* dial) {
    CO_TRY_OK(co_await connect(&socket->transport(), dial));
    auto& tls = socket->stream().next_layer();
    tls.set_verify_mode(asio::ssl::verify_peer);
    tls.set_verify_callback(asio::ssl::host_name_verification{dial->url.host});
    if (SSL_set_tlsext_host_name(tls.native_handle(), dial->url.host.c_str()) != 1) {
        co_return make_error(Errc::kInvalid, "host name does not fit into a tls handshake");
    }
    const auto [error] = co_await tls.async_handshake(asio::ssl::stream_base::client, kAwait);
    if (error) co_return dial_error(error, "tls handshake");
    co_return co_await upgrade(std::move(socket), dial);
}

Task<Result<std::unique_ptr<ports::WebSocket>>> open_plain(std::unique_ptr<PlainSocket> socket, const Dial* dial) {
    CO_TRY_OK(co_await connect(&socket->transport(), dial));
    co_return co_await upgrade(std::move(socket), dial);
}

}  // namespace

Result<std::unique_ptr<BeastWebSocketClient>> BeastWebSocketClient::make(WebSocketClientOptions options) {
    std::shared_ptr<ClientTls> tls;
    if (!options.authorities_file.empty()) {
        TRY(tls, load_client_authorities(options.authorities_file));
    }
    return std::unique_ptr<BeastWebSocketClient>{new BeastWebSocketClient{std::move(options), std::move(tls)}};
}

BeastWebSocketClient::BeastWebSocketClient(WebSocketClientOptions options, std::shared_ptr<ClientTls> tls)
    : options_{std::move(options)}, tls_{std::move(tls)} {}

Task<Result<std::unique_ptr<ports::WebSocket>>> BeastWebSocketClient::open(std::string url,
                                                                           ports::HttpHeaders headers,
                                                                           TimePoint deadline) {
    Dial dial;
    CO_TRY(dial.url, codec::parse_url(url));
    if (dial.url.scheme != "ws" && dial.url.scheme != "wss") {
        co_return make_error(Errc::kInvalid, "a WebSocket is dialled at ws:// or wss://");
    }
    dial.headers = std::move(headers);
    dial.may_connect = options_.may_connect;
    dial.deadline = deadline;
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    if (!dial.url.is_secure()) {
        co_return co_await open_plain(std::make_unique<PlainSocket>(options_.limits, executor), &dial);
    }
    if (!tls_) {
        CO_TRY(tls_, load_client_authorities({}));
    }
    auto socket = std::make_unique<SecureSocket>(options_.limits, executor, tls_->context);
    co_return co_await open_secure(std::move(socket), &dial);
}

Task<Result<std::unique_ptr<ports::WebSocket>>> accept_web_socket(tcp::socket socket,
                                                                  std::string head,
                                                                  ports::WebSocketLimits limits,
                                                                  Duration handshake_timeout) {
    beast::http::request_parser<beast::http::empty_body> parser;
    boost::system::error_code problem;
    parser.put(asio::buffer(head), problem);
    if (problem || !parser.is_done() || !websocket::is_upgrade(parser.get())) {
        co_return make_error(Errc::kInvalid, "not a request for a WebSocket");
    }
    auto accepted = std::make_unique<PlainSocket>(limits, std::move(socket));
    accepted->set_handshake_timeout(handshake_timeout);
    const auto [error] = co_await accepted->stream().async_accept(parser.get(), kAwait);
    if (error) co_return make_error(Errc::kUnavailable, "websocket handshake: " + error.message());
    co_return std::unique_ptr<ports::WebSocket>{std::move(accepted)};
}

}  // namespace vcity::adapters
