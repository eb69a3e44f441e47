// SPDX-License-Identifier: Apache-2.0
#include "adapters/link/websocket.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/websocket.hpp>

namespace vcity::adapters {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;

class TlsSettings {
  public:
    explicit TlsSettings(asio::ssl::context::method method) : context{method} {}

    asio::ssl::context context;
};

namespace {

class Transport : public beast::tcp_stream {
  public:
    using beast::tcp_stream::tcp_stream;
};

// How Beast ends the transport below a WebSocket, found by the type of its argument. Beast's own versions wait for the
// peer to close first, which a hostile one never does. By now all that matters has been said in close frames.
template <class Handler>
void end_transport(Transport* transport, Handler&& handler) {
    boost::system::error_code ignored;
    ignored = transport->socket().shutdown(tcp::socket::shutdown_send, ignored);
    asio::post(beast::bind_front_handler(std::forward<Handler>(handler), boost::system::error_code{}));
}
template <class Handler>
void async_teardown(beast::role_type /*role*/, Transport& transport, Handler&& handler) {
    end_transport(&transport, std::forward<Handler>(handler));
}
template <class Handler>
void async_teardown(beast::role_type /*role*/, asio::ssl::stream<Transport>& stream, Handler&& handler) {
    end_transport(&stream.next_layer(), std::forward<Handler>(handler));
}

// Messages are compact protobuf: compression would cost memory per connection and open side channels for nothing.
using PlainStream = websocket::stream<Transport, false>;
using SecureStream = websocket::stream<asio::ssl::stream<Transport>, false>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// A message grows with the bytes that arrive, not with the length it claims.
constexpr std::size_t kFirstReadBytes = 4096;
constexpr std::size_t kReadBytes = 64U << 10U;
constexpr std::uint32_t kHeaderBytesMax = 8192;  // of the request that opens a connection
constexpr std::size_t kTargetBytesMax = 256;

Error link_error(const boost::system::error_code& code, const char* what) {
    const bool is_timeout = code == beast::error::timeout || code == asio::error::timed_out;
    const bool is_violation =
        code == websocket::condition::protocol_violation || code == websocket::error::message_too_big;
    const Errc errc = is_timeout ? Errc::kTimeout : is_violation ? Errc::kCorrupt : Errc::kUnavailable;
    return make_error(errc, std::string{what} + ": " + code.message());
}

std::string describe(const tcp::socket& socket) {
    boost::system::error_code error;
    const auto endpoint = socket.remote_endpoint(error);
    if (error) return "unknown";
    return codec::Url{.scheme = {}, .host = endpoint.address().to_string(), .port = endpoint.port(), .target = {}}
        .authority();
}

template <class Stream>
class BeastWebSocket final : public WebSocket {
  public:
    template <class... Arguments>
    explicit BeastWebSocket(const LinkOptions& options, Arguments&&... arguments)
        : stream_{std::forward<Arguments>(arguments)...} {
        stream_.binary(true);
        stream_.auto_fragment(false);
        stream_.read_message_max(options.frame_bytes_max);
        set_timeouts(options.handshake_timeout, options.idle_timeout);
    }

    Stream& stream() { return stream_; }
    Transport& transport() { return beast::get_lowest_layer(stream_); }

    // The first one bounds the opening handshake and the closing one. Pings keep the second one from passing.
    void set_timeouts(Duration handshake, Duration idle) {
        stream_.set_option(websocket::stream_base::timeout{handshake, idle, true});
    }

    void note_connected() {
        boost::system::error_code ignored;
        ignored = transport().socket().set_option(tcp::no_delay{true}, ignored);
        remote_ = describe(transport().socket());
    }

    Task<Result<Bytes>> read() override {
        Bytes frame;
        auto buffer = asio::dynamic_buffer(frame);
        do {
            const std::size_t limit = frame.empty() ? kFirstReadBytes : kReadBytes;
            const auto [error, size] = co_await stream_.async_read_some(buffer, limit, kAwait);
            if (error) co_return link_error(error, "read");
        } while (!stream_.is_message_done());
        if (stream_.got_text()) co_return make_error(Errc::kCorrupt, "peer sent text, not a binary message");
        co_return frame;
    }

    Task<Result<void>> write(Bytes frame) override {
        const auto [error, size] = co_await stream_.async_write(asio::buffer(frame), kAwait);
        if (error) co_return link_error(error, "write");
        co_return Result<void>{};
    }

