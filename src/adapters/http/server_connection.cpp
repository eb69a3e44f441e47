// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <poll.h>

#include "adapters/http/request_head.hpp"
#include "adapters/http/response_head.hpp"
#include "adapters/http/server_state.hpp"
#include "adapters/http/web_socket_accept.hpp"
#include "base/check.hpp"

namespace vcity::adapters {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using ports::HttpRequest;
using ports::HttpResponse;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kBodyReadBytes = 64U << 10U;
constexpr std::size_t kChunkExtensionBytesMax = 256;
// While unread bytes hide the end of the stream it is looked for this often.
constexpr auto kHiddenEndInterval = std::chrono::milliseconds{500};
// A client that is still sending when it is refused gets this chance to read why.
constexpr auto kLingerTimeout = std::chrono::seconds{1};
constexpr std::size_t kLingerBytesMax = 4U << 20U;

constexpr HttpFailure kHeaderTooLarge{431, "headers_too_large", "the header is too large"};
constexpr HttpFailure kBrokenLine{400, "bad_request", "a header line does not end in CR LF"};
constexpr HttpFailure kBodyTooLarge{413, "request_too_large", "the body is too large"};
constexpr HttpFailure kBadBody{400, "bad_request", "the body is malformed"};
constexpr HttpFailure kBadHead{400, "bad_request", "the header is malformed"};
constexpr HttpFailure kBadExpectation{417, "expectation_failed", "only 100-continue can be expected"};
constexpr HttpFailure kNoAnswer{500, "internal_error", "the request was not answered"};
// The client is gone or too slow: nobody waits for an answer.
constexpr HttpFailure kNobody{0, "", ""};
constexpr HttpFailure kTooMany{503, "too_many_connections", "too many connections"};

using Parser = http::request_parser<http::string_body>;
using BodyParser = http::request_parser<http::buffer_body>;

void limit_chunk_extension(std::uint64_t /*size*/, beast::string_view extension, boost::system::error_code& problem) {
    if (extension.size() > kChunkExtensionBytesMax) problem = http::error::bad_chunk_extension;
}

bool is_malformed(const boost::system::error_code& error) {
    return error.category() == http::make_error_code(http::error::bad_chunk).category() &&
           error != http::error::partial_message && error != http::error::end_of_stream;
}

std::string describe(const tcp::socket& socket) {
    boost::system::error_code error;
    const auto endpoint = socket.remote_endpoint(error);
    if (error) return "unknown";
    return endpoint.address().to_string();
}

std::string_view reason_of(unsigned status) {
    const auto phrase = http::obsolete_reason(http::int_to_status(status));
    return {phrase.data(), phrase.size()};
}

bool is_without_body(unsigned status) {
    return status == 204 || status == 304;
}

// "http://host/path" is the same request as "/path" here: there is nobody to forward it to.
std::string origin_form(std::string_view target) {
    if (target.starts_with('/') || target == "*") return std::string{target};
    const std::size_t path = target.find('/', target.find("://") + 3);
    return path == std::string_view::npos ? "/" : std::string{target.substr(path)};
}

HttpRequest make_request(const Parser& parser, const std::string& remote) {
    const auto& message = parser.get();
    HttpRequest request;
    request.method = message.method_string();
    request.target = origin_form({message.target().data(), message.target().size()});
    request.remote = remote;
    for (const auto& field : message) request.headers.fields.emplace_back(field.name_string(), field.value());
    return request;
}

// The handler's hold on the WebSocket that a connection has become; the server can end it meanwhile.
class UpgradedSocket final : public ports::WebSocket {
  public:
    explicit UpgradedSocket(std::shared_ptr<ports::WebSocket> socket) : socket_{std::move(socket)} {}

    Task<Result<ports::WebSocketMessage>> read() override { return socket_->read(); }
    Task<Result<void>> write(ports::WebSocketMessage message) override { return socket_->write(std::move(message)); }
    Task<void> close() override { return socket_->close(); }
    void abort() override { socket_->abort(); }

  private:
    std::shared_ptr<ports::WebSocket> socket_;
};

// One client, from accept to close. Lives as long as run(), and a little longer while its watcher ends.
class Connection final : public ports::HttpResponder, public ServerConnection {
  public:
    Connection(std::shared_ptr<HttpServer::State> state, tcp::socket socket)
        : state_{std::move(state)},
          stream_{std::move(socket)},
          watch_timer_{stream_.get_executor()},
          buffer_{state_->options.header_bytes_max + kBodyReadBytes},
          remote_{describe(stream_.socket())} {
        boost::system::error_code ignored;
        ignored = stream_.socket().set_option(tcp::no_delay{true}, ignored);
    }

