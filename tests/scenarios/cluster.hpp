// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/client.hpp"
#include "scenarios/scenario.hpp"
#include "services/node/agent.hpp"
#include "services/scheduler/scheduler.hpp"
#include "services/verifier/verifier.hpp"
#include "sim/fakes/chain.hpp"
#include "sim/fakes/database.hpp"
#include "sim/fakes/inference.hpp"
#include "sim/fakes/network.hpp"
#include "sim/fakes/sandbox.hpp"
#include "sim/fakes/signer.hpp"
#include "sim/fakes/store.hpp"

namespace vcity::scenarios {

inline constexpr std::string_view kEndpoint = "ws://scheduler/";

enum class Honesty : std::uint8_t {
    kHonest,
    kOtherWeights,
    kRefusesToOpen,
    kOpensLate,        // after every deadline
    kHonestWhenAsked,  // serves with other weights and replays with the public ones
};
constexpr bool serves_other_weights(Honesty honesty) {
    return honesty == Honesty::kOtherWeights || honesty == Honesty::kHonestWhenAsked;
}

// Where roles log to. An error is something an operator must act on: no fault of a scenario may lead to one.
class ScenarioLog final : public LogSink {
  public:
    ScenarioLog(const sim::SimRuntime* world, bool is_verbose) : world_{world}, is_verbose_{is_verbose} {}
    void write(LogLevel level, std::string_view component, std::string_view event, const LogFields& fields) override;
    void note(std::string_view text);
    const std::string& first_error() const { return first_error_; }

  private:
    const sim::SimRuntime* world_;
    bool is_verbose_;
    std::string first_error_;
};

// A machine of the network: what survives the death of its process, and the role that runs on it now.
class Machine {
  public:
    Machine(sim::SimRuntime* world, std::string name, std::uint64_t key, std::chrono::milliseconds skew)
        : process{world, std::move(name), skew}, disk{world}, signer{key} {}
    virtual ~Machine() = default;
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    // Starts the role; run() may end on its own, which ends the role until the next start.
    virtual void start() = 0;
    // Asks the role to end in good order.
    void stop();
    void crash();
    bool is_up() const { return is_up_; }
    bool is_stopping() const { return is_stopping_; }
    const std::string& name() const { return process.name(); }

    sim::SimProcess process;
    sim::FakeDisk disk;
    sim::FakeSigner signer;

  protected:
    virtual void destroy() = 0;
    virtual void end_role() = 0;
    Task<void> watch(Task<Result<void>> run);
    bool is_up_ = false;
    bool is_stopping_ = false;
};

// Everything the roles share, and the world around them.
struct World {
    World(const ScenarioOptions& options);

    sim::SimRuntime runtime;
    ScenarioLog log;
    sim::FakeNetwork network;
    Deployment deployment;
    sim::FakeChain chain;
    sim::FakeModel model;
    std::vector<std::string> scheduler_links;
};

class NodeMachine final : public Machine {
  public:
    NodeMachine(World* world, std::string name, std::uint64_t key, Honesty honesty, std::uint32_t slots);
    ~NodeMachine() override { crash(); }
    void start() override;
    Honesty honesty() const { return honesty_; }
    std::uint32_t slots() const { return slots_; }

    std::uint64_t worker_failures_per_mille = 2;  // of all tokens, from the next start on
    ports::Sealer* sealer = nullptr;              // of this machine, from the next start on
    ports::CapacityProver* capacity = nullptr;    // likewise
    std::vector<UnitOffer> units;                 // likewise; none: only the model is served
    sim::FakeSandboxOptions commands;             // likewise
    std::size_t running_commands() const { return sandbox_ ? sandbox_->running() : 0; }

  private:
    void destroy() override;
    void end_role() override;

