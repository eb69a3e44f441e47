// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/client_connection.hpp"

#include <array>
#include <cerrno>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <sys/socket.h>

#include "adapters/http/client_tls.hpp"

namespace vcity::adapters {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using ports::HttpResponse;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kPieceBytes = 16U << 10U;
// Interim answers (1xx) before the final one; more is not meant well.
constexpr int kInterimAnswersMax = 8;

using PlainStream = beast::tcp_stream;
using SecureStream = asio::ssl::stream<beast::tcp_stream>;
using Parser = http::response_parser<http::buffer_body>;

Error http_error(const boost::system::error_code& code, const char* what) {
    const auto with = [&](Errc errc) { return make_error(errc, std::string{what} + ": " + code.message()); };
    if (code == beast::error::timeout || code == asio::error::timed_out) return with(Errc::kTimeout);
    if (code == http::error::end_of_stream || code == http::error::partial_message) return with(Errc::kUnavailable);
    if (code == http::error::header_limit || code == http::error::body_limit || code == http::error::buffer_overflow) {
        return with(Errc::kExhausted);
    }
    const bool is_malformed = code.category() == http::make_error_code(http::error::bad_chunk).category();
    return with(is_malformed ? Errc::kCorrupt : Errc::kUnavailable);
}

Task<Result<void>> shake_hands(PlainStream* /*stream*/, std::string /*host*/) {
    co_return Result<void>{};
}

Task<Result<void>> shake_hands(SecureStream* stream, std::string host) {
    stream->set_verify_mode(asio::ssl::verify_peer);
    stream->set_verify_callback(asio::ssl::host_name_verification{host});
    if (SSL_set_tlsext_host_name(stream->native_handle(), host.c_str()) != 1) {
        co_return make_error(Errc::kInvalid, "host name does not fit into a tls handshake");
    }
    const auto [error] = co_await stream->async_handshake(asio::ssl::stream_base::client, kAwait);
    if (error) co_return http_error(error, "tls handshake");
    co_return Result<void>{};
}

template <class Stream>
class BeastConnection final : public ClientConnection {
  public:
    template <class... Arguments>
    explicit BeastConnection(const HttpClientOptions& options, Arguments&&... arguments)
        : header_bytes_max_{options.header_bytes_max},
          may_connect_{options.may_connect},
          stream_{std::forward<Arguments>(arguments)...},
          buffer_{options.header_bytes_max + kPieceBytes} {}

    Task<Result<void>> connect(codec::Url url, TimePoint deadline) override {
        CO_TRY(const auto addresses, co_await resolve_name(url.host, url.port, deadline));
        transport().expires_at(deadline);
        const std::vector<tcp::endpoint> allowed = allowed_of(addresses, url);
        if (allowed.empty()) co_return make_error(Errc::kDenied, "this server may not be reached from here");
        const auto [error, endpoint] = co_await transport().async_connect(allowed, kAwait);
        if (error) co_return http_error(error, "connect");
        boost::system::error_code ignored;
        ignored = transport().socket().set_option(tcp::no_delay{true}, ignored);
        co_return co_await shake_hands(&stream_, url.host);
    }

    Task<Result<void>> send(std::string request, TimePoint deadline) override {
        parser_.reset();
        transport().expires_at(deadline);
        const auto [error, size] = co_await asio::async_write(stream_, asio::buffer(request), kAwait);
        if (error) co_return http_error(error, "send");
        co_return Result<void>{};
    }

    Task<Result<HttpResponse>> read_head(bool is_head, TimePoint deadline) override {
        for (int interim = 0; interim <= kInterimAnswersMax; ++interim) {
            parser_ = std::make_unique<Parser>();
            parser_->header_limit(static_cast<std::uint32_t>(header_bytes_max_));
            parser_->body_limit(boost::none);
            parser_->skip(is_head);
            transport().expires_at(deadline);
            const auto [error, size] = co_await http::async_read_header(stream_, buffer_, *parser_, kAwait);
            if (error) co_return http_error(error, "answer");
            const auto& message = parser_->get();
            if (message.result_int() / 100 == 1) continue;
            HttpResponse response;
            response.status = message.result_int();
            for (const auto& field : message) {
                response.headers.fields.emplace_back(field.name_string(), field.value());
            }
            co_return response;
        }
        co_return make_error(Errc::kCorrupt, "too many interim answers");
    }