    static Task<void> run(std::shared_ptr<Connection> self);
    static Task<void> refuse(std::shared_ptr<Connection> self);

    Task<Result<void>> respond(HttpResponse response) override;
    Task<Result<void>> start(HttpResponse head) override;
    Task<Result<void>> write(std::string chunk) override;
    Task<Result<void>> finish() override;
    Task<Result<std::unique_ptr<ports::WebSocket>>> upgrade(ports::WebSocketLimits limits) override;
    bool is_connected() const override { return is_connected_; }
    Task<Result<std::string>> read_body() override;

    void end_when_idle() override {
        if (!is_handling_) cut();
    }
    void make_way() override {
        move_to(&state_->leaving);
        cut();
    }
    void cut() override {
        is_connected_ = false;
        stream_.close();
        if (const auto socket = upgraded_.lock()) socket->abort();
    }

  private:
    // How far the answer to the present request has come.
    enum class Answer : std::uint8_t { kNone, kStreaming, kDone };

    void move_to(std::list<ServerConnection*>* list) {
        list->splice(list->end(), *listed_in_, place_);
        listed_in_ = list;
    }
    Task<bool> serve_one(std::shared_ptr<Connection> self);
    Task<Result<std::size_t>> read_head();
    Task<Result<void>> read_more(TimePoint deadline);
    Task<std::optional<HttpFailure>> receive(HttpRequest* request);
    Task<std::optional<HttpFailure>> begin_body(Parser* parser, const HttpRequest* head);
    Task<std::optional<HttpFailure>> receive_body(Parser* parser);
    Task<Result<void>> say_continue();
    TimePoint body_deadline() const;
    bool is_body_pending() const { return streamed_ && !streamed_->is_done(); }
    Task<Result<void>> send_head(const HttpResponse* response, BodyFraming framing, bool with_body);
    template <class Buffers>
    Task<Result<void>> send(Buffers buffers);
    Task<void> fail(HttpFailure failure);
    Task<void> linger();
    static Task<void> watch(std::shared_ptr<Connection> self, std::uint64_t request);
    bool has_peer_left();
    std::string_view unread() const {
        const auto bytes = buffer_.cdata();
        return {static_cast<const char*>(bytes.data()), bytes.size()};
    }
    TimePoint after(Duration duration) const { return state_->runtime->now() + duration; }

    std::shared_ptr<HttpServer::State> state_;
    // Parsers keep references to it.
    std::function<void(std::uint64_t, beast::string_view, boost::system::error_code&)> limit_chunk_extension_ =
        limit_chunk_extension;
    beast::tcp_stream stream_;
    asio::steady_timer watch_timer_;
    beast::flat_buffer buffer_;
    std::string remote_;
    std::uint64_t requests_ = 0;
    bool is_connected_ = true;
    bool is_handling_ = false;
    bool is_linger_needed_ = false;
    std::list<ServerConnection*>* listed_in_ = nullptr;  // of the state's; null before run()
    std::list<ServerConnection*>::iterator place_;

