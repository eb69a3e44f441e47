// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/network.hpp"

#include <algorithm>

namespace vcity::sim {
namespace {

constexpr std::size_t kUnreadMax = 1024;
constexpr std::size_t kBacklogMax = 64;
constexpr std::uint64_t kWhole = 1000;
// How long a sender keeps retransmitting into a partition before the connection counts as broken.
constexpr std::chrono::seconds kRetransmit{12};
constexpr std::chrono::milliseconds kRetransmitStep{250};

std::pair<std::string, std::string> pair_of(const std::string& a, const std::string& b) {
    return a < b ? std::pair{a, b} : std::pair{b, a};
}

// "ws://host/" of "ws://host/path".
std::string base_of(const std::string& endpoint) {
    const std::size_t host = endpoint.find("://") + 3;
    return endpoint.substr(0, endpoint.find('/', host)) + "/";
}

}  // namespace

struct FakeNetwork::Wire {
    Wire(Runtime* dialling, std::string dialler, Runtime* listening, std::string listener)
        : ends{End{dialling, std::move(dialler)}, End{listening, std::move(listener)}} {}

    std::array<End, 2> ends;
    std::string path;
    bool is_broken = false;  // what is sent from now on is lost; both sides hear of it soon
    bool is_silent = false;  // one side has lost power: nobody hears of anything
};

struct FakeNetwork::Port {
    Port(Runtime* the_runtime, std::string the_name)
        : runtime{the_runtime}, name{std::move(the_name)}, arrived{the_runtime} {}

    Runtime* runtime;
    std::string name;
    bool is_open = true;
    std::deque<std::shared_ptr<Wire>> backlog;
    Notifier arrived;
};

class FakeNetwork::FakeConnection final : public ports::Connection {
  public:
    FakeConnection(FakeNetwork* network, std::shared_ptr<Wire> wire, std::size_t side)
        : network_{network}, wire_{std::move(wire)}, side_{side} {}
    ~FakeConnection() override { close(); }
    FakeConnection(const FakeConnection&) = delete;
    FakeConnection& operator=(const FakeConnection&) = delete;

    Task<Result<void>> send(Message message) override {
        if (mine().is_closed || mine().is_ending) co_return make_error(Errc::kUnavailable, "the connection is closed");
        if (theirs().unread >= kUnreadMax) co_return make_error(Errc::kExhausted, "the outgoing queue is full");
        if (network_->tap_) network_->tap_(mine().name, theirs().name, message);
        ++theirs().unread;
        network_->deliver(wire_, 1 - side_, std::move(message));
        co_return Result<void>{};
    }

    Task<Result<Message>> receive(TimePoint deadline) override {
        while (mine().inbox.empty() || mine().is_closed) {
            if (mine().is_closed || mine().is_ending)
                co_return make_error(Errc::kUnavailable, "the connection is closed");
            const bool notified = co_await mine().arrived.wait_until(deadline);
            if (!notified && mine().inbox.empty()) co_return make_error(Errc::kTimeout, "nothing received in time");
        }
        Message message = std::move(mine().inbox.front());
        mine().inbox.pop_front();
        --mine().unread;
        co_return message;
    }

    void close() override {
        if (mine().is_closed) return;
        mine().is_closed = true;
        mine().arrived.notify();
        network_->end_later(wire_, 1 - side_);
    }

    std::string remote() const override { return theirs().name; }
    std::string path() const override { return side_ == 1 ? wire_->path : std::string{}; }

  private:
    End& mine() const { return wire_->ends[side_]; }
    End& theirs() const { return wire_->ends[1 - side_]; }

    FakeNetwork* network_;
    std::shared_ptr<Wire> wire_;
    std::size_t side_;
};

class FakeNetwork::FakeListener final : public ports::LinkListener {
  public:
    FakeListener(FakeNetwork* network, std::shared_ptr<Port> port) : network_{network}, port_{std::move(port)} {}
    ~FakeListener() override { close(); }
    FakeListener(const FakeListener&) = delete;
    FakeListener& operator=(const FakeListener&) = delete;

    Task<Result<std::unique_ptr<ports::Connection>>> accept() override {
        while (port_->is_open && port_->backlog.empty()) {
            co_await port_->arrived.wait_until(port_->runtime->now() + std::chrono::hours(1));
        }
        if (!port_->is_open) co_return make_error(Errc::kUnavailable, "the listener is closed");
        std::shared_ptr<Wire> wire = std::move(port_->backlog.front());
        port_->backlog.pop_front();
        std::unique_ptr<ports::Connection> connection = std::make_unique<FakeConnection>(network_, std::move(wire), 1);
        co_return connection;
    }

    void close() override {
        port_->is_open = false;
        for (const auto& wire : std::exchange(port_->backlog, {})) network_->break_wire(wire);
        port_->arrived.notify();
    }

  private:
    FakeNetwork* network_;
    std::shared_ptr<Port> port_;
};

class FakeNetwork::FakeDialer final : public ports::LinkDialer {
  public:
    FakeDialer(FakeNetwork* network, Runtime* runtime, std::string name)
        : network_{network}, runtime_{runtime}, name_{std::move(name)} {}

