// SPDX-License-Identifier: Apache-2.0
#include "adapters/local_io/local_io.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace vcity::adapters {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::posix::stream_descriptor;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBytesMax = 64U << 10U;
// A pipe that is ready takes so much without waiting.
constexpr std::size_t kPipeBytes = 4096;

Error broken(const std::string& what) {
    return make_error(Errc::kUnavailable, "stream: " + what);
}

// One descriptor that can be waited for, if that is possible.
class Waitable {
  public:
    Waitable(const asio::any_io_executor& executor, int number)
        : number_{number}, flags_{::fcntl(number, F_GETFL)}, copy_{executor} {
        boost::system::error_code error;
        const int copy = ::fcntl(number, F_DUPFD_CLOEXEC, 0);
        if (copy < 0) return;
        error = copy_.assign(copy, error);
        if (error) ::close(copy);
        can_wait_ = !error;
    }

    // Waiting has made it non-blocking, for everybody who shares it.
    ~Waitable() {
        if (flags_ >= 0) ::fcntl(number_, F_SETFL, flags_);
    }
    Waitable(const Waitable&) = delete;
    Waitable& operator=(const Waitable&) = delete;

    Task<bool> wait(stream_descriptor::wait_type what) {
        if (is_over_) co_return false;
        if (!can_wait_) co_return true;
        const auto [error] = co_await copy_.async_wait(what, kAwait);
        // Files are always ready; the kernel does not let them be waited for.
        const bool is_file = error == asio::error::operation_not_supported;
        co_return (!error || is_file) && !is_over_;
    }
    void end() {
        is_over_ = true;
        boost::system::error_code ignored;
        ignored = copy_.close(ignored);
    }
    int number() const { return number_; }

  private:
    int number_;
    int flags_;
    stream_descriptor copy_;
    bool can_wait_ = false;
    bool is_over_ = false;
};

class DescriptorStream final : public ports::ByteStream {
  public:
    DescriptorStream(const asio::any_io_executor& executor, int input, int output)
        : input_{executor, input}, output_{executor, output} {}

    Task<Result<Bytes>> read(std::size_t max) override {
        Bytes bytes(std::min(max, kReadBytesMax));
        while (true) {
            const bool is_ready = co_await input_.wait(stream_descriptor::wait_read);
            if (!is_ready) co_return broken("it was ended");
            const ssize_t count = ::read(input_.number(), bytes.data(), bytes.size());
            if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (count < 0) co_return broken(std::system_category().message(errno));
            bytes.resize(static_cast<std::size_t>(count));
            co_return bytes;
        }
    }
    Task<Result<void>> write(Bytes bytes) override {
        std::size_t written = 0;
        while (written < bytes.size()) {
            const bool is_ready = co_await output_.wait(stream_descriptor::wait_write);
            if (!is_ready) co_return broken("it was ended");
            const std::size_t size = std::min(bytes.size() - written, kPipeBytes);
            const ssize_t count = ::write(output_.number(), bytes.data() + written, size);
            if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (count < 0) co_return broken(std::system_category().message(errno));
            written += static_cast<std::size_t>(count);
        }
        co_return Result<void>{};
    }
    void finish() override {}
    void abort() override {
        input_.end();
        output_.end();
    }

  private:
    Waitable input_;
    Waitable output_;
};

class TcpStream final : public ports::ByteStream {
  public:
    explicit TcpStream(tcp::socket socket) : socket_{std::move(socket)} {
        boost::system::error_code ignored;
        ignored = socket_.set_option(tcp::no_delay{true}, ignored);
    }

    Task<Result<Bytes>> read(std::size_t max) override {
        Bytes bytes(std::min(max, kReadBytesMax));
        const auto [error, size] = co_await socket_.async_read_some(asio::buffer(bytes), kAwait);
        if (error && error != asio::error::eof) co_return broken(error.message());
        bytes.resize(size);
        co_return bytes;
    }
    Task<Result<void>> write(Bytes bytes) override {
        const auto [error, size] = co_await asio::async_write(socket_, asio::buffer(bytes), kAwait);
        if (error) co_return broken(error.message());
        co_return Result<void>{};
    }
    void finish() override {
        boost::system::error_code ignored;
        ignored = socket_.shutdown(tcp::socket::shutdown_send, ignored);
    }
    void abort() override {
        boost::system::error_code ignored;
        ignored = socket_.close(ignored);
    }