    // Of the present request.
    bool is_keep_alive_ = false;
    bool is_head_ = false;
    bool is_http_1_0_ = false;
    bool is_chunked_ = false;
    bool is_upgraded_ = false;
    std::unique_ptr<BodyParser> streamed_;  // of a body that the handler reads; null: there is none
    bool is_continue_due_ = false;          // the client waits for a word before it sends its body
    std::uint64_t streamed_bytes_ = 0;
    Duration streamed_wait_{0};  // for the client
    std::string upgrade_head_;   // of a request that asks for something else than HTTP
    std::weak_ptr<ports::WebSocket> upgraded_;
    Answer answer_ = Answer::kNone;
};

Task<Result<void>> Connection::read_more(TimePoint deadline) {
    stream_.expires_at(deadline);
    const auto room = buffer_.prepare(std::min(kReadBytes, buffer_.max_size() - buffer_.size()));
    const auto [error, size] = co_await stream_.async_read_some(room, kAwait);
    buffer_.commit(size);
    if (!error) co_return Result<void>{};
    is_connected_ = false;
    co_return make_error(Errc::kUnavailable, error.message());
}

// The length of the next head in the buffer. kUnavailable: the client is gone or too slow; kInvalid, kExhausted: the
// head is broken or too long.
Task<Result<std::size_t>> Connection::read_head() {
    if (buffer_.size() == 0) {
        // A large body has left a large buffer.
        buffer_.shrink_to_fit();
        CO_TRY_OK(co_await read_more(after(state_->options.idle_timeout)));
    }
    const TimePoint deadline = after(state_->options.header_timeout);
    std::size_t looked_at = 0;
    while (true) {
        const HeadEnd end = find_head_end(unread(), looked_at);
        if (end.is_broken) co_return make_error(Errc::kInvalid, "bare line feed");
        const std::size_t length = end.length > 0 ? end.length : buffer_.size();
        if (length > state_->options.header_bytes_max) co_return make_error(Errc::kExhausted, "header too large");
        if (end.length > 0) co_return end.length;
        looked_at = buffer_.size();
        CO_TRY_OK(co_await read_more(deadline));
    }
}

// What is to become of the body: nothing of it is read yet.
Task<std::optional<HttpFailure>> Connection::begin_body(Parser* parser, const HttpRequest* head) {
    const std::optional<std::uint64_t> streamed = state_->handler->streams_body(*head);
    const std::uint64_t bytes_max = streamed.value_or(state_->options.body_bytes_max);
    if (parser->content_length().value_or(0) > bytes_max) co_return kBodyTooLarge;
    parser->body_limit(bytes_max);
    if (parser->is_done()) co_return std::nullopt;
    const auto expect = parser->get()[http::field::expect];
    is_continue_due_ = !expect.empty() && !is_http_1_0_;
    if (is_continue_due_ && !beast::iequals(expect, "100-continue")) co_return kBadExpectation;
    if (!streamed) {
        co_return co_await receive_body(parser);
    }
    streamed_ = std::make_unique<BodyParser>(std::move(*parser));
    streamed_->on_chunk_header(limit_chunk_extension_);
    streamed_bytes_ = 0;
    streamed_wait_ = Duration{0};
    co_return std::nullopt;
}

Task<Result<void>> Connection::say_continue() {
    if (!std::exchange(is_continue_due_, false)) co_return Result<void>{};
    const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    co_return co_await send(asio::buffer(go_on));
}

Task<std::optional<HttpFailure>> Connection::receive_body(Parser* parser) {
    const auto sent = co_await say_continue();
    if (!sent) co_return kNobody;
    stream_.expires_after(state_->options.request_timeout);
    const auto [error, size] = co_await http::async_read(stream_, buffer_, *parser, kAwait);
    if (!error) co_return std::nullopt;
    if (error == http::error::body_limit) co_return kBodyTooLarge;
    co_return is_malformed(error) ? kBadBody : kNobody;
}

TimePoint Connection::body_deadline() const {
    const HttpServerOptions& options = state_->options;
    const std::chrono::seconds earned{streamed_bytes_ / options.streamed_bytes_per_second_min};
    return after(options.request_timeout + earned - streamed_wait_);
}

Task<Result<std::string>> Connection::read_body() {
    std::string piece;
    if (!is_body_pending()) co_return piece;
    CO_TRY_OK(co_await say_continue());
    while (piece.empty() && !streamed_->is_done()) {
        piece.resize(kBodyReadBytes);
        streamed_->get().body().data = piece.data();
        streamed_->get().body().size = piece.size();
        stream_.expires_at(body_deadline());
        const TimePoint asked = state_->runtime->now();
        const auto [error, size] = co_await http::async_read_some(stream_, buffer_, *streamed_, kAwait);
        streamed_wait_ += state_->runtime->now() - asked;
        if (error == http::error::body_limit) co_return make_error(Errc::kExhausted, kBodyTooLarge.message);
        if (error && error != http::error::need_buffer) {
            if (is_malformed(error)) co_return make_error(Errc::kInvalid, kBadBody.message);
            is_connected_ = false;
            co_return make_error(Errc::kUnavailable, "the body broke off: " + error.message());
        }
        piece.resize(kBodyReadBytes - streamed_->get().body().size);
    }
    streamed_bytes_ += piece.size();
    co_return piece;
}

// Reads the next request. kNobody: there is none.
Task<std::optional<HttpFailure>> Connection::receive(HttpRequest* request) {
    const auto head = co_await read_head();
    if (!head) {
        switch (head.error().code) {
            case Errc::kInvalid: co_return kBrokenLine;
            case Errc::kExhausted: co_return kHeaderTooLarge;
            default: co_return kNobody;
        }
    }
    auto failure = check_request_head(unread().substr(0, *head));
    if (failure) co_return failure;

    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(state_->options.header_bytes_max) + 1);
    // Which bound holds is known once the header is.
    parser.body_limit(boost::none);
    parser.on_chunk_header(limit_chunk_extension_);
    boost::system::error_code error;
    const std::size_t taken = parser.put(asio::buffer(unread().data(), *head), error);
    upgrade_head_ = parser.upgrade() ? std::string{unread().substr(0, *head)} : std::string{};
    buffer_.consume(taken);
    if (error || !parser.is_header_done()) co_return kBadHead;

