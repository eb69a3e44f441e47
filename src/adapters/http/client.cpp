// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/client.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include <boost/asio/this_coro.hpp>

#include "adapters/http/client_connection.hpp"
#include "adapters/http/response_head.hpp"
#include "async/channel.hpp"

namespace vcity::adapters {
namespace asio = boost::asio;
using ports::HttpRequest;
using ports::HttpResponse;
using ports::HttpStream;

namespace {

bool is_good_method(std::string_view method) {
    return !method.empty() && method.size() <= 32 &&
           std::ranges::all_of(method, [](char character) { return character >= 'A' && character <= 'Z'; });
}

// Framing fields are ours here, too; Host may not be the handler's invention either.
bool is_ours(std::string_view name) {
    const ports::HttpHeaders ours{
        {{"Host", ""}, {"Content-Length", ""}, {"Transfer-Encoding", ""}, {"Connection", ""}}};
    return ours.has(name);
}

// Head and body; of a body that is sent in pieces only its length.
Result<std::string> serialize(const HttpRequest& request, const codec::Url& url, const ports::HttpBody* pieces) {
    if (!is_good_method(request.method)) return make_error(Errc::kInvalid, "not a method: " + request.method);
    TRY_OK(check_fields(request.headers));
    std::string text = request.method + " " + url.target + " HTTP/1.1\r\nHost: " + url.authority() + "\r\n";
    for (const auto& [name, value] : request.headers.fields) {
        if (!is_ours(name)) text.append(name).append(": ").append(value).append("\r\n");
    }
    const bool has_body = !request.body.empty() || (request.method != "GET" && request.method != "HEAD");
    const std::uint64_t bytes = pieces != nullptr ? pieces->bytes() : request.body.size();
    if (has_body) text.append("Content-Length: ").append(std::to_string(bytes)).append("\r\n");
    if (pieces != nullptr) return text.append("\r\n");
    return text.append("\r\n").append(request.body);
}

Task<Result<HttpResponse>> ask(ClientConnection* connection, std::string text, bool is_head, TimePoint deadline) {
    CO_TRY_OK(co_await connection->send(std::move(text), deadline));
    co_return co_await connection->read_head(is_head, deadline);
}

// kUnavailable also when the server has begun to answer: the rest of the body is of no use to it.
Task<Result<void>> send_pieces(ClientConnection* connection, ports::HttpBody* body, TimePoint deadline) {
    std::uint64_t left = body->bytes();
    while (left > 0) {
        CO_TRY(std::string piece, co_await body->read());
        if (piece.empty() || piece.size() > left) co_return make_error(Errc::kInvalid, "a body of another length");
        left -= piece.size();
        if (connection->has_answer()) co_return make_error(Errc::kUnavailable, "answered before the body's end");
        CO_TRY_OK(co_await connection->send(std::move(piece), deadline));
    }
    co_return Result<void>{};
}

Task<Result<std::string>> read_all(HttpStream* stream, std::size_t bytes_max, TimePoint deadline) {
    std::string body;
    while (true) {
        CO_TRY(const std::string piece, co_await stream->read(deadline));
        if (piece.empty()) co_return body;
        if (piece.size() > bytes_max - body.size()) co_return make_error(Errc::kExhausted, "answer is too long");
        body += piece;
    }
}

Result<codec::Url> parse_server(const std::string& target) {
    TRY(codec::Url url, codec::parse_url(target));
    if (url.scheme != "http" && url.scheme != "https") return make_error(Errc::kInvalid, "not an http address");
    return url;
}

}  // namespace

// The connections of a client. Shared with its streams, which bring theirs back.
class BeastHttpClient::Pool {
  public:
    Pool(Runtime* runtime, HttpClientOptions options) : runtime_{runtime}, options_{std::move(options)} {}

    // A place among the connections to one server, with or without a connection in it.
    struct Lease {
        Lease(std::shared_ptr<Pool> from, std::string to) : pool{std::move(from)}, server{std::move(to)} {
            ++pool->servers_[server].leased;
        }
        ~Lease() { pool->give_back(this); }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;

