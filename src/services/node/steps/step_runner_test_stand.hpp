// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <functional>
#include <span>

#include <gtest/gtest.h>

#include "codec/hex.hpp"
#include "crypto/secp256k1.hpp"
#include "crypto/sha256.hpp"
#include "market/typed_hashes.hpp"
#include "ports/testing/harness.hpp"
#include "services/node/lease_record.hpp"
#include "services/node/steps/step_runner.hpp"
#include "sim/fakes/sandbox.hpp"
#include "sim/fakes/signer.hpp"
#include "sim/fakes/store.hpp"
#include "wire/wire.hpp"
#include "work/plan.hpp"
#include "work/pricing.hpp"

namespace vcity::node {

using namespace std::chrono_literals;

// A StepRunner in simulated time, with a link that the test holds in its hands.
class StepRunnerStand : public testing::Test, public ports::testing::TaskRunner {
  protected:
    StepRunnerStand() {
        offer.number = 3;
        offer.cpu_milli = 4000;
        offer.memory_mib = 1024;
        offer.disk_mib = 1024;
        offer.hourly = Usd{10'000};
        offer.features = bit(UnitFeature::kFiles) | bit(UnitFeature::kFinetune);
        machine.programs["finetune"] = {{"/worker/program", "finetune"}, {{"/models/x", "/model"}}, {"THREADS=1"}};
        sandbox.set_volumes(&volumes);
        boot();
    }
    ~StepRunnerStand() override { end(); }

    Runtime& runtime() override { return process; }
    void run(Task<void> task) override {
        process.spawn(std::move(task));
        pass(std::chrono::seconds{1});
    }
    void pass(Duration duration) { world.run_until(world.now() + duration, 200'000); }

    // A machine that starts: what its disk holds is read back.
    void boot() {
        group = std::make_unique<TaskGroup>(&process);
        StepRunner::Parts parts;
        parts.runtime = &process;
        parts.store = &store;
        parts.signer = &signer;
        parts.sandbox = has_sandbox ? &sandbox : nullptr;
        parts.volumes = &volumes;
        parts.transfer = &transfer;
        parts.group = group.get();
        parts.metrics = &metrics;
        parts.deployment = &deployment;
        parts.post = [this](Message message) { return take(std::move(message)); };
        parts.changed = [this] { is_changed = true; };
        runner = std::make_unique<StepRunner>(std::move(parts), std::vector{offer}, limits, machine);
        const Result<void> recovered = await(*this, runner->recover());
        ASSERT_TRUE(recovered.has_value()) << recovered.error().message;
        connect();
    }
    void connect() {
        is_up = true;
        runner->on_connected(scheduler.address());
        runner->pump();
    }
    // As after kill -9.
    void crash() {
        sandbox.lose_agent();
        volumes.lose_agent();
        process.crash();
        runner.reset();
        group.reset();
        sent.clear();
    }
    void end() {
        if (runner == nullptr) return;
        runner->stop();
        pass(std::chrono::minutes{2});
        EXPECT_EQ(group->running(), 0U);
        EXPECT_EQ(sandbox.running(), 0U);
        EXPECT_EQ(sandbox.orphans(), 0U);
        runner.reset();
        group.reset();
        EXPECT_EQ(volumes.alive(), 0U);
        crash();
    }
    // The agent's pump.
    void pump_for(Duration duration) {
        const TimePoint until = world.now() + duration;
        while (world.now() < until) {
            pass(std::chrono::milliseconds{20});
            if (is_up) runner->pump();
        }
    }

    StepGrant grant_of(std::vector<std::string> arguments, std::uint8_t number = 1) const {
        StepGrant grant;
        grant.lease.job_id.bytes.fill(number);
        grant.lease.fencing_token = 100U + number;
        grant.lease.node = signer.address();
        grant.lease.expires_at = process.unix_now() + std::chrono::hours{1};
        grant.client.bytes.fill(9);
        grant.unit = offer.number;
        grant.work.command = {"/bin/program"};
        grant.work.command.insert(grant.work.command.end(), arguments.begin(), arguments.end());
        grant.work.ask.cpu_milli = 1000;
        grant.work.ask.memory_mib = 256;
        grant.work.seconds_max = 600;
        grant.hourly = Usd{10'000};
        grant.quote = Usd{2'000};
        return grant;
    }
    // The acknowledgement of a scheduler that countersigns.
    ReceiptAck ack_of(const StepGrant& grant, const StepFinished& finished) {
        ReceiptAck ack;
        ack.accepted = true;
        ack.receipt_hash = finished.finished.receipt_hash;
        ack.receipt.receipt = bill_of(grant, finished);
        const Hash digest = market::receipt_digest(deployment, ack.receipt.receipt);
        ack.receipt.scheduler_signature = scheduler.sign(digest).value();
        return ack;
    }
    // What the scheduler makes of the message with what it knows itself.
    UsageReceipt bill_of(const StepGrant& grant, const StepFinished& finished) const {
        UsageReceipt bill;
        bill.job_id = finished.finished.job_id;
        bill.client = grant.client;
        bill.node = finished.finished.node;
        bill.scheduler = scheduler.address();
        bill.fencing_token = finished.finished.fencing_token;
        bill.units = finished.finished.units;
        bill.amount = finished.finished.amount;
        bill.quote = grant.quote;
        bill.model_root = expected_model_root;
        bill.request_hash = expected_request_hash;
        bill.response_hash = finished.finished.response_hash;
        bill.started_at = finished.finished.started_at;
        bill.finished_at = finished.finished.finished_at;
        return bill;
    }

    template <class T>
    std::vector<T> all_of() const {
        std::vector<T> found;
        for (const Message& message : sent) {
            if (const T* one = std::get_if<T>(&message)) found.push_back(*one);
        }
        return found;
    }
    template <class T>
    T only() const {
        const std::vector<T> found = all_of<T>();
        EXPECT_EQ(found.size(), 1U);
        return found.empty() ? T{} : found.front();
    }
    std::string output() const {
        std::string all;
        for (const StepOutput& part : all_of<StepOutput>()) {
            EXPECT_EQ(part.offset, all.size());
            EXPECT_LE(part.bytes.size(), kStepOutputBytesMax);
            all += as_text(part.bytes);
        }
        return all;
    }
    std::optional<Bytes> stored(const StepGrant& grant) const { return disk.find(step_key(grant.lease.job_id)); }

    sim::SimRuntime world{1};
    sim::SimProcess process{&world, "node"};
    sim::FakeDisk disk{&world};
    sim::FakeStore store{&process, &disk};
    sim::FakeSigner signer{1};
    sim::FakeSigner scheduler{2};
    sim::FakeSandbox sandbox{&world, &process};
    sim::FakeVolumes volumes;
    sim::FakeFileServer files;
    sim::FakeTransfer transfer{&files};
    StepMachine machine;
    NodeMetrics metrics{&null_metrics()};
    Deployment deployment;
    UnitOffer offer;
    StepLimits limits;
    bool has_sandbox = true;
    Hash expected_model_root;
    Hash expected_request_hash;
    // The link.
    bool is_up = true;
    std::size_t room = SIZE_MAX;
    bool is_changed = false;
    std::vector<Message> sent;
    std::function<void(const Message&)> on_sent;
    std::unique_ptr<TaskGroup> group;
    std::unique_ptr<StepRunner> runner;

  private:
    bool take(Message message) {
        if (!is_up || room == 0) return false;
        --room;
        if (on_sent) on_sent(message);
        sent.push_back(std::move(message));
        return true;
    }
};

class StepRunnerTest : public StepRunnerStand {
  protected:
    void grant(const StepGrant& what) {
        expected_model_root = work::command_root();
        expected_request_hash = work::step_hash(what.work);
        runner->on_grant(what);
    }
    LeaseRefused refusal_of(const std::function<void(StepGrant*)>& spoil) {
        sent.clear();
        StepGrant bad = grant_of({"--endless"}, 77);
        spoil(&bad);
        runner->on_grant(bad);
        pump_for(100ms);
        EXPECT_FALSE(runner->owns(bad.lease.job_id));
        const auto refused = only<LeaseRefused>();
        EXPECT_EQ(refused.job_id, bad.lease.job_id);
        EXPECT_EQ(refused.fencing_token, bad.lease.fencing_token);
        EXPECT_FALSE(refused.reason.empty());
        EXPECT_FALSE(stored(bad).has_value());
        return refused;
    }
};

}  // namespace vcity::node
