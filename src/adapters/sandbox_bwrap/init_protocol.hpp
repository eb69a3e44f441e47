// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// What the agent and vcity-init, the first program of a sandbox with ways in, say to each other over a socket of type
// SOCK_SEQPACKET. The agent sends requests, each with one end of a socket pair; vcity-init sends replies, never a
// descriptor. The agent takes nothing but these few numbers from the sandbox. Only numbers of this machine's own size
// and order: both ends run on it.
namespace vcity::init {

enum class Operation : std::uint8_t {
    kDial = 1,       // connect the passed end with `port` on the loopback
    kExec = 2,       // run a command on it; arguments and variables follow, each ended by a zero byte
    kResize = 3,     // the terminal of `id`
    kKill = 4,       // what kExec started under `id`, with its session
    kTerminate = 5,  // tell the sandbox's own command to end
};

struct Request {
    Operation operation = Operation::kDial;
    std::uint8_t has_terminal = 0;
    std::uint16_t port = 0;
    std::uint16_t columns = 0;
    std::uint16_t rows = 0;
    std::uint16_t arguments = 0;
    std::uint16_t variables = 0;
    std::uint32_t id = 0;  // drawn by the agent, never twice
};

enum class Event : std::uint8_t {
    kOpened = 1,  // value: 0, or errno
    kEnded = 2,   // value: exit status, 128 + n for signal n
};

struct Reply {
    Event event = Event::kOpened;
    std::uint8_t unused[3] = {};
    std::uint32_t id = 0;
    std::int32_t value = 0;
};

inline constexpr std::size_t kRequestBytesMax = 96U << 10U;  // with what follows

}  // namespace vcity::init
