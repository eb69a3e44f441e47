// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_bwrap/control.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>

namespace vcity::adapters {
namespace {

namespace asio = boost::asio;
using Socket = asio::local::stream_protocol::socket;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBytesMax = 64U << 10U;
constexpr std::size_t kKnownMax = 1024;

Error ended() {
    return make_error(Errc::kUnavailable, "sandbox: it has ended");
}

}  // namespace

Result<void> SandboxControl::send(const init::Request& request, const std::string& strings, const Descriptor* passed) {
    if (is_over_) return ended();
    if (sizeof(request) + strings.size() > init::kRequestBytesMax) {
        return make_error(Errc::kInvalid, "sandbox: the command is too long");
    }
    std::string text(sizeof(request) + strings.size(), '\0');
    std::memcpy(text.data(), &request, sizeof(request));
    std::ranges::copy(strings, text.begin() + sizeof(request));
    iovec part{.iov_base = text.data(), .iov_len = text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> ancillary{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (passed != nullptr) {
        message.msg_control = ancillary.data();
        message.msg_controllen = ancillary.size();
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        const int number = passed->get();
        std::memcpy(CMSG_DATA(header), &number, sizeof(number));
    }
    if (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return {};
    return make_error(Errc::kUnavailable, "sandbox: " + std::system_category().message(errno));
}

void SandboxControl::take(const init::Reply& reply) {
    const auto found = known_.find(reply.id);
    if (found == known_.end()) return;
    if (reply.event == init::Event::kOpened) found->second.opened = reply.value;
    if (reply.event == init::Event::kEnded) found->second.status = std::clamp(reply.value, 0, 255);
    changed_.notify();
}

Task<void> SandboxControl::run(std::shared_ptr<SandboxControl> control) {
    while (true) {
        // One message a read: this is a socket of packets. Descriptors that came along would be dropped by the kernel.
        const Result<Bytes> packet = co_await control->socket_.read(sizeof(init::Reply) + 1, TimePoint::max());
        if (!packet || packet->size() != sizeof(init::Reply)) break;
        init::Reply reply;
        std::memcpy(&reply, packet->data(), sizeof(reply));
        control->take(reply);
    }
    control->is_over_ = true;
    control->changed_.notify();
}

Task<Result<Socket>> SandboxControl::open(init::Request* request, std::string strings, TimePoint deadline) {
    if (known_.size() >= kKnownMax) co_return make_error(Errc::kExhausted, "sandbox: too many sessions");
    CO_TRY(Pipe pair, make_socket_pair(SOCK_STREAM));
    request->id = ++last_id_;
    CO_TRY_OK(send(*request, strings, &pair.read_end));
    pair.read_end = {};
    const std::uint32_t id = request->id;
    known_.emplace(id, Known{});
    bool is_in_time = true;
    while (is_in_time && !is_over_ && !known_[id].opened) {
        is_in_time = co_await changed_.wait_until(deadline);
    }
    const std::optional<int> opened = known_[id].opened;
    if (!opened || *opened != 0) forget(id);
    if (!opened && !is_over_) co_return make_error(Errc::kTimeout, "sandbox: it does not answer in time");
    if (!opened) co_return ended();
    if (*opened != 0) {
        co_return make_error(Errc::kUnavailable, "sandbox: " + std::system_category().message(*opened));
    }
    const auto executor = co_await asio::this_coro::executor;
    Socket socket{executor};
    boost::system::error_code error;
    error = socket.assign(asio::local::stream_protocol{}, pair.write_end.release(), error);
    if (error) co_return make_error(Errc::kExhausted, "sandbox: " + error.message());
    co_return socket;
}

Task<Result<int>> SandboxControl::wait_for_end(std::uint32_t id, TimePoint deadline) {
    bool is_in_time = true;
    while (is_in_time && !is_over_ && !known_[id].status) {
        is_in_time = co_await changed_.wait_until(deadline);
    }
    const std::optional<int> status = known_[id].status;
    if (status) co_return *status;
    if (is_over_) co_return ended();
    co_return make_error(Errc::kTimeout, "sandbox: the program goes on");
}

Task<Result<Bytes>> SandboxStream::read(std::size_t max) {
    Bytes bytes(std::min(max, kReadBytesMax));
    const auto [error, size] = co_await socket_.async_read_some(asio::buffer(bytes), kAwait);
    if (error && error != asio::error::eof) co_return make_error(Errc::kUnavailable, "sandbox: " + error.message());
    bytes.resize(size);
    co_return bytes;
}

Task<Result<void>> SandboxStream::write(Bytes bytes) {
    const auto [error, size] = co_await asio::async_write(socket_, asio::buffer(bytes), kAwait);
    if (error) co_return make_error(Errc::kUnavailable, "sandbox: " + error.message());
    co_return Result<void>{};
}

void SandboxStream::finish() {
    boost::system::error_code ignored;
    ignored = socket_.shutdown(Socket::shutdown_send, ignored);
}

void SandboxStream::abort() {
    boost::system::error_code ignored;
    ignored = socket_.close(ignored);
}

BwrapSession::~BwrapSession() {
    init::Request request;
    request.operation = init::Operation::kKill;
    request.id = id_;
    control_->tell(request);
    control_->forget(id_);
}

void BwrapSession::resize(ports::TerminalSize size) {
    init::Request request;
    request.operation = init::Operation::kResize;
    request.id = id_;
    request.columns = size.columns;
    request.rows = size.rows;
    control_->tell(request);
}

}  // namespace vcity::adapters