        std::shared_ptr<Pool> pool;
        std::string server;
        std::unique_ptr<ClientConnection> connection;
        bool is_kept = false;  // it has served before
    };

    static Task<Result<std::unique_ptr<Lease>>> lease(std::shared_ptr<Pool> pool, codec::Url url, TimePoint deadline);
    // Takes a kept connection if there is a good one, else opens one.
    Task<Result<void>> connect(Lease* lease, codec::Url url, bool must_be_new, TimePoint deadline);

    const HttpClientOptions& options() const { return options_; }
    Result<void> load_authorities();

  private:
    struct Kept {
        std::unique_ptr<ClientConnection> connection;
        TimePoint since;
    };
    struct Server {
        std::size_t leased = 0;
        std::deque<Kept> kept;
        std::shared_ptr<Notifier> freed;  // made when somebody waits
    };

    void give_back(Lease* lease);
    void forget_old();
    std::unique_ptr<ClientConnection> take_kept(Server* server);

    Runtime* runtime_;
    HttpClientOptions options_;
    std::shared_ptr<ClientTls> tls_;  // null until needed: the system's authorities take a while to read
    std::map<std::string, Server> servers_;
};

Task<Result<std::unique_ptr<BeastHttpClient::Pool::Lease>>> BeastHttpClient::Pool::lease(std::shared_ptr<Pool> pool,
                                                                                         codec::Url url,
                                                                                         TimePoint deadline) {
    const std::string name = url.scheme + "://" + url.authority();
    while (pool->servers_[name].leased >= pool->options_.connections_per_host_max) {
        auto& freed = pool->servers_[name].freed;
        if (!freed) freed = std::make_shared<Notifier>(pool->runtime_);
        const std::shared_ptr<Notifier> waiting = freed;
        const bool notified = co_await waiting->wait_until(deadline);
        if (!notified) co_return make_error(Errc::kTimeout, "all connections to the server are busy");
    }
    co_return std::make_unique<Lease>(pool, name);
}

std::unique_ptr<ClientConnection> BeastHttpClient::Pool::take_kept(Server* server) {
    while (!server->kept.empty()) {
        Kept newest = std::move(server->kept.back());
        server->kept.pop_back();
        const bool is_fresh = runtime_->now() - newest.since < options_.idle_timeout;
        if (is_fresh && newest.connection->is_quiet()) return std::move(newest.connection);
    }
    return nullptr;
}

Task<Result<void>> BeastHttpClient::Pool::connect(Lease* lease, codec::Url url, bool must_be_new, TimePoint deadline) {
    lease->connection = must_be_new ? nullptr : take_kept(&servers_[lease->server]);
    lease->is_kept = lease->connection != nullptr;
    if (lease->is_kept) co_return Result<void>{};
    if (url.is_secure()) {
        CO_TRY_OK(load_authorities());
    }
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    lease->connection = make_connection(executor, url.is_secure(), tls_, options_);
    co_return co_await lease->connection->connect(url, deadline);
}

Result<void> BeastHttpClient::Pool::load_authorities() {
    if (tls_) return {};
    TRY(tls_, load_client_authorities(options_.authorities_file));
    return {};
}

void BeastHttpClient::Pool::give_back(Lease* lease) {
    Server& server = servers_[lease->server];
    --server.leased;
    const bool is_good = lease->connection && lease->connection->is_reusable();
    if (is_good && server.kept.size() < options_.idle_connections_per_host_max) {
        server.kept.push_back(Kept{std::move(lease->connection), runtime_->now()});
    }
    if (server.freed) server.freed->notify();
    forget_old();
}

// Servers that are no longer talked to leave nothing behind.
void BeastHttpClient::Pool::forget_old() {
    const TimePoint oldest = runtime_->now() - options_.idle_timeout;
    for (auto entry = servers_.begin(); entry != servers_.end();) {
        Server& server = entry->second;
        while (!server.kept.empty() && server.kept.front().since < oldest) server.kept.pop_front();
        entry = server.leased == 0 && server.kept.empty() ? servers_.erase(entry) : std::next(entry);
    }
}

// An answer on its way, with its place in the pool.
class BeastHttpClient::Stream final : public HttpStream {
  public:
    Stream(std::unique_ptr<Pool::Lease> lease, HttpResponse head) : lease_{std::move(lease)}, head_{std::move(head)} {}