    Task<Result<std::string>> read_body(TimePoint deadline) override {
        std::string piece;
        while (piece.empty() && !parser_->is_done()) {
            piece.resize(kPieceBytes);
            parser_->get().body().data = piece.data();
            parser_->get().body().size = piece.size();
            transport().expires_at(deadline);
            const auto [error, size] = co_await http::async_read_some(stream_, buffer_, *parser_, kAwait);
            if (error && error != http::error::need_buffer) co_return http_error(error, "body");
            piece.resize(kPieceBytes - parser_->get().body().size);
        }
        co_return piece;
    }

    bool is_reusable() const override { return !is_last_ && parser_ && parser_->is_done() && parser_->keep_alive(); }
    void expect_no_more() override { is_last_ = true; }
    bool has_answer() override { return std::is_same_v<Stream, PlainStream> && !is_quiet(); }

    bool is_quiet() override {
        if (buffer_.size() > 0) return false;
        char byte = 0;
        const auto got = ::recv(transport().socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }

    bool is_unanswered() const override { return buffer_.size() == 0 && (!parser_ || !parser_->got_some()); }

  private:
    beast::tcp_stream& transport() { return beast::get_lowest_layer(stream_); }
    std::vector<tcp::endpoint> allowed_of(const tcp::resolver::results_type& addresses, const codec::Url& url) const {
        const std::string server = url.scheme + "://" + url.authority();
        std::vector<tcp::endpoint> allowed;
        for (const auto& entry : addresses) {
            const tcp::endpoint endpoint = entry.endpoint();
            if (!may_connect_ || may_connect_(server, endpoint.address().to_string())) allowed.push_back(endpoint);
        }
        return allowed;
    }

    std::size_t header_bytes_max_;
    std::function<bool(const std::string&, const std::string&)> may_connect_;
    bool is_last_ = false;
    Stream stream_;
    beast::flat_buffer buffer_;
    std::unique_ptr<Parser> parser_;  // of the present answer
};

}  // namespace

// getaddrinfo cannot be interrupted: past the deadline its answer is left to itself.
Task<Result<tcp::resolver::results_type>> resolve_name(std::string host, std::uint16_t port, TimePoint deadline) {
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
            lookup->result = http_error(error, "name lookup");
        } else {
            lookup->result = std::move(results);
        }
        lookup->timer.cancel();
    });
    co_await lookup->timer.async_wait(kAwait);
    co_return lookup->result;
}

Result<std::shared_ptr<ClientTls>> load_client_authorities(const std::string& authorities_file) {
    auto tls = std::make_shared<ClientTls>();
    boost::system::error_code error;
    SSL_CTX_set_min_proto_version(tls->context.native_handle(), TLS1_2_VERSION);
    tls->context.set_verify_mode(asio::ssl::verify_peer);
    if (authorities_file.empty()) {
        error = tls->context.set_default_verify_paths(error);
    } else {
        error = tls->context.load_verify_file(authorities_file, error);
    }
    if (error) return make_error(Errc::kInvalid, "authorities " + authorities_file + ": " + error.message());
    return tls;
}

std::unique_ptr<ClientConnection> make_connection(const asio::any_io_executor& executor,
                                                  bool is_secure,
                                                  const std::shared_ptr<ClientTls>& tls,
                                                  const HttpClientOptions& options) {
    if (is_secure) return std::make_unique<BeastConnection<SecureStream>>(options, executor, tls->context);
    return std::make_unique<BeastConnection<PlainStream>>(options, executor);
}

}  // namespace vcity::adapters
