// SPDX-License-Identifier: Apache-2.0
#include "scenarios/host_machine.hpp"

namespace vcity::scenarios {
namespace {

constexpr std::int64_t kDriftMax = 20'000;  // millionths

}  // namespace

HostMachine::HostMachine(std::string name, Parts parts)
    : Machine{&parts.world->runtime, std::move(name), parts.key, std::chrono::milliseconds{0}},
      parts_{std::move(parts)} {
    process.set_drift(static_cast<std::int64_t>(parts_.world->runtime.draw(2 * kDriftMax)) - kDriftMax);
}

void HostMachine::start() {
    store_ = parts_.database->connect(&process, name());
    listener_ = parts_.world->network.listen(&process, name(), "ws://" + name() + "/");
    reader_ = parts_.world->chain.reader(&process);
    writer_ = parts_.world->chain.writer(&process, signer.address());
    scheduler::HostDeps deps;
    deps.runtime = &process;
    deps.listener = listener_.get();
    deps.chain_reader = reader_.get();
    deps.deployment = parts_.world->deployment;
    deps.log = Log{&parts_.world->log, name()};
    scheduler::HostedShard shard;
    shard.store = store_.get();
    shard.signer = &signer;
    shard.chain_writer = writer_.get();
    shard.options = parts_.options;
    shard.is_home = parts_.is_home;
    std::vector<scheduler::HostedShard> shards;
    shards.push_back(std::move(shard));
    scheduler::HostOptions options;
    options.lease.owner = name();
    options.lease.margin = parts_.margin;
    host_ = std::make_unique<scheduler::SchedulerHost>(std::move(deps), std::move(options), std::move(shards));
    is_up_ = true;
    process.spawn(watch(host_->run()));
}

void HostMachine::end_role() {
    host_->stop();
}

void HostMachine::destroy() {
    host_.reset();
    writer_.reset();
    reader_.reset();
    listener_.reset();
    store_.reset();
}

}  // namespace vcity::scenarios