    const HttpResponse& head() const override { return head_; }

    Task<Result<std::string>> read(TimePoint deadline) override {
        if (!lease_) co_return make_error(Errc::kUnavailable, "the stream has failed");
        auto piece = co_await lease_->connection->read_body(deadline);
        if (!piece) lease_.reset();
        co_return piece;
    }

  private:
    std::unique_ptr<Pool::Lease> lease_;  // null after an error
    HttpResponse head_;
};

Result<std::unique_ptr<BeastHttpClient>> BeastHttpClient::make(Runtime* runtime, const HttpClientOptions& options) {
    auto pool = std::make_shared<Pool>(runtime, options);
    if (!options.authorities_file.empty()) {
        TRY_OK(pool->load_authorities());
    }
    return std::unique_ptr<BeastHttpClient>{new BeastHttpClient{std::move(pool)}};
}

BeastHttpClient::~BeastHttpClient() = default;

Task<Result<std::unique_ptr<HttpStream>>> BeastHttpClient::open(HttpRequest request, TimePoint deadline) {
    CO_TRY(const auto url, parse_server(request.target));
    CO_TRY(const std::string text, serialize(request, url, nullptr));
    CO_TRY(auto lease, co_await Pool::lease(pool_, url, deadline));
    const bool is_repeatable = request.method == "GET" || request.method == "HEAD";
    Result<HttpResponse> head = make_error(Errc::kUnavailable, "not sent");
    bool must_be_new = false;
    bool is_last = false;
    while (!head && !is_last) {
        CO_TRY_OK(co_await lease->pool->connect(lease.get(), url, must_be_new, deadline));
        head = co_await ask(lease->connection.get(), text, request.method == "HEAD", deadline);
        const bool has_ended = !head && head.error().code == Errc::kUnavailable && lease->connection->is_unanswered();
        must_be_new = lease->is_kept && has_ended && is_repeatable;
        is_last = !must_be_new;
    }
    if (!head) co_return head.error();
    co_return std::make_unique<Stream>(std::move(lease), *std::move(head));
}

Task<Result<HttpResponse>> BeastHttpClient::send(HttpRequest request, TimePoint deadline) {
    const std::size_t limit = pool_->options().body_bytes_max;
    CO_TRY(const auto stream, co_await open(std::move(request), deadline));
    HttpResponse response = stream->head();
    CO_TRY(response.body, co_await read_all(stream.get(), limit, deadline));
    co_return response;
}

Task<Result<HttpResponse>> BeastHttpClient::upload(HttpRequest request, ports::HttpBody* body, TimePoint deadline) {
    const std::size_t limit = pool_->options().body_bytes_max;
    CO_TRY(const auto url, parse_server(request.target));
    CO_TRY(std::string text, serialize(request, url, body));
    CO_TRY(auto lease, co_await Pool::lease(pool_, url, deadline));
    // A kept connection may have ended, and the body can be read only once.
    CO_TRY_OK(co_await lease->pool->connect(lease.get(), url, true, deadline));
    ClientConnection* connection = lease->connection.get();
    CO_TRY_OK(co_await connection->send(std::move(text), deadline));
    const Result<void> sent = co_await send_pieces(connection, body, deadline);
    // Who refuses a body may close before the rest of it has arrived.
    const bool may_be_answered = sent || sent.error().code == Errc::kUnavailable;
    if (!may_be_answered) {
        lease->connection.reset();
        co_return sent.error();
    }
    auto head = co_await connection->read_head(false, deadline);
    if (!head || !sent) connection->expect_no_more();
    if (!head) co_return sent ? head.error() : sent.error();
    HttpResponse response = *head;
    Stream stream{std::move(lease), *std::move(head)};
    CO_TRY(response.body, co_await read_all(&stream, limit, deadline));
    co_return response;
}

}  // namespace vcity::adapters
