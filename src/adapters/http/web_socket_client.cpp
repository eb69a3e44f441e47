// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/web_socket_client.hpp"

#include <vector>

#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/beast/http/string_body.hpp>

#include "adapters/http/client_connection.hpp"
#include "adapters/http/client_tls.hpp"
#include "adapters/http/web_socket_stream.hpp"
#include "codec/url.hpp"

namespace vcity::adapters {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReasonBytesMax = 512;

using PlainSocket = BeastWebSocket<HttpTransport>;
using SecureSocket = BeastWebSocket<asio::ssl::stream<HttpTransport>>;

// Of one open(); outlives its steps.
struct Dial {
    codec::Url url;
    ports::HttpHeaders headers;
    std::function<bool(const std::string&)> may_dial;
    TimePoint deadline;
};

Error dial_error(const boost::system::error_code& code, const char* what) {
    const bool is_timeout = code == beast::error::timeout || code == asio::error::timed_out;
    return make_error(is_timeout ? Errc::kTimeout : Errc::kUnavailable, std::string{what} + ": " + code.message());
}

Task<Result<void>> connect(HttpTransport* transport, const Dial* dial) {
    CO_TRY(const auto found, co_await resolve_name(dial->url.host, dial->url.port, dial->deadline));
    std::vector<tcp::endpoint> endpoints;
    for (const auto& entry : found) {
        const bool may = !dial->may_dial || dial->may_dial(entry.endpoint().address().to_string());
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
    dial.may_dial = options_.may_dial;
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

}  // namespace vcity::adapters
