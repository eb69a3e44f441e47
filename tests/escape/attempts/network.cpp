// SPDX-License-Identifier: Apache-2.0
// Reaching anything over a network, from a job that may reach nothing.
#include <cstring>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_alg.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "attempt.hpp"

namespace vcity::escape {
namespace {

constexpr int kPatienceMs = 300;

// Over TCP: an answer of any kind, even a refusal by the other end's kernel, means that the packet left.
Outcome connects(const sockaddr* address, socklen_t size, const std::string& name) {
    const int file = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (file < 0) return outcome_of("socket", -static_cast<long>(errno));
    long result = raw_call(SYS_connect, file, address, size);
    if (result == -EINPROGRESS) {
        pollfd waiting{.fd = file, .events = POLLOUT, .revents = 0};
        int error = ETIMEDOUT;
        socklen_t length = sizeof(error);
        if (::poll(&waiting, 1, kPatienceMs) == 1) ::getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &length);
        result = -error;
    }
    ::close(file);
    return outcome_of("connect to " + name, result);
}

Outcome connects_to(const char* address, std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    if (::inet_pton(AF_INET, address, &to.sin_addr) != 1) return untried("no address");
    return connects(reinterpret_cast<const sockaddr*>(&to), sizeof(to), address);
}

Outcome connects_to_6(const char* address, std::uint16_t port) {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(port);
    if (::inet_pton(AF_INET6, address, &to.sin6_addr) != 1) return untried("no address");
    return connects(reinterpret_cast<const sockaddr*>(&to), sizeof(to), address);
}

Outcome sends_to(const char* address, std::uint16_t port) {
    const int file = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (file < 0) return outcome_of("socket", -static_cast<long>(errno));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    ::inet_pton(AF_INET, address, &to.sin_addr);
    const long result = raw_call(SYS_sendto, file, "x", 1UL, 0, &to, sizeof(to));
    ::close(file);
    return outcome_of("send to " + std::string{address}, result);
}

Outcome host_on_loopback(const Target& target) {
    return connects_to("127.0.0.1", target.host_port);
}
Outcome host_on_its_address(const Target& target) {
    if (target.host_address.empty()) return refused("the host has no address");
    return connects_to(target.host_address.c_str(), target.host_port);
}
Outcome host_by_udp(const Target& target) {
    if (target.host_address.empty()) return refused("the host has no address");
    return sends_to(target.host_address.c_str(), target.host_port);
}
Outcome metadata_of_clouds(const Target&) {
    return worst_of({connects_to("169.254.169.254", 80), connects_to("169.254.170.2", 80),
                     connects_to("100.100.100.200", 80), connects_to("192.0.0.192", 80)});
}
Outcome metadata_over_ipv6(const Target&) {
    return connects_to_6("fd00:ec2::254", 80);
}
Outcome scan_the_lan(const Target&) {
    std::vector<Outcome> outcomes;
    for (const char* net : {"10.0.0.", "172.16.0.", "172.17.0.", "192.168.0.", "192.168.1.", "192.168.178."}) {
        for (const char* host : {"1", "2", "254"}) {
            for (const std::uint16_t port : {std::uint16_t{22}, std::uint16_t{80}, std::uint16_t{445}}) {
                outcomes.push_back(connects_to((std::string{net} + host).c_str(), port));
            }
        }
    }
    return worst_of(outcomes);
}
Outcome the_internet(const Target&) {
    return worst_of({connects_to("1.1.1.1", 443), sends_to("8.8.8.8", 53), connects_to_6("2606:4700:4700::1111", 443)});
}
Outcome multicast(const Target&) {
    return worst_of({sends_to("224.0.0.251", 5353), sends_to("255.255.255.255", 9)});
}
Outcome socket_of(int family, int type, int protocol, const char* name) {
    return outcome_of(name, raw_call(SYS_socket, family, type | SOCK_CLOEXEC, protocol));
}
Outcome raw_sockets(const Target&) {
    return worst_of({socket_of(AF_INET, SOCK_RAW, IPPROTO_ICMP, "raw ICMP"),
                     socket_of(AF_INET, SOCK_RAW, IPPROTO_RAW, "raw IP"),
                     socket_of(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, "raw ICMPv6")});
}
Outcome packet_sockets(const Target&) {
    return worst_of({socket_of(AF_PACKET, SOCK_RAW, htons(3), "packet raw"),
                     socket_of(AF_PACKET, SOCK_DGRAM, htons(3), "packet datagram")});
}
Outcome sockets_of_machines(const Target&) {
    return socket_of(AF_VSOCK, SOCK_STREAM, 0, "vsock");
}
Outcome sockets_of_ciphers(const Target&) {
    return socket_of(AF_ALG, SOCK_SEQPACKET, 0, "AF_ALG");
}
Outcome sockets_of_old_networks(const Target&) {
    return worst_of({socket_of(AF_APPLETALK, SOCK_DGRAM, 0, "appletalk"), socket_of(AF_X25, SOCK_SEQPACKET, 0, "x25"),
                     socket_of(AF_TIPC, SOCK_STREAM, 0, "tipc"), socket_of(AF_RDS, SOCK_SEQPACKET, 0, "rds"),
                     socket_of(AF_CAN, SOCK_RAW, 1, "can"), socket_of(AF_BLUETOOTH, SOCK_RAW, 1, "bluetooth")});
}
Outcome fast_sockets(const Target&) {
    return socket_of(AF_XDP, SOCK_RAW, 0, "AF_XDP");
}
Outcome kernel_channels(const Target&) {
    return worst_of({socket_of(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, "netlink netfilter"),
                     socket_of(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT, "netlink audit"),
                     socket_of(AF_NETLINK, SOCK_RAW, NETLINK_XFRM, "netlink xfrm"),
                     socket_of(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT, "netlink uevent"),
                     socket_of(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC, "netlink generic")});
}

// Asks the kernel to add an address or a link; the answer is its error.
template <class Body>
Outcome netlink_request(std::uint16_t type, const Body& body, const char* name) {
    const int file = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (file < 0) return outcome_of("netlink", -static_cast<long>(errno));
    struct {
        nlmsghdr header;
        Body body;
    } request{};
    request.header.nlmsg_len = sizeof(request);
    request.header.nlmsg_type = type;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
    request.body = body;
    if (::send(file, &request, sizeof(request), 0) < 0) return outcome_of("send", -static_cast<long>(errno));
    char answer[512] = {};
    const ssize_t count = ::recv(file, answer, sizeof(answer), 0);
    ::close(file);
    nlmsgerr error{};
    if (count < static_cast<ssize_t>(sizeof(nlmsghdr) + sizeof(error))) return untried("no answer of netlink");
    std::memcpy(&error, answer + sizeof(nlmsghdr), sizeof(error));
    // Anything but a refusal means that the right was there and only the request was poor.
    if (error.error == -EPERM || error.error == -EACCES) return refused(std::string{name} + ": not permitted");
    return succeeded(std::string{name} + " got as far as " + std::to_string(error.error));
}
Outcome new_address(const Target&) {
    ifaddrmsg message{};
    message.ifa_family = AF_INET;
    message.ifa_prefixlen = 24;
    message.ifa_index = 1;
    return netlink_request(RTM_NEWADDR, message, "a new address");
}
Outcome new_link(const Target&) {
    ifinfomsg message{};
    message.ifi_family = AF_UNSPEC;
    return netlink_request(RTM_NEWLINK, message, "a new link");
}
Outcome new_route(const Target&) {
    rtmsg message{};
    message.rtm_family = AF_INET;
    message.rtm_table = RT_TABLE_MAIN;
    return netlink_request(RTM_NEWROUTE, message, "a new route");
}
Outcome tunnel_device(const Target&) {
    const int file = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (file < 0) return outcome_of("open /dev/net/tun", -static_cast<long>(errno));
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    return outcome_of("TUNSETIFF", raw_call(SYS_ioctl, file, TUNSETIFF, &request));
}
Outcome change_the_interface(const Target&) {
    const int file = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (file < 0) return outcome_of("socket", -static_cast<long>(errno));
    ifreq request{};
    std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
    if (raw_call(SYS_ioctl, file, SIOCGIFFLAGS, &request) < 0) return untried("SIOCGIFFLAGS");
    return outcome_of("SIOCSIFFLAGS", raw_call(SYS_ioctl, file, SIOCSIFFLAGS, &request));
}

constexpr Attempt kAttempts[] = {
    {"host_loopback", Control::kOutsideWithNetwork, host_on_loopback},
    {"host_address", Control::kOutsideWithNetwork, host_on_its_address},
    {"host_udp", Control::kOutsideWithNetwork, host_by_udp},
    {"metadata", Control::kNone, metadata_of_clouds},
    {"metadata_ipv6", Control::kNone, metadata_over_ipv6},
    {"lan_scan", Control::kNone, scan_the_lan},
    {"internet", Control::kNone, the_internet},
    {"multicast", Control::kNone, multicast},
    {"raw_socket", Control::kOutside, raw_sockets},
    {"packet_socket", Control::kOutside, packet_sockets},
    {"vsock", Control::kNone, sockets_of_machines},
    {"af_alg", Control::kNone, sockets_of_ciphers},
    {"old_protocols", Control::kNone, sockets_of_old_networks},
    {"af_xdp", Control::kNone, fast_sockets},
    {"netlink_families", Control::kOutside, kernel_channels},
    {"netlink_address", Control::kOutside, new_address},
    {"netlink_link", Control::kOutside, new_link},
    {"netlink_route", Control::kOutside, new_route},
    {"tun_device", Control::kNone, tunnel_device},
    {"interface_flags", Control::kOutside, change_the_interface},
};

}  // namespace

std::span<const Attempt> network_attempts() {
    return kAttempts;
}

}  // namespace vcity::escape