    World* world_;
    Honesty honesty_;
    std::uint32_t slots_;
    TokenPrices prices_;
    std::unique_ptr<sim::FakeStore> store_;
    std::unique_ptr<ports::LinkDialer> dialer_;
    std::unique_ptr<ports::ChainReader> reader_;
    std::unique_ptr<ports::ChainWriter> writer_;
    std::unique_ptr<sim::FakeInference> inference_;
    std::unique_ptr<sim::FakeSandbox> sandbox_;
    std::unique_ptr<node::NodeAgent> agent_;
};

class SchedulerMachine final : public Machine {
  public:
    SchedulerMachine(World* world, std::uint64_t key, Address gateway, std::uint32_t audits_per_mille);
    ~SchedulerMachine() override { crash(); }
    void start() override;

    std::function<void(scheduler::SchedulerOptions*)> adjust;  // options of the next start
    scheduler::SchedulerOptions make_options() const;

  private:
    void destroy() override;
    void end_role() override;

    World* world_;
    Address gateway_;
    std::uint32_t audits_per_mille_;
    std::unique_ptr<sim::FakeStore> store_;
    std::unique_ptr<ports::LinkListener> listener_;
    std::unique_ptr<ports::ChainReader> reader_;
    std::unique_ptr<ports::ChainWriter> writer_;
    std::unique_ptr<scheduler::Scheduler> scheduler_;
};

class VerifierMachine final : public Machine {
  public:
    bool rejects_shallow = false;  // broken: from the next start on, see sim::FakeAuditor

    verifier::CapacityOptions capacity;         // from the next start on
    MetricRegistry* metrics = &null_metrics();  // likewise

    VerifierMachine(World* world, std::string name, std::uint64_t key);
    ~VerifierMachine() override { crash(); }
    void start() override;

  private:
    void destroy() override;
    void end_role() override;

    World* world_;
    std::unique_ptr<sim::FakeStore> store_;
    std::unique_ptr<ports::LinkDialer> dialer_;
    std::unique_ptr<ports::ChainReader> reader_;
    std::unique_ptr<ports::ChainWriter> writer_;
    std::unique_ptr<sim::FakeAuditor> auditor_;
    std::unique_ptr<verifier::Verifier> verifier_;
};

class GatewayMachine final : public Machine {
  public:
    GatewayMachine(World* world, std::uint64_t key, ClientBook* book);
    ~GatewayMachine() override { crash(); }
    void start() override;

  private:
    void destroy() override;
    void end_role() override;

    World* world_;
    ClientBook* book_;
    std::unique_ptr<ports::LinkDialer> dialer_;
    std::unique_ptr<Client> client_;
};

class HostMachine;

// The whole network of one scenario.
struct Cluster {
    explicit Cluster(const ScenarioOptions& options);
    ~Cluster();
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    void start_all();
    std::vector<Machine*> machines();
    // The processes that are the scheduler: one, or several hosts of its shard.
    std::vector<Machine*> schedulers();
    sim::FakeDisk* shard_disk();
    const NodeMachine* node_of(const Address& address) const;

    ScenarioOptions options;
    World world;
    ClientBook book;
    std::unique_ptr<sim::FakeDatabase> database;  // of the hosts; null when there are none
    // The only process, or, where there are hosts, just the identity that they act for.
    std::unique_ptr<SchedulerMachine> scheduler;
    std::vector<std::unique_ptr<HostMachine>> hosts;
    std::vector<std::unique_ptr<VerifierMachine>> verifiers;
    std::unique_ptr<GatewayMachine> gateway;
    std::vector<std::unique_ptr<NodeMachine>> nodes;
    std::vector<Address> clients;
    std::vector<Machine*> others;  // of a test's own; they run and break like the rest

  private:
    void add_hosts();
};

// A client with funds in the escrow and caps for the scheduler: a large one and one of a few jobs' worth.
struct Buyer {
    sim::FakeSigner signer;
    SignedCap rich;
    SignedCap poor;
};
Buyer make_buyer(World* world, std::uint64_t key, const Address& scheduler);

}  // namespace vcity::scenarios