    is_http_1_0_ = parser.get().version() == 10;
    is_head_ = parser.get().method() == http::verb::head;
    is_keep_alive_ = parser.keep_alive() && !state_->is_stopping;
    // Before the body: what its trailer adds is not part of the header.
    *request = make_request(parser, remote_);
    failure = co_await begin_body(&parser, request);
    if (failure) co_return failure;
    if (!streamed_) request->body = std::move(parser.get().body());
    co_return std::nullopt;
}

template <class Buffers>
Task<Result<void>> Connection::send(Buffers buffers) {
    stream_.expires_after(state_->options.write_timeout);
    const auto [error, size] = co_await asio::async_write(stream_, buffers, kAwait);
    if (!error) co_return Result<void>{};
    cut();
    co_return make_error(Errc::kUnavailable, "client has gone: " + error.message());
}

Task<Result<void>> Connection::respond(HttpResponse response) {
    CHECK(answer_ == Answer::kNone);
    const bool has_body = !is_without_body(response.status);
    co_return co_await send_head(&response, has_body ? BodyFraming::kLength : BodyFraming::kNone,
                                 has_body && !is_head_);
}

Task<Result<void>> Connection::send_head(const HttpResponse* response, BodyFraming framing, bool with_body) {
    if (beast::iequals(std::string{response->headers.get("Connection")}, "close")) is_keep_alive_ = false;
    if (state_->is_stopping || is_body_pending()) is_keep_alive_ = false;
    const HeadOptions options{framing, response->body.size(), is_keep_alive_, state_->date(),
                              reason_of(response->status)};
    CO_TRY(const std::string head, serialize_head(*response, options));
    answer_ = framing == BodyFraming::kLength || framing == BodyFraming::kNone ? Answer::kDone : Answer::kStreaming;
    const asio::const_buffer body = with_body ? asio::buffer(response->body) : asio::const_buffer{};
    const std::array<asio::const_buffer, 2> buffers{asio::buffer(head), body};
    co_return co_await send(buffers);
}

Task<Result<void>> Connection::start(HttpResponse head) {
    CHECK(answer_ == Answer::kNone && !is_without_body(head.status));
    is_chunked_ = !is_http_1_0_;
    if (!is_chunked_) is_keep_alive_ = false;
    head.body.clear();
    co_return co_await send_head(&head, is_chunked_ ? BodyFraming::kChunked : BodyFraming::kToEnd, false);
}

Task<Result<void>> Connection::write(std::string chunk) {
    CHECK(answer_ == Answer::kStreaming);
    if (!is_connected_) co_return make_error(Errc::kUnavailable, "client has gone");
    if (chunk.empty() || is_head_) co_return Result<void>{};
    if (!is_chunked_) {
        co_return co_await send(asio::buffer(chunk));
    }
    const std::string head = chunk_head(chunk.size());
    const std::string_view tail = "\r\n";
    const std::array<asio::const_buffer, 3> buffers{asio::buffer(head), asio::buffer(chunk), asio::buffer(tail)};
    co_return co_await send(buffers);
}

Task<Result<void>> Connection::finish() {
    CHECK(answer_ == Answer::kStreaming);
    answer_ = Answer::kDone;
    if (!is_connected_) co_return make_error(Errc::kUnavailable, "client has gone");
    if (!is_chunked_ || is_head_) co_return Result<void>{};
    const std::string_view last = "0\r\n\r\n";
    co_return co_await send(asio::buffer(last));
}

Task<Result<std::unique_ptr<ports::WebSocket>>> Connection::upgrade(ports::WebSocketLimits limits) {
    CHECK(answer_ == Answer::kNone);
    // Nothing may follow the request before it is answered.
    if (upgrade_head_.empty() || buffer_.size() > 0) {
        co_return make_error(Errc::kInvalid, "not a request for a WebSocket");
    }
    is_upgraded_ = true;
    is_keep_alive_ = false;
    answer_ = Answer::kDone;
    stream_.socket().cancel();
    watch_timer_.cancel();
    auto accepted = co_await accept_web_socket(stream_.release_socket(), std::move(upgrade_head_), limits,
                                               state_->options.write_timeout);
    if (!accepted) co_return make_error(Errc::kUnavailable, accepted.error().message);
    const std::shared_ptr<ports::WebSocket> socket = *std::move(accepted);
    upgraded_ = socket;
    co_return std::make_unique<UpgradedSocket>(socket);
}

