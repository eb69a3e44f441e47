// SPDX-License-Identifier: Apache-2.0
#include "serve.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/sandbox_bwrap/init_protocol.hpp"

namespace vcity::init {
namespace {

constexpr std::size_t kBufferBytes = 32U << 10U;
constexpr std::size_t kStreamsMax = 128;
constexpr std::size_t kChildrenMax = 64;
constexpr char kEndOfTerminal = 4;
constexpr int kNotFound = 127;

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_{number} {}
    Descriptor(Descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int get() const { return number_; }
    bool is_open() const { return number_ >= 0; }

  private:
    int number_ = -1;
};

void set_nonblocking(int descriptor) {
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

bool would_block() {
    return errno == EAGAIN || errno == EINTR;
}

// Programs of the sandbox run as the same user and may signal everybody. What can be ignored is ignored here; whoever
// sends SIGKILL to all ends their own sandbox.
void set_signals(void (*handler)(int)) {
    for (int number = 1; number <= SIGRTMAX; ++number) {
        if (number != SIGCHLD) std::signal(number, handler);
    }
}

// Bytes on their way from one descriptor to another.
struct Flow {
    int from = -1;
    int to = -1;
    bool to_terminal = false;
    bool has_read_all = false;
    bool is_over = false;  // the end was passed on, or the other side is gone
    std::size_t begin = 0;
    std::size_t end = 0;
    std::array<char, kBufferBytes> buffer{};

    bool wants_input() const { return !is_over && !has_read_all && begin == end; }
    bool wants_output() const { return !is_over && begin < end; }

    void take() {
        const ssize_t count = ::read(from, buffer.data(), buffer.size());
        if (count < 0 && would_block()) return;
        // A terminal whose programs have gone gives an error.
        has_read_all = count <= 0;
        begin = 0;
        end = count > 0 ? static_cast<std::size_t>(count) : 0;
        if (has_read_all && to_terminal) {
            buffer[0] = kEndOfTerminal;
            end = 1;
        }
    }
    void give() {
        const ssize_t count = ::write(to, buffer.data() + begin, end - begin);
        if (count < 0 && would_block()) return;
        if (count < 0) is_over = true;
        if (count > 0) begin += static_cast<std::size_t>(count);
    }
    // Passes the end on once everything before it is out.
    void settle() {
        if (is_over || !has_read_all || begin < end) return;
        if (!to_terminal) ::shutdown(to, SHUT_WR);
        is_over = true;
    }
};

// A connection between the agent's end and a port or a terminal.
struct Stream {
    Stream(std::uint32_t number, Descriptor agent_end, Descriptor inner_end, bool is_terminal)
        : id{number}, agent{std::move(agent_end)}, inner{std::move(inner_end)} {
        up.from = down.to = agent.get();
        up.to = down.from = inner.get();
        up.to_terminal = is_terminal;
        set_nonblocking(agent.get());
        set_nonblocking(inner.get());
    }

    std::uint32_t id;
    Descriptor agent;
    Descriptor inner;
    bool is_connecting = false;
    bool is_agent_gone = false;
    Flow up;
    Flow down;

    short agent_events() const {
        return static_cast<short>((up.wants_input() ? POLLIN : 0) | (down.wants_output() ? POLLOUT : 0));
    }
    short inner_events() const {
        if (is_connecting) return POLLOUT;
        return static_cast<short>((down.wants_input() ? POLLIN : 0) | (up.wants_output() ? POLLOUT : 0));
    }
    bool is_over() const { return !is_connecting && down.is_over && (up.is_over || up.to_terminal); }
};

struct Child {
    pid_t process = 0;
    std::uint32_t id = 0;
};

// The strings that follow a request, each ended by a zero byte. Stops short when they are not as announced.
std::vector<char*> strings_of(char** next, const char* end, std::size_t count) {
    std::vector<char*> strings;
    for (; count > 0; --count) {
        char* stop = std::find(*next, const_cast<char*>(end), '\0');
        if (stop == end) break;
        strings.push_back(*next);
        *next = stop + 1;
    }
    return strings;
}

Descriptor connect_local(unsigned port, int* problem) {
    Descriptor made{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    set_nonblocking(made.get());
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr generic{};
    static_assert(sizeof(generic) == sizeof(address));
    std::memcpy(&generic, &address, sizeof(address));
    *problem = 0;
    if (::connect(made.get(), &generic, sizeof(generic)) != 0 && errno != EINPROGRESS) *problem = errno;
    return made;
}

class Server {
  public:
    Server(int control, pid_t command) : control_{control}, command_{command} {
        sigset_t children;
        sigemptyset(&children);
        sigaddset(&children, SIGCHLD);
        signals_ = Descriptor{::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK)};
    }

    int run() {
        while (true) {
            poll_once();
            int status = 0;
            if (reap(&status)) return status;
        }
    }

  private:
    void poll_once();
    // True when the command itself has ended.
    bool reap(int* status);
    void on_request();
    void serve_request(const Request& request, char* rest, const char* end, Descriptor agent);
    void dial(const Request& request, Descriptor agent);
    void exec(const Request& request, char* rest, const char* end, Descriptor agent);
    [[noreturn]] void become(const std::vector<char*>& arguments, const std::vector<char*>& variables, int terminal);
    void turn(Stream* stream, short agent_events, short inner_events);
    void reply(Event event, std::uint32_t id, int value) const {
        Reply message;
        message.event = event;
        message.id = id;
        message.value = value;
        (void)!::send(control_.get(), &message, sizeof(message), MSG_NOSIGNAL);
    }

    Descriptor control_;
    Descriptor signals_;
    pid_t command_;
    std::vector<std::unique_ptr<Stream>> streams_;
    std::vector<Child> children_;
    std::vector<char> message_ = std::vector<char>(kRequestBytesMax);
};

void Server::poll_once() {
    std::vector<pollfd> ready;
    ready.push_back({.fd = control_.get(), .events = POLLIN, .revents = 0});
    ready.push_back({.fd = signals_.get(), .events = POLLIN, .revents = 0});
    for (const auto& stream : streams_) {
        // A descriptor that was hung up is always ready: it is looked at while something is wanted of it.
        const bool is_agent_done = stream->is_agent_gone && stream->agent_events() == 0;
        const short inner_events = stream->inner_events();
        ready.push_back(
            {.fd = is_agent_done ? -1 : stream->agent.get(), .events = stream->agent_events(), .revents = 0});
        ready.push_back({.fd = inner_events == 0 ? -1 : stream->inner.get(), .events = inner_events, .revents = 0});
    }
    if (::poll(ready.data(), ready.size(), -1) < 0) return;
    for (std::size_t index = 0; index < streams_.size(); ++index) {
        turn(streams_[index].get(), ready[2 + 2 * index].revents, ready[3 + 2 * index].revents);
    }
    std::erase_if(streams_, [](const auto& stream) { return stream->is_over(); });
    signalfd_siginfo info{};
    if (ready[1].revents != 0) (void)!::read(signals_.get(), &info, sizeof(info));
    if ((ready[0].revents & POLLIN) != 0) {
        on_request();
    } else if (ready[0].revents != 0) {
        control_ = Descriptor{};  // the agent has gone: bubblewrap ends all this
    }
}

void Server::turn(Stream* stream, short agent_events, short inner_events) {
    if (stream->is_connecting) {
        if (inner_events == 0) return;
        int problem = 0;
        socklen_t size = sizeof(problem);
        ::getsockopt(stream->inner.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
        reply(Event::kOpened, stream->id, problem);
        stream->is_connecting = false;
        if (problem != 0) stream->up.is_over = stream->down.is_over = true;
        return;
    }
    if ((agent_events & POLLOUT) != 0) stream->down.give();
    if ((inner_events & POLLOUT) != 0) stream->up.give();
    const bool is_hung_up = (agent_events & (POLLHUP | POLLERR)) != 0;
    if (stream->up.wants_input() && (agent_events & (POLLIN | POLLHUP)) != 0) stream->up.take();
    if (stream->down.wants_input() && (inner_events & (POLLIN | POLLHUP | POLLERR)) != 0) stream->down.take();
    stream->is_agent_gone = stream->is_agent_gone || is_hung_up;
    // Nobody will read what comes from inside any more; closing a terminal tells its programs.
    const bool has_said_all = stream->up.has_read_all && (stream->up.to_terminal || !stream->up.wants_output());
    if (stream->is_agent_gone && has_said_all) stream->down.is_over = stream->up.is_over = true;
    stream->up.settle();
    stream->down.settle();
}

bool Server::reap(int* status) {
    while (true) {
        int state = 0;
        const pid_t ended = ::waitpid(-1, &state, WNOHANG);
        if (ended <= 0) return false;
        const int code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
        if (ended == command_) {
            *status = code;
            return true;
        }
        const auto child = std::find_if(children_.begin(), children_.end(),
                                        [ended](const Child& known) { return known.process == ended; });
        if (child == children_.end()) continue;
        reply(Event::kEnded, child->id, code);
        children_.erase(child);
    }
}

void Server::on_request() {
    alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {};
    iovec part{.iov_base = message_.data(), .iov_len = message_.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = ancillary;
    message.msg_controllen = sizeof(ancillary);
    const ssize_t size = ::recvmsg(control_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (size == 0) control_ = Descriptor{};
    Descriptor agent;
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (size > 0 && header != nullptr && header->cmsg_type == SCM_RIGHTS) {
        int number = -1;
        std::memcpy(&number, CMSG_DATA(header), sizeof(number));
        agent = Descriptor{number};
    }
    Request request;
    if (size < static_cast<ssize_t>(sizeof(request))) return;
    std::memcpy(&request, message_.data(), sizeof(request));
    serve_request(request, message_.data() + sizeof(request), message_.data() + size, std::move(agent));
}

void Server::serve_request(const Request& request, char* rest, const char* end, Descriptor agent) {
    const auto child = std::find_if(children_.begin(), children_.end(),
                                    [&request](const Child& known) { return known.id == request.id; });
    switch (request.operation) {
        case Operation::kDial: dial(request, std::move(agent)); break;
        case Operation::kExec: exec(request, rest, end, std::move(agent)); break;
        case Operation::kResize:
            for (const auto& stream : streams_) {
                const winsize size{.ws_row = request.rows, .ws_col = request.columns, .ws_xpixel = 0, .ws_ypixel = 0};
                if (stream->id == request.id) ::ioctl(stream->inner.get(), TIOCSWINSZ, &size);
            }
            break;
        case Operation::kKill:
            // A child that was just forked may not be in a session of its own yet.
            if (child != children_.end() && ::kill(-child->process, SIGKILL) != 0) ::kill(child->process, SIGKILL);
            break;
        case Operation::kTerminate: ::kill(command_, SIGTERM); break;
    }
}

void Server::dial(const Request& request, Descriptor agent) {
    if (!agent.is_open() || streams_.size() >= kStreamsMax) return reply(Event::kOpened, request.id, EMFILE);
    int problem = 0;
    Descriptor inner = connect_local(request.port, &problem);
    if (problem != 0) return reply(Event::kOpened, request.id, problem);
    streams_.push_back(std::make_unique<Stream>(request.id, std::move(agent), std::move(inner), false));
    streams_.back()->is_connecting = true;
}

// In the child: runs the command in a session of its own, on the terminal or on standard input as it is.
void Server::become(const std::vector<char*>& arguments, const std::vector<char*>& variables, int terminal) {
    ::setsid();
    if (terminal >= 0) {
        ::ioctl(terminal, TIOCSCTTY, 0);
        for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(terminal, number);
    }
    for (char* variable : variables) ::putenv(variable);
    set_signals(SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    std::vector<char*> words = arguments;
    words.push_back(nullptr);
    ::execvp(words.front(), words.data());
    ::_exit(kNotFound);
}

void Server::exec(const Request& request, char* rest, const char* end, Descriptor agent) {
    const std::vector<char*> arguments = strings_of(&rest, end, request.arguments);
    const std::vector<char*> variables = strings_of(&rest, end, request.variables);
    const bool is_whole = arguments.size() == request.arguments && variables.size() == request.variables;
    if (!is_whole || arguments.empty() || !agent.is_open()) return reply(Event::kOpened, request.id, EINVAL);
    if (children_.size() >= kChildrenMax) return reply(Event::kOpened, request.id, EAGAIN);
    Descriptor master;
    Descriptor slave;
    if (request.has_terminal != 0) {
        master = Descriptor{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
        if (!master.is_open() || ::unlockpt(master.get()) != 0) return reply(Event::kOpened, request.id, errno);
        slave = Descriptor{::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)};
        if (!slave.is_open()) return reply(Event::kOpened, request.id, errno);
        const winsize size{.ws_row = request.rows, .ws_col = request.columns, .ws_xpixel = 0, .ws_ypixel = 0};
        ::ioctl(master.get(), TIOCSWINSZ, &size);
    }
    const pid_t process = ::fork();
    if (process == 0) {
        if (!slave.is_open()) {
            for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(agent.get(), number);
        }
        become(arguments, variables, slave.get());
    }
    if (process < 0) return reply(Event::kOpened, request.id, errno);
    children_.push_back({process, request.id});
    reply(Event::kOpened, request.id, 0);
    if (!master.is_open()) return;
    streams_.push_back(std::make_unique<Stream>(request.id, std::move(agent), std::move(master), true));
}

}  // namespace

int serve(int control, char** command) {
    // Nobody in the sandbox may look into this process, which runs as the same user.
    ::prctl(PR_SET_DUMPABLE, 0);
    ::fcntl(control, F_SETFD, FD_CLOEXEC);
    set_signals(SIG_IGN);
    sigset_t children;
    sigset_t before;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &children, &before);
    const pid_t process = ::fork();
    if (process < 0) return kNotFound;
    if (process == 0) {
        set_signals(SIG_DFL);
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
        ::execvp(command[0], command);
        ::_exit(kNotFound);
    }
    // The command's output ends with the command.
    const Descriptor nothing{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nothing.get(), number);
    return Server{control, process}.run();
}

int dial(unsigned port) {
    std::signal(SIGPIPE, SIG_IGN);
    int problem = 0;
    const Descriptor inner = connect_local(port, &problem);
    pollfd connected{.fd = inner.get(), .events = POLLOUT, .revents = 0};
    if (problem != 0 || ::poll(&connected, 1, 10'000) != 1) return 1;
    socklen_t size = sizeof(problem);
    ::getsockopt(inner.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
    if (problem != 0) return 1;
    Flow up;
    Flow down;
    up.from = STDIN_FILENO;
    up.to = down.from = inner.get();
    down.to = STDOUT_FILENO;
    while (!down.is_over) {
        std::array<pollfd, 3> ready{
            {{.fd = up.wants_input() ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0},
             {.fd = down.wants_output() ? STDOUT_FILENO : -1, .events = POLLOUT, .revents = 0},
             {.fd = inner.get(),
              .events = static_cast<short>((down.wants_input() ? POLLIN : 0) | (up.wants_output() ? POLLOUT : 0)),
              .revents = 0}}};
        if (::poll(ready.data(), ready.size(), -1) < 0) continue;
        if (ready[0].revents != 0) up.take();
        if (ready[1].revents != 0) down.give();
        if ((ready[2].revents & POLLOUT) != 0) up.give();
        if (down.wants_input() && (ready[2].revents & (POLLIN | POLLHUP | POLLERR)) != 0) down.take();
        up.settle();
        if (down.has_read_all && down.begin == down.end) down.is_over = true;
    }
    return 0;
}

}  // namespace vcity::init
