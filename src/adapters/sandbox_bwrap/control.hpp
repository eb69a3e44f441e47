// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include <boost/asio/local/stream_protocol.hpp>

#include "adapters/sandbox_bwrap/init_protocol.hpp"
#include "adapters/sandbox_bwrap/process.hpp"

namespace vcity::adapters {

// The agent's end of the socket to vcity-init. What comes from there is a few numbers and is believed as far as the
// sandbox itself: at worst a session seems to have opened or ended that has not. Shared by the process, its sessions
// and the task that reads replies; that one ends with the sandbox.
class SandboxControl {
  public:
    SandboxControl(Runtime* runtime, const boost::asio::any_io_executor& executor, Descriptor socket)
        : socket_{executor, std::move(socket)}, changed_{runtime} {}

    static Task<void> run(std::shared_ptr<SandboxControl> control);

    // Sends the request with one end of a new socket pair and gives the other end once vcity-init says that it is
    // connected. The request's id is set here. kUnavailable: refused, or the sandbox has ended; kTimeout.
    Task<Result<boost::asio::local::stream_protocol::socket>> open(init::Request* request,
                                                                   std::string strings,
                                                                   TimePoint deadline);
    // Without an answer; lost when the socket is full.
    void tell(const init::Request& request) { (void)send(request, {}, nullptr); }
    // Of something that open() started. kTimeout, kUnavailable when the sandbox has ended.
    Task<Result<int>> wait_for_end(std::uint32_t id, TimePoint deadline);
    // Nobody will ask for its end any more.
    void forget(std::uint32_t id) { known_.erase(id); }

  private:
    struct Known {
        std::optional<int> opened;  // 0 or errno
        std::optional<int> status;
    };

    Result<void> send(const init::Request& request, const std::string& strings, const Descriptor* passed);
    void take(const init::Reply& reply);

    AsyncDescriptor socket_;
    Notifier changed_;
    std::map<std::uint32_t, Known> known_;
    std::uint32_t last_id_ = 0;
    bool is_over_ = false;
};

// The agent's end of a connection into the sandbox.
class SandboxStream final : public ports::ByteStream {
  public:
    explicit SandboxStream(boost::asio::local::stream_protocol::socket socket) : socket_{std::move(socket)} {}

    Task<Result<Bytes>> read(std::size_t max) override;
    Task<Result<void>> write(Bytes bytes) override;
    void finish() override;
    void abort() override;

  private:
    boost::asio::local::stream_protocol::socket socket_;
};

class BwrapSession final : public ports::SandboxSession {
  public:
    BwrapSession(std::shared_ptr<SandboxControl> control,
                 std::uint32_t id,
                 boost::asio::local::stream_protocol::socket socket)
        : control_{std::move(control)}, id_{id}, stream_{std::move(socket)} {}
    ~BwrapSession() override;
    BwrapSession(const BwrapSession&) = delete;
    BwrapSession& operator=(const BwrapSession&) = delete;

    Task<Result<Bytes>> read(std::size_t max) override { return stream_.read(max); }
    Task<Result<void>> write(Bytes bytes) override { return stream_.write(std::move(bytes)); }
    void finish() override { stream_.finish(); }
    void abort() override { stream_.abort(); }
    void resize(ports::TerminalSize size) override;
    Task<Result<int>> wait(TimePoint deadline) override { return control_->wait_for_end(id_, deadline); }

  private:
    std::shared_ptr<SandboxControl> control_;
    std::uint32_t id_;
    SandboxStream stream_;
};

}  // namespace vcity::adapters