// Answers for the handler, and then closes: after a failure the two sides may not agree on where the next request
// starts.
Task<void> Connection::fail(HttpFailure failure) {
    is_keep_alive_ = false;
    answer_ = Answer::kNone;
    const auto sent = co_await respond(state_->options.describe_failure(failure));
    is_linger_needed_ = sent.has_value();
}

// Closing with unread bytes in the kernel would reset the connection, and the client might never see the answer.
Task<void> Connection::linger() {
    boost::system::error_code ignored;
    ignored = stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    std::array<char, kReadBytes> sink{};
    const TimePoint deadline = after(kLingerTimeout);
    for (std::size_t total = 0; total < kLingerBytesMax;) {
        stream_.expires_at(deadline);
        const auto [error, size] = co_await stream_.async_read_some(asio::buffer(sink), kAwait);
        if (error) break;
        total += size;
    }
}

bool Connection::has_peer_left() {
    pollfd socket{.fd = stream_.socket().native_handle(), .events = POLLRDHUP, .revents = 0};
    return poll(&socket, 1, 0) != 0;
}

// Sees the client leave while the handler works on its request and nothing is read from it.
Task<void> Connection::watch(std::shared_ptr<Connection> self, std::uint64_t request) {
    const auto is_over = [&self, request] {
        return !self->is_handling_ || self->is_upgraded_ || self->requests_ != request;
    };
    while (!is_over()) {
        if (self->is_body_pending()) {
            // Who reads the body sees the client leave.
            self->watch_timer_.expires_after(kHiddenEndInterval);
            co_await self->watch_timer_.async_wait(kAwait);
            continue;
        }
        const auto [error] = co_await self->stream_.socket().async_wait(tcp::socket::wait_read, kAwait);
        if (error || is_over()) co_return;
        if (self->has_peer_left()) {
            self->is_connected_ = false;
            co_return;
        }
        // The next request is there already: the socket stays readable whatever happens.
        self->watch_timer_.expires_after(kHiddenEndInterval);
        co_await self->watch_timer_.async_wait(kAwait);
    }
}

// False when the connection is over.
Task<bool> Connection::serve_one(std::shared_ptr<Connection> self) {
    HttpRequest request;
    answer_ = Answer::kNone;
    streamed_.reset();
    is_continue_due_ = false;
    const auto failure = co_await receive(&request);
    if (failure) {
        if (failure->status != kNobody.status) {
            co_await fail(*failure);
        }
        co_return false;
    }
    // It has made way while the last bytes came.
    if (!is_connected_) co_return false;
    ++requests_;
    is_handling_ = true;
    move_to(&state_->busy);
    state_->runtime->spawn(watch(std::move(self), requests_));
    co_await state_->handler->handle(std::move(request), this);
    is_handling_ = false;
    move_to(&state_->waiting);
    watch_timer_.cancel();
    if (stream_.socket().is_open()) stream_.socket().cancel();
    if (answer_ == Answer::kNone) {
        co_await fail(kNoAnswer);
    }
    if (is_body_pending()) is_linger_needed_ = true;
    // A stream that was not finished must not look complete.
    co_return answer_ == Answer::kDone&& is_keep_alive_&& is_connected_;
}

Task<void> Connection::run(std::shared_ptr<Connection> self) {
    const auto state = self->state_;
    state->connections.insert(self.get());
    self->listed_in_ = &state->waiting;
    self->place_ = state->waiting.insert(state->waiting.end(), self.get());
    bool goes_on = true;
    while (goes_on) {
        goes_on = co_await self->serve_one(self);
        goes_on = goes_on && !state->is_stopping;
    }
    if (self->is_linger_needed_) {
        co_await self->linger();
    }
    self->cut();
    state->connections.erase(self.get());
    self->listed_in_->erase(self->place_);
    state->connection_ended.notify();
}

Task<void> Connection::refuse(std::shared_ptr<Connection> self) {
    co_await self->fail(kTooMany);
    self->cut();
}

}  // namespace

Task<void> serve_connection(std::shared_ptr<HttpServer::State> state, tcp::socket socket) {
    auto connection = std::make_shared<Connection>(std::move(state), std::move(socket));
    co_await Connection::run(std::move(connection));
}

Task<void> refuse_connection(std::shared_ptr<HttpServer::State> state, tcp::socket socket) {
    auto connection = std::make_shared<Connection>(std::move(state), std::move(socket));
    co_await Connection::refuse(std::move(connection));
}

}  // namespace vcity::adapters