    Task<void> close(CloseReason reason) override {
        const websocket::close_reason code{reason == CloseReason::kNormal ? websocket::close_code::normal
                                                                          : websocket::close_code::protocol_error};
        co_await stream_.async_close(code, kAwait);
    }

    void abort() override { transport().close(); }
    void set_frame_bytes_max(std::size_t bytes) override { stream_.read_message_max(bytes); }
    const std::string& remote() const override { return remote_; }
    const std::string& target() const override { return target_; }
    void set_target(std::string target) { target_ = std::move(target); }

  private:
    Stream stream_;
    std::string remote_ = "unknown";
    std::string target_;
};

using PlainWebSocket = BeastWebSocket<PlainStream>;
using SecureWebSocket = BeastWebSocket<SecureStream>;

template <class Socket>
Task<Result<std::unique_ptr<WebSocket>>> accept_upgrade(std::unique_ptr<Socket> socket, LinkOptions options) {
    beast::flat_buffer buffer{kHeaderBytesMax};
    beast::http::request_parser<beast::http::empty_body> request;
    request.header_limit(kHeaderBytesMax);
    socket->transport().expires_after(options.handshake_timeout);
    const auto [bad, size] = co_await beast::http::async_read(socket->stream().next_layer(), buffer, request, kAwait);
    if (bad) co_return link_error(bad, "websocket handshake");
    socket->transport().expires_never();
    const auto target = request.get().target();
    if (buffer.size() > 0 || target.size() > kTargetBytesMax) {
        co_return make_error(Errc::kCorrupt, "websocket handshake: not a request that opens a link");
    }
    socket->set_target(std::string{target});
    const auto [error] = co_await socket->stream().async_accept(request.get(), kAwait);
    if (error) co_return link_error(error, "websocket handshake");
    socket->set_timeouts(options.close_timeout, options.idle_timeout);
    co_return std::unique_ptr<WebSocket>{std::move(socket)};
}

Task<Result<std::unique_ptr<WebSocket>>> accept_secure(std::unique_ptr<SecureWebSocket> socket, LinkOptions options) {
    socket->transport().expires_after(options.handshake_timeout);
    const auto [error] = co_await socket->stream().next_layer().async_handshake(asio::ssl::stream_base::server, kAwait);
    if (error) co_return link_error(error, "tls handshake");
    socket->transport().expires_never();
    co_return co_await accept_upgrade(std::move(socket), options);
}

// getaddrinfo cannot be interrupted: past the deadline its answer is left to itself.
Task<Result<tcp::resolver::results_type>> resolve(std::string host, std::uint16_t port, TimePoint deadline) {
    struct Lookup {
        explicit Lookup(const asio::any_io_executor& executor) : resolver{executor}, timer{executor} {}
        tcp::resolver resolver;
        asio::steady_timer timer;
        Result<tcp::resolver::results_type> result = make_error(Errc::kTimeout, "name lookup took too long");
    };
    const auto executor = co_await asio::this_coro::executor;
    const auto lookup = std::make_shared<Lookup>(executor);
    lookup->timer.expires_at(deadline);
    lookup->resolver.async_resolve(host, std::to_string(port), [lookup](const auto& error, auto results) {
        if (error) {
            lookup->result = link_error(error, "name lookup");
        } else {
            lookup->result = std::move(results);
        }
        lookup->timer.cancel();
    });
    co_await lookup->timer.async_wait(kAwait);
    co_return lookup->result;
}

template <class Socket>
Task<Result<void>> connect(Socket* socket, codec::Url url, TimePoint deadline) {
    CO_TRY(const auto addresses, co_await resolve(url.host, url.port, deadline));
    socket->transport().expires_at(deadline);
    const auto [error, endpoint] = co_await socket->transport().async_connect(addresses, kAwait);
    if (error) co_return link_error(error, "connect");
    co_return Result<void>{};
}

template <class Socket>
Task<Result<std::unique_ptr<WebSocket>>> upgrade(std::unique_ptr<Socket> socket,
                                                 codec::Url url,
                                                 LinkOptions options,
                                                 TimePoint deadline) {
    socket->note_connected();
    socket->transport().expires_never();
    const Duration left = deadline - std::chrono::steady_clock::now();
    socket->set_timeouts(std::max(left, Duration{1}), options.idle_timeout);
    const std::string authority = url.authority();
    const auto [error] = co_await socket->stream().async_handshake(authority, url.target, kAwait);
    if (error) co_return link_error(error, "websocket handshake");
    socket->set_timeouts(options.close_timeout, options.idle_timeout);
    co_return std::unique_ptr<WebSocket>{std::move(socket)};
}

Task<Result<std::unique_ptr<WebSocket>>> dial_secure(std::unique_ptr<SecureWebSocket> socket,
                                                     codec::Url url,
                                                     LinkOptions options,
                                                     TimePoint deadline) {
    CO_TRY_OK(co_await connect(socket.get(), url, deadline));
    auto& tls = socket->stream().next_layer();
    tls.set_verify_mode(asio::ssl::verify_peer);
    tls.set_verify_callback(asio::ssl::host_name_verification{url.host});
    if (SSL_set_tlsext_host_name(tls.native_handle(), url.host.c_str()) != 1) {
        co_return make_error(Errc::kInvalid, "host name does not fit into a tls handshake");
    }
    const auto [error] = co_await tls.async_handshake(asio::ssl::stream_base::client, kAwait);
    if (error) co_return link_error(error, "tls handshake");
    co_return co_await upgrade(std::move(socket), std::move(url), options, deadline);
}

Task<Result<std::unique_ptr<WebSocket>>> dial_plain(std::unique_ptr<PlainWebSocket> socket,
                                                    codec::Url url,
                                                    LinkOptions options,
                                                    TimePoint deadline) {
    CO_TRY_OK(co_await connect(socket.get(), url, deadline));
    co_return co_await upgrade(std::move(socket), std::move(url), options, deadline);
}

}  // namespace

Result<std::shared_ptr<TlsSettings>> load_server_tls(const std::string& certificate_file, const std::string& key_file) {
    auto settings = std::make_shared<TlsSettings>(asio::ssl::context::tls_server);
    boost::system::error_code error;
    SSL_CTX_set_min_proto_version(settings->context.native_handle(), TLS1_2_VERSION);
    error = settings->context.use_certificate_chain_file(certificate_file, error);
    if (error) return make_error(Errc::kInvalid, "certificate " + certificate_file + ": " + error.message());
    error = settings->context.use_private_key_file(key_file, asio::ssl::context::pem, error);
    if (error) return make_error(Errc::kInvalid, "key " + key_file + ": " + error.message());
    return settings;
}

Result<std::shared_ptr<TlsSettings>> load_client_tls(const std::string& authorities_file) {
    auto settings = std::make_shared<TlsSettings>(asio::ssl::context::tls_client);
    boost::system::error_code error;
    SSL_CTX_set_min_proto_version(settings->context.native_handle(), TLS1_2_VERSION);
    settings->context.set_verify_mode(asio::ssl::verify_peer);
    if (authorities_file.empty()) {
        error = settings->context.set_default_verify_paths(error);
    } else {
        error = settings->context.load_verify_file(authorities_file, error);
    }
    if (error) return make_error(Errc::kInvalid, "authorities " + authorities_file + ": " + error.message());
    return settings;
}

Task<Result<std::unique_ptr<WebSocket>>> accept_websocket(tcp::socket socket,
                                                          std::shared_ptr<TlsSettings> tls,
                                                          LinkOptions options) {
    if (!tls) {
        auto plain = std::make_unique<PlainWebSocket>(options, std::move(socket));
        plain->note_connected();
        co_return co_await accept_upgrade(std::move(plain), options);
    }
    auto secure = std::make_unique<SecureWebSocket>(options, std::move(socket), tls->context);
    secure->note_connected();
    co_return co_await accept_secure(std::move(secure), options);
}

Task<Result<std::unique_ptr<WebSocket>>> dial_websocket(codec::Url url,
                                                        std::shared_ptr<TlsSettings> tls,
                                                        LinkOptions options,
                                                        TimePoint deadline) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    if (url.is_secure()) {
        auto secure = std::make_unique<SecureWebSocket>(options, executor, tls->context);
        co_return co_await dial_secure(std::move(secure), std::move(url), options, deadline);
    }
    auto plain = std::make_unique<PlainWebSocket>(options, executor);
    co_return co_await dial_plain(std::move(plain), std::move(url), options, deadline);
}

}  // namespace vcity::adapters