  private:
    tcp::socket socket_;
};

}  // namespace

std::unique_ptr<ports::ByteStream> make_descriptor_stream(const asio::any_io_executor& executor,
                                                          int input,
                                                          int output) {
    return std::make_unique<DescriptorStream>(executor, input, output);
}

struct RawTerminal::Saved {
    termios state{};
};

RawTerminal::RawTerminal(int descriptor) : descriptor_{descriptor} {
    auto saved = std::make_unique<Saved>();
    if (::tcgetattr(descriptor, &saved->state) != 0) return;
    termios raw = saved->state;
    ::cfmakeraw(&raw);
    if (::tcsetattr(descriptor, TCSADRAIN, &raw) == 0) saved_ = std::move(saved);
}

RawTerminal::~RawTerminal() {
    if (saved_) ::tcsetattr(descriptor_, TCSADRAIN, &saved_->state);
}

bool is_terminal(int descriptor) {
    return ::isatty(descriptor) == 1;
}

ports::TerminalSize terminal_size(int descriptor) {
    winsize size{};
    if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
    return {.columns = size.ws_col, .rows = size.ws_row};
}

struct SizeWatch::State {
    State(const asio::any_io_executor& executor, std::function<void()> callback)
        : signals{executor, SIGWINCH}, on_change{std::move(callback)} {}
    asio::signal_set signals;
    std::function<void()> on_change;
    bool is_over = false;
};

SizeWatch::SizeWatch(Runtime* runtime, const asio::any_io_executor& executor, std::function<void()> on_change)
    : state_{std::make_shared<State>(executor, std::move(on_change))} {
    runtime->spawn(run(state_));
}

SizeWatch::~SizeWatch() {
    state_->is_over = true;
    state_->signals.cancel();
}

Task<void> SizeWatch::run(std::shared_ptr<State> state) {
    while (!state->is_over) {
        const auto [error, number] = co_await state->signals.async_wait(kAwait);
        if (error || state->is_over) co_return;
        state->on_change();
    }
}

struct LocalListener::State {
    explicit State(const asio::any_io_executor& executor) : acceptor{executor} {}
    tcp::acceptor acceptor;
    std::uint16_t port = 0;
};

LocalListener::LocalListener(std::unique_ptr<State> state) : state_{std::move(state)} {}
LocalListener::~LocalListener() = default;

Result<std::unique_ptr<LocalListener>> LocalListener::make(const asio::any_io_executor& executor,
                                                           const std::string& address,
                                                           std::uint16_t port) {
    boost::system::error_code error;
    const auto parsed = asio::ip::make_address(address, error);
    if (error) return make_error(Errc::kInvalid, "not an address to listen on: " + address);
    auto state = std::make_unique<State>(executor);
    const tcp::endpoint endpoint{parsed, port};
    error = state->acceptor.open(endpoint.protocol(), error);
    if (!error) error = state->acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
    if (!error) error = state->acceptor.bind(endpoint, error);
    if (!error) error = state->acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (!error) state->port = state->acceptor.local_endpoint(error).port();
    if (error) {
        return make_error(Errc::kUnavailable,
                          "cannot listen on " + address + ":" + std::to_string(port) + ": " + error.message());
    }
    return std::unique_ptr<LocalListener>{new LocalListener{std::move(state)}};
}

Task<Result<std::unique_ptr<ports::ByteStream>>> LocalListener::accept() {
    auto [error, socket] = co_await state_->acceptor.async_accept(kAwait);
    if (error) co_return make_error(Errc::kUnavailable, "accept: " + error.message());
    co_return std::make_unique<TcpStream>(std::move(socket));
}

void LocalListener::close() {
    boost::system::error_code ignored;
    ignored = state_->acceptor.close(ignored);
}

std::uint16_t LocalListener::port() const {
    return state_->port;
}

}  // namespace vcity::adapters
