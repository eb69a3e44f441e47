// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <string>
#include <system_error>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/sandbox_oci/process.hpp"

namespace vcity::adapters {
namespace {

Error system_error(Errc code, const char* what) {
    return make_error(code, std::string{"container: "} + what + ": " + std::system_category().message(errno));
}

Result<int> connect_here(std::uint16_t port, Duration patience) {
    const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connection < 0) return system_error(Errc::kExhausted, "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int failure = 0;
    if (::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        failure = errno;
        pollfd waiting{.fd = connection, .events = POLLOUT, .revents = 0};
        const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
        if (failure == EINPROGRESS && ::poll(&waiting, 1, static_cast<int>(milliseconds)) == 1) {
            socklen_t size = sizeof(failure);
            ::getsockopt(connection, SOL_SOCKET, SO_ERROR, &failure, &size);
        }
    }
    if (failure == 0) return connection;
    ::close(connection);
    errno = failure;
    return system_error(Errc::kUnavailable, "connect");
}

Result<int> connect_within(const std::string& path, std::uint16_t port, Duration patience) {
    const int space = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (space < 0) return system_error(errno == EACCES ? Errc::kDenied : Errc::kUnavailable, "network namespace");
    const int entered = ::setns(space, CLONE_NEWNET);
    ::close(space);
    if (entered != 0) return system_error(Errc::kDenied, "network namespace");
    return connect_here(port, patience);
}

}  // namespace

Result<int> connect_inside(std::uint64_t process_id, std::uint16_t port, Duration patience) {
    const std::string path = "/proc/" + std::to_string(process_id) + "/ns/net";
    Result<int> connected = make_error(Errc::kInternal, "container: no connection");
    // A namespace belongs to a thread: this one ends and takes the change with it. The socket stays where it was made.
    std::thread visitor{[&] { connected = connect_within(path, port, patience); }};
    visitor.join();
    return connected;
}

}  // namespace vcity::adapters
