// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "async/channel.hpp"
#include "ports/link.hpp"
#include "sim/runtime.hpp"

namespace vcity::sim {

struct NetworkFaults {
    Duration delay_min = std::chrono::milliseconds{1};
    Duration delay_max = std::chrono::milliseconds{30};
    std::uint64_t breaks_per_mille = 0;  // of all messages: the message is lost and the connection with it
    std::uint64_t dial_failures_per_mille = 0;
    bool hides_epochs = false;  // a broken network, to prove that invariants notice: every welcome arrives with epoch 1
};

// Links between the processes of one world. Within a connection messages keep their order, as TCP does; between
// connections nothing is promised. A lost packet shows as a broken connection. During a partition nothing arrives: what
// was sent before its end arrives late or the connection breaks, and nobody is told until then. A crashed process may
// leave its peers with half-open connections.
class FakeNetwork {
  public:
    // Sees every message at the moment it is sent.
    using Tap = std::function<void(const std::string& from, const std::string& to, const Message& message)>;

    explicit FakeNetwork(SimRuntime* world) : world_{world} {}
    ~FakeNetwork();
    FakeNetwork(const FakeNetwork&) = delete;
    FakeNetwork& operator=(const FakeNetwork&) = delete;

    // name: of the process, for partitions and the tap. endpoint: "ws://host/"; all its paths lead there.
    std::unique_ptr<ports::LinkListener> listen(Runtime* runtime, std::string name, std::string endpoint);
    std::unique_ptr<ports::LinkDialer> dialer(Runtime* runtime, std::string name);

    // Nothing passes between the two until then.
    void partition(const std::string& a, const std::string& b, TimePoint until);
    void heal() { partitions_.clear(); }
    // Breaks all connections of a process, told to both sides.
    void break_links_of(const std::string& name);
    // Call before the process crashes: its peers are not told that its connections have gone.
    void leave_half_open(const std::string& name);
    void set_tap(Tap tap) { tap_ = std::move(tap); }

    NetworkFaults faults;

  private:
    struct Wire;
    class FakeConnection;
    class FakeListener;
    class FakeDialer;
    struct Port;

    struct End {
        End(Runtime* runtime, std::string the_name) : name{std::move(the_name)}, arrived{runtime} {}

        std::string name;
        std::deque<Message> inbox;
        Notifier arrived;
        bool is_closed = false;                   // by its owner, or it heard of the break
        bool is_ending = false;                   // closed by the peer: what is in the inbox may still be read
        TimePoint last_arrival;                   // of what is on its way to this end
        std::vector<std::function<void()>> held;  // by a partition
        std::size_t unread = 0;                   // sent by the peer and not read yet
    };

    bool is_partitioned(const std::string& a, const std::string& b) const;
    void deliver(const std::shared_ptr<Wire>& wire, std::size_t to, Message message);
    void end_later(const std::shared_ptr<Wire>& wire, std::size_t to);
    void break_wire(const std::shared_ptr<Wire>& wire);
    static void drop_held(const std::shared_ptr<Wire>& wire);
    // Calls action when a packet can have crossed to that end, in order; never when the wire is cut for too long.
    void cross(const std::shared_ptr<Wire>& wire, std::size_t to, std::function<void()> action);
    void release_later(const std::shared_ptr<Wire>& wire, std::size_t to, TimePoint give_up);
    std::shared_ptr<Wire> connect(Port* port, Runtime* runtime, const std::string& name);
    Duration draw_delay() { return world_->draw_between(faults.delay_min, faults.delay_max); }

    SimRuntime* world_;
    Tap tap_;
    std::map<std::string, std::shared_ptr<Port>> ports_;  // by endpoint
    std::map<std::pair<std::string, std::string>, TimePoint> partitions_;
    std::vector<std::weak_ptr<Wire>> wires_;
};

}  // namespace vcity::sim
