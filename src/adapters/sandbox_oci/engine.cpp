// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_oci/engine.hpp"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

namespace vcity::adapters {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::local::stream_protocol;
using Stream = beast::basic_stream<stream_protocol>;
using Parser = http::response_parser<http::buffer_body>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kPieceBytes = 64U << 10U;
constexpr std::uint32_t kHeaderBytesMax = 64U << 10U;
constexpr std::size_t kWordsMax = 1'000;  // of an engine's complaint
constexpr unsigned kSwitchingProtocols = 101;

Error failure(const boost::system::error_code& code, const char* what) {
    const bool is_late = code == beast::error::timeout;
    const bool is_malformed = code.category() == http::make_error_code(http::error::bad_chunk).category() &&
                              code != http::error::end_of_stream && code != http::error::partial_message;
    const Errc errc = is_late ? Errc::kTimeout : is_malformed ? Errc::kCorrupt : Errc::kUnavailable;
    return make_error(errc, std::string{"container engine: "} + what + ": " + code.message());
}

std::string text_of(const EngineRequest& request, bool may_switch) {
    std::string text = request.method + " " + request.target + " HTTP/1.1\r\nHost: engine\r\n";
    if (may_switch) text += "Connection: Upgrade\r\nUpgrade: tcp\r\n";
    if (!may_switch) text += "Connection: close\r\n";
    if (!request.body.empty()) text += "Content-Type: application/json\r\n";
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n\r\n" + request.body;
    return text;
}

// One exchange over one connection; afterwards, the bytes of the protocol that the engine switched to.
class Exchange final : public ports::ByteStream {
  public:
    explicit Exchange(const asio::any_io_executor& executor) : stream_{executor}, buffer_{kHeaderBytesMax * 2} {}

    Task<Result<void>> begin(std::string path, std::string text, TimePoint deadline) {
        stream_.expires_at(deadline);
        const stream_protocol::endpoint place{path};
        const auto [refused] = co_await stream_.async_connect(place, kAwait);
        if (refused) co_return failure(refused, "connect");
        const auto [unsent, size] = co_await asio::async_write(stream_, asio::buffer(text), kAwait);
        if (unsent) co_return failure(unsent, "send");
        parser_.header_limit(kHeaderBytesMax);
        parser_.body_limit(boost::none);
        const auto [error, got] = co_await http::async_read_header(stream_, buffer_, parser_, kAwait);
        if (error) co_return failure(error, "answer");
        co_return Result<void>{};
    }

    unsigned status() const { return parser_.get().result_int(); }
    bool has_switched() const { return status() == kSwitchingProtocols; }
    void go_on_for_ever() { stream_.expires_never(); }

    // Of the body; empty at its end.
    Task<Result<Bytes>> read_body(std::size_t max) {
        Bytes piece;
        while (piece.empty() && !parser_.is_done()) {
            piece.resize(std::min(max, kPieceBytes));
            const std::size_t room = piece.size();
            parser_.get().body().data = piece.data();
            parser_.get().body().size = room;
            const auto [error, size] = co_await http::async_read_some(stream_, buffer_, parser_, kAwait);
            if (error && error != http::error::need_buffer) co_return failure(error, "body");
            piece.resize(room - parser_.get().body().size);
        }
        co_return piece;
    }

    Task<Result<void>> read_all(std::string* body) {
        while (true) {
            CO_TRY(const Bytes piece, co_await read_body(kPieceBytes));
            if (piece.empty()) co_return Result<void>{};
            if (body->size() + piece.size() > kEngineReplyBytesMax) {
                co_return make_error(Errc::kExhausted, "container engine: too long an answer");
            }
            *body += as_text(piece);
        }
    }

    Task<Result<Bytes>> read(std::size_t max) override {
        if (!has_switched()) {
            co_return co_await read_body(max);
        }
        Bytes bytes(std::min(max, kPieceBytes));
        if (buffer_.size() > 0) {
            const std::size_t size = asio::buffer_copy(asio::buffer(bytes), buffer_.data());
            buffer_.consume(size);
            bytes.resize(size);
            co_return bytes;
        }
        const auto [error, size] = co_await stream_.async_read_some(asio::buffer(bytes), kAwait);
        if (error && error != asio::error::eof) co_return failure(error, "stream");
        bytes.resize(size);
        co_return bytes;
    }

    Task<Result<void>> write(Bytes bytes) override {
        const auto [error, size] = co_await asio::async_write(stream_, asio::buffer(bytes), kAwait);
        if (error) co_return failure(error, "stream");
        co_return Result<void>{};
    }

    void finish() override {
        boost::system::error_code ignored;
        ignored = stream_.socket().shutdown(stream_protocol::socket::shutdown_send, ignored);
    }

    void abort() override { stream_.close(); }

  private:
    Stream stream_;
    beast::flat_buffer buffer_;
    Parser parser_;
};

// What the engine's complaint says: {"message": ...} in both dialects.
std::string words_of(const EngineReply& reply) {
    const Result<codec::Json> parsed = codec::parse_json(reply.body);
    const codec::Json* message = parsed ? parsed->find("message") : nullptr;
    const std::string* text = message != nullptr ? message->get_string() : nullptr;
    std::string words = text != nullptr ? *text : reply.body;
    if (words.size() > kWordsMax) words.resize(kWordsMax);
    for (char& letter : words) {
        if (static_cast<unsigned char>(letter) < 0x20) letter = ' ';
    }
    return words;
}

}  // namespace

Error engine_error(const EngineReply& reply, std::string_view what) {
    Errc code = Errc::kUnavailable;
    if (reply.status / 100 == 4) code = Errc::kInvalid;
    if (reply.status == 404) code = Errc::kNotFound;
    if (reply.status == 409) code = Errc::kConflict;
    return make_error(code, "container engine: " + std::string{what} + ": " + words_of(reply));
}

Task<Result<EngineReply>> Engine::call(EngineRequest request, TimePoint deadline) {
    const auto executor = co_await asio::this_coro::executor;
    const auto exchange = std::make_unique<Exchange>(executor);
    CO_TRY_OK(co_await exchange->begin(socket_path_, text_of(request, false), deadline));
    EngineReply reply{.status = exchange->status(), .body = {}};
    CO_TRY_OK(co_await exchange->read_all(&reply.body));
    co_return reply;
}

Task<Result<codec::Json>> Engine::ask(EngineRequest request, TimePoint deadline) {
    const std::string what = request.method + " " + request.target.substr(0, request.target.find('?'));
    CO_TRY(const EngineReply reply, co_await call(std::move(request), deadline));
    if (!reply.is_success()) co_return engine_error(reply, what);
    if (reply.body.empty()) co_return codec::Json{};
    co_return codec::parse_json(reply.body);
}

Task<Result<std::unique_ptr<ports::ByteStream>>> Engine::open(EngineRequest request, TimePoint deadline) {
    const auto executor = co_await asio::this_coro::executor;
    auto exchange = std::make_unique<Exchange>(executor);
    CO_TRY_OK(co_await exchange->begin(socket_path_, text_of(request, true), deadline));
    EngineReply reply{.status = exchange->status(), .body = {}};
    if (!exchange->has_switched() && !reply.is_success()) {
        CO_TRY_OK(co_await exchange->read_all(&reply.body));
        co_return engine_error(reply, request.method + " " + request.target.substr(0, request.target.find('?')));
    }
    exchange->go_on_for_ever();
    co_return std::unique_ptr<ports::ByteStream>{std::move(exchange)};
}

}  // namespace vcity::adapters