    Task<Result<std::unique_ptr<ports::Connection>>> dial(std::string endpoint, TimePoint deadline) override {
        co_await runtime_->sleep_until(std::min(deadline, runtime_->now() + network_->draw_delay()));
        const std::string base = base_of(endpoint);
        const auto found = network_->ports_.find(base);
        const bool fails = network_->world_->chance(network_->faults.dial_failures_per_mille, kWhole);
        const bool is_cut = found != network_->ports_.end() && network_->is_partitioned(name_, found->second->name);
        if (is_cut) {
            co_await runtime_->sleep_until(deadline);
            co_return make_error(Errc::kTimeout, endpoint + " did not answer");
        }
        const bool is_refused = fails || found == network_->ports_.end() || !found->second->is_open ||
                                found->second->backlog.size() >= kBacklogMax;
        if (is_refused) co_return make_error(Errc::kUnavailable, endpoint + " refused the connection");
        std::shared_ptr<Wire> wire = network_->connect(found->second.get(), runtime_, name_);
        wire->path = endpoint.substr(std::min(endpoint.size(), base.size() - 1));
        std::unique_ptr<ports::Connection> connection = std::make_unique<FakeConnection>(network_, std::move(wire), 0);
        co_return connection;
    }

  private:
    FakeNetwork* network_;
    Runtime* runtime_;
    std::string name_;
};

FakeNetwork::~FakeNetwork() {
    for (const auto& known : wires_) {
        if (const auto wire = known.lock()) drop_held(wire);
    }
}

std::unique_ptr<ports::LinkListener> FakeNetwork::listen(Runtime* runtime, std::string name, std::string endpoint) {
    auto port = std::make_shared<Port>(runtime, std::move(name));
    ports_[std::move(endpoint)] = port;
    return std::make_unique<FakeListener>(this, std::move(port));
}

std::unique_ptr<ports::LinkDialer> FakeNetwork::dialer(Runtime* runtime, std::string name) {
    return std::make_unique<FakeDialer>(this, runtime, std::move(name));
}

std::shared_ptr<FakeNetwork::Wire> FakeNetwork::connect(Port* port, Runtime* runtime, const std::string& name) {
    auto wire = std::make_shared<Wire>(runtime, name, port->runtime, port->name);
    std::erase_if(wires_, [](const std::weak_ptr<Wire>& known) { return known.expired(); });
    wires_.push_back(wire);
    port->backlog.push_back(wire);
    port->arrived.notify();
    return wire;
}

void FakeNetwork::partition(const std::string& a, const std::string& b, TimePoint until) {
    partitions_[pair_of(a, b)] = until;
}

bool FakeNetwork::is_partitioned(const std::string& a, const std::string& b) const {
    const auto found = partitions_.find(pair_of(a, b));
    return found != partitions_.end() && found->second > world_->now();
}

void FakeNetwork::cross(const std::shared_ptr<Wire>& wire, std::size_t to, std::function<void()> action) {
    End& end = wire->ends[to];
    end.last_arrival = std::max(end.last_arrival + Duration{1}, world_->now() + draw_delay());
    world_->call_at(end.last_arrival, [this, wire, to, action = std::move(action)] {
        End& target = wire->ends[to];
        if (wire->is_silent) return;
        if (target.held.empty() && !is_partitioned(wire->ends[0].name, wire->ends[1].name)) {
            action();
            return;
        }
        if (wire->is_broken) return;
        target.held.push_back(action);
        if (target.held.size() == 1) release_later(wire, to, world_->now() + kRetransmit);
    });
}

// Everything that a partition holds back arrives in its order once it ends, or the connection breaks.
void FakeNetwork::release_later(const std::shared_ptr<Wire>& wire, std::size_t to, TimePoint give_up) {
    world_->call_at(world_->now() + kRetransmitStep, [this, wire, to, give_up] {
        if (wire->is_silent) return;
        if (!is_partitioned(wire->ends[0].name, wire->ends[1].name)) {
            for (const auto& action : std::exchange(wire->ends[to].held, {})) action();
        } else if (world_->now() < give_up) {
            release_later(wire, to, give_up);
        } else {
            break_wire(wire);
        }
    });
}

void FakeNetwork::deliver(const std::shared_ptr<Wire>& wire, std::size_t to, Message message) {
    if (!wire->is_broken && world_->chance(faults.breaks_per_mille, kWhole)) break_wire(wire);
    if (wire->is_broken) return;
    auto* welcome = std::get_if<LinkWelcome>(&message);
    if (welcome != nullptr && faults.hides_epochs) welcome->epoch = 1;
    auto shared = std::make_shared<Message>(std::move(message));
    cross(wire, to, [wire, to, shared] {
        End& end = wire->ends[to];
        if (end.is_closed || end.is_ending) return;
        end.inbox.push_back(std::move(*shared));
        end.arrived.notify();
    });
}

void FakeNetwork::end_later(const std::shared_ptr<Wire>& wire, std::size_t to) {
    if (wire->is_silent) return;
    cross(wire, to, [wire, to] {
        wire->ends[to].is_ending = true;
        wire->ends[to].arrived.notify();
    });
}

// What is held names the wire it waits on.
void FakeNetwork::drop_held(const std::shared_ptr<Wire>& wire) {
    for (End& end : wire->ends) end.held.clear();
}

void FakeNetwork::break_wire(const std::shared_ptr<Wire>& wire) {
    wire->is_broken = true;
    drop_held(wire);
    for (std::size_t side = 0; side < wire->ends.size(); ++side) {
        world_->call_at(world_->now() + draw_delay(), [wire, side] {
            if (wire->is_silent) return;
            wire->ends[side].is_ending = true;
            wire->ends[side].arrived.notify();
        });
    }
}

void FakeNetwork::break_links_of(const std::string& name) {
    for (const auto& known : wires_) {
        const auto wire = known.lock();
        if (wire && (wire->ends[0].name == name || wire->ends[1].name == name)) break_wire(wire);
    }
}

void FakeNetwork::leave_half_open(const std::string& name) {
    for (const auto& known : wires_) {
        const auto wire = known.lock();
        if (!wire || (wire->ends[0].name != name && wire->ends[1].name != name)) continue;
        wire->is_silent = true;
        drop_held(wire);
    }
}

}  // namespace vcity::sim
