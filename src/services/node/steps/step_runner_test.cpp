// SPDX-License-Identifier: Apache-2.0
#include "services/node/steps/step_runner_test_stand.hpp"

namespace vcity::node {
namespace {

TEST_F(StepRunnerTest, RunsACommandAndSignsForItsTime) {
    const StepGrant order = grant_of({"--print=hello", "--milliseconds=5000"});
    grant(order);
    pump_for(6s);

    EXPECT_EQ(only<StepStarted>().step_id, order.lease.job_id);
    EXPECT_EQ(only<StepStarted>().fencing_token, order.lease.fencing_token);
    EXPECT_EQ(output(), "hello");
    const auto finished = only<StepFinished>();
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_EQ(finished.output_bytes, 5U);
    const UsageReceipt bill = bill_of(order, finished);
    EXPECT_EQ(bill.node, signer.address());
    EXPECT_EQ(bill.started_at, only<StepStarted>().at);
    EXPECT_EQ((bill.finished_at - bill.started_at).count(), 5000);
    EXPECT_EQ(bill.amount, work::amount_of(order.hourly, 5000ms, order.quote));
    EXPECT_EQ(bill.amount, Usd{14}) << "0.01 USD an hour for 5 s, rounded up";
    EXPECT_EQ(bill.units.output, 100U);
    EXPECT_EQ(bill.units.input, 0U);
    EXPECT_EQ(bill.response_hash, market::response_hash("hello"));
    EXPECT_EQ(finished.finished.receipt_hash, market::receipt_hash(bill));
    const Hash digest = market::receipt_digest(deployment, bill);
    EXPECT_EQ(crypto::recover(digest, finished.finished.node_signature).value(), signer.address());
    EXPECT_TRUE(all_of<NodeFailedJob>().empty());
}

TEST_F(StepRunnerTest, ChargesNobodyForAClockThatJumps) {
    const StepGrant order = grant_of({"--milliseconds=5000"});
    grant(order);
    pump_for(2s);
    process.set_skew(-1h);
    pump_for(2s);
    process.set_skew(24h);
    pump_for(2s);

    const UsageReceipt bill = bill_of(order, only<StepFinished>());
    EXPECT_EQ((bill.finished_at - bill.started_at).count(), 5000);
    EXPECT_EQ(bill.amount, work::amount_of(order.hourly, 5000ms, order.quote));
}

TEST_F(StepRunnerTest, PassesOnWhatTheGrantSays) {
    StepGrant order = grant_of({"--show=a.txt", "--variable=VCITY_INDEX"});
    order.work.environment = {"VCITY_INDEX=4", "VCITY_COUNT=9"};
    order.work.inputs.push_back({.name = "a.txt", .content = Bytes{'f', 'i', 'l', 'e'}});
    order.work.ask.disk_mib = 64;
    grant(order);
    pump_for(1s);

    EXPECT_EQ(output(), "file4");
    EXPECT_EQ(sandbox.last_spec().work_bytes_max, 64U << 20U);
    EXPECT_EQ(sandbox.last_spec().memory_bytes_max, 256U << 20U);
    EXPECT_TRUE(sandbox.last_spec().read_only.empty());
    EXPECT_EQ(sandbox.last_spec().cores_max, 1U);
    EXPECT_TRUE(sandbox.last_spec().gives_way);
}

TEST_F(StepRunnerTest, NeverAsksForMoreThanTheQuote) {
    StepGrant order = grant_of({"--milliseconds=500000"});
    order.hourly = Usd{1'000'000'000};
    order.quote = Usd{17};
    grant(order);
    pump_for(502s);

    EXPECT_EQ(only<StepFinished>().finished.amount, Usd{17});
}

TEST_F(StepRunnerTest, DeliversAnExitCodeOtherThanZero) {
    grant(grant_of({"--print=bad luck", "--exit=3"}));
    pump_for(1s);

    EXPECT_EQ(only<StepFinished>().exit_code, 3);
    EXPECT_EQ(output(), "bad luck");
}

TEST_F(StepRunnerTest, RefusesLeasesThatItDidNotOffer) {
    const auto code_of = [this](const std::function<void(StepGrant*)>& spoil) { return refusal_of(spoil).code; };
    EXPECT_EQ(code_of([this](StepGrant* bad) { bad->lease.node = scheduler.address(); }), Errc::kInvalid);
    EXPECT_EQ(code_of([](StepGrant* bad) { bad->unit = 4; }), Errc::kInvalid);
    EXPECT_EQ(code_of([](StepGrant* bad) { bad->work.command.clear(); }), Errc::kInvalid);
    EXPECT_EQ(code_of([](StepGrant* bad) { bad->work.ask.gpus = 1; }), Errc::kInvalid);
    EXPECT_EQ(code_of([](StepGrant* bad) { bad->work.ask.cpu_milli = 4001; }), Errc::kExhausted);
    EXPECT_EQ(code_of([](StepGrant* bad) { bad->work.ask.memory_mib = 1025; }), Errc::kExhausted);
    EXPECT_EQ(code_of([](StepGrant* bad) { bad->work.ask.disk_mib = 1025; }), Errc::kExhausted);
    EXPECT_EQ(code_of([](StepGrant* bad) { bad->hourly = Usd{9'999}; }), Errc::kInvalid);
    EXPECT_EQ(code_of([this](StepGrant* bad) { bad->lease.expires_at = process.unix_now(); }), Errc::kTimeout);
    EXPECT_EQ(sandbox.starts(), 0U);
}

TEST_F(StepRunnerTest, AsksInProportionToTheCores) {
    const auto half = [](StepGrant* bad) {
        bad->work.ask.cpu_milli = 500;
        bad->hourly = Usd{4'999};
    };
    EXPECT_EQ(refusal_of(half).code, Errc::kInvalid);
    StepGrant order = grant_of({});
    order.work.ask.cpu_milli = 500;
    order.hourly = Usd{5'000};
    grant(order);
    EXPECT_TRUE(runner->owns(order.lease.job_id));
}

TEST_F(StepRunnerTest, TakesTheSpotPriceWhereOneIsOffered) {
    end();
    offer.spot_hourly = Usd{4'000};
    boot();
    EXPECT_EQ(refusal_of([](StepGrant* bad) { bad->hourly = Usd{3'999}; }).code, Errc::kInvalid);
    StepGrant order = grant_of({});
    order.hourly = Usd{4'000};
    grant(order);
    EXPECT_TRUE(runner->owns(order.lease.job_id));
}

TEST_F(StepRunnerTest, RefusesEverythingWithoutASandbox) {
    end();
    has_sandbox = false;
    boot();
    EXPECT_EQ(refusal_of([](StepGrant*) {}).code, Errc::kInvalid);
}

TEST_F(StepRunnerTest, TakesNothingNewWhileItIsClosedAndFinishesWhatRuns) {
    grant(grant_of({"--print=kept", "--milliseconds=5000"}));
    pump_for(1s);
    runner->set_open(false);
    EXPECT_EQ(refusal_of([](StepGrant*) {}).code, Errc::kUnavailable);
    pump_for(6s);
    EXPECT_EQ(only<StepFinished>().exit_code, 0);
    runner->set_open(true);
    runner->on_grant(grant_of({"--endless"}, 78));
    EXPECT_EQ(runner->running(), 1U);
}

TEST_F(StepRunnerTest, TellsWhatRunsOnEachUnit) {
    grant(grant_of({"--endless"}));
    pump_for(1s);
    NodeStatus status;
    runner->describe(&status);
    ASSERT_EQ(status.units.size(), 1U);
    EXPECT_EQ(status.units[0].running, 1U);
    EXPECT_EQ(status.units[0].cpu_milli, 1000U);
    EXPECT_EQ(status.units[0].memory_mib, 256U);
    ASSERT_EQ(status.steps.size(), 1U);
    EXPECT_EQ(status.steps[0].unit, offer.number);
    EXPECT_GT(status.steps[0].started_at.count(), 0U);
    EXPECT_EQ(status.unacknowledged, 0U);
}

TEST_F(StepRunnerTest, FillsAUnitOnlyAsFarAsItGoes) {
    for (std::uint8_t number = 1; number <= 4; ++number) grant(grant_of({"--milliseconds=1000"}, number));
    EXPECT_EQ(runner->running(), 4U);
    EXPECT_EQ(refusal_of([](StepGrant*) {}).code, Errc::kExhausted);
    pump_for(2s);
    // What waits for its acknowledgement takes no room.
    EXPECT_EQ(runner->running(), 0U);
    grant(grant_of({"--endless"}, 5));
    EXPECT_EQ(runner->running(), 1U);
}

TEST_F(StepRunnerTest, TakesNoMoreLeasesWhileTooManyResultsWait) {
    end();
    limits.results_max = 2;
    boot();
    for (std::uint8_t number = 1; number <= 3; ++number) {
        grant(grant_of({}, number));
        pump_for(1s);
    }
    EXPECT_EQ(refusal_of([](StepGrant*) {}).code, Errc::kExhausted);
}

TEST_F(StepRunnerTest, IgnoresAGrantThatItHasAndRefusesAnotherOfTheSameAttempt) {
    const StepGrant order = grant_of({"--milliseconds=1000"});
    grant(order);
    runner->on_grant(order);
    StepGrant other = order;
    other.lease.fencing_token += 1;
    runner->on_grant(other);
    pump_for(3s);

    EXPECT_EQ(sandbox.starts(), 1U);
    EXPECT_EQ(only<LeaseRefused>().fencing_token, other.lease.fencing_token);
    EXPECT_EQ(only<StepFinished>().finished.fencing_token, order.lease.fencing_token);
}

TEST_F(StepRunnerTest, KnowsItsLeaseOnDiskBeforeTheCommandStarts) {
    const StepGrant order = grant_of({"--milliseconds=50"});
    bool has_started = false;
    world.set_after_step([&] {
        if (sandbox.starts() == 0 || has_started) return;
        has_started = true;
        EXPECT_TRUE(stored(order).has_value());
    });
    on_sent = [&](const Message& message) {
        if (!std::holds_alternative<StepFinished>(message)) return;
        EXPECT_TRUE(parse_step_record(stored(order).value()).value().is_finished);
    };
    grant(order);
    pump_for(1s);
    world.set_after_step(nullptr);

    EXPECT_TRUE(has_started);
    EXPECT_EQ(only<StepFinished>().exit_code, 0);
}

TEST_F(StepRunnerTest, StartsNothingThatItCannotWriteDown) {
    const StepGrant order = grant_of({"--print=x"});
    disk.faults.failures_per_mille = 1000;
    grant(order);
    pump_for(65s);
    disk.faults.failures_per_mille = 0;

    EXPECT_EQ(sandbox.starts(), 0U);
    EXPECT_EQ(only<NodeFailedJob>().job_id, order.lease.job_id);
    EXPECT_FALSE(runner->owns(order.lease.job_id));
}

TEST_F(StepRunnerTest, ReportsASandboxThatDoesNotStart) {
    sandbox.set_options({.start_failures_per_mille = 1000});
    const StepGrant order = grant_of({"--print=x"});
    grant(order);
    pump_for(1s);

    EXPECT_EQ(only<NodeFailedJob>().code, Errc::kUnavailable);
    EXPECT_TRUE(all_of<StepStarted>().empty());
    EXPECT_FALSE(stored(order).has_value());
}

TEST_F(StepRunnerTest, DeliversTheStatusOfAProgramThatASignalEnded) {
    sandbox.set_options({.deaths_per_mille = 1000});
    grant(grant_of({"--print=abcd", "--pieces=4", "--milliseconds=1000"}));
    pump_for(2s);

    EXPECT_EQ(only<StepFinished>().exit_code, 137);
    EXPECT_EQ(output(), "ab");
}

TEST_F(StepRunnerTest, ChargesNobodyWhenTheSandboxIsKilledFromOutside) {
    sandbox.set_options({.losses_per_mille = 1000});
    const StepGrant order = grant_of({"--print=abcd", "--pieces=4", "--milliseconds=1000"});
    grant(order);
    pump_for(2s);

    EXPECT_EQ(only<NodeFailedJob>().code, Errc::kUnavailable);
    EXPECT_TRUE(all_of<StepFinished>().empty());
    EXPECT_FALSE(stored(order).has_value());
}

TEST_F(StepRunnerTest, TakesNoMoreWorkWhileItsOutputFillsTheMemoryItMay) {
    end();
    limits.output_total_bytes_max = 4;
    boot();
    grant(grant_of({"--print=abcd"}));
    pump_for(1s);
    ASSERT_EQ(only<StepFinished>().output_bytes, 4U);

    EXPECT_EQ(refusal_of([](StepGrant*) {}).code, Errc::kExhausted);
}

TEST_F(StepRunnerTest, EndsACommandThatRunsLongerThanItMay) {
    StepGrant order = grant_of({"--endless"});
    order.work.seconds_max = 30;
    grant(order);
    pump_for(29s);
    EXPECT_EQ(sandbox.running(), 1U);
    pump_for(2s);

    EXPECT_EQ(sandbox.running(), 0U);
    EXPECT_EQ(only<StepFinished>().exit_code, kTimeLimitExit);
    EXPECT_GT(only<StepFinished>().finished.amount.micro, 0U);
}

TEST_F(StepRunnerTest, EndsACommandWithItsLease) {
    StepGrant order = grant_of({"--print=x", "--milliseconds=60000"});
    order.lease.expires_at = process.unix_now() + 20s;
    grant(order);
    pump_for(22s);

    EXPECT_EQ(sandbox.running(), 0U);
    EXPECT_EQ(only<StepFinished>().exit_code, kTimeLimitExit);
}

TEST_F(StepRunnerTest, EndsACommandThatWritesMoreThanItMay) {
    end();
    limits.output_bytes_max = 100'000;
    boot();
    grant(grant_of({"--flood=100000"}, 1));
    grant(grant_of({"--flood=100001"}, 2));
    pump_for(1s);

    const std::vector<StepFinished> finished = all_of<StepFinished>();
    ASSERT_EQ(finished.size(), 2U);
    for (const StepFinished& one : finished) {
        const bool is_first = one.finished.job_id == grant_of({}, 1).lease.job_id;
        EXPECT_EQ(one.exit_code, is_first ? 0 : kOutputLimitExit);
        EXPECT_EQ(one.output_bytes, 100'000U);
    }
}

TEST_F(StepRunnerTest, KeepsTheWholeOutputThatIsAllowed) {
    grant(grant_of({"--flood=1048576", "--pieces=16", "--milliseconds=100"}));
    pump_for(1s);

    EXPECT_TRUE(output() == std::string(1U << 20U, 'x'));
    EXPECT_EQ(only<StepFinished>().output_bytes, 1U << 20U);
}

TEST_F(StepRunnerTest, StreamsOutputWhileTheCommandRuns) {
    grant(grant_of({"--print=abcd", "--pieces=2", "--milliseconds=1000"}));
    pump_for(700ms);
    EXPECT_EQ(output(), "ab");
    pump_for(700ms);
    EXPECT_EQ(output(), "abcd");
}

TEST_F(StepRunnerTest, WaitsForRoomOnTheLinkAndLosesNothing) {
    room = 0;
    grant(grant_of({"--flood=300000", "--milliseconds=100"}));
    pump_for(1s);
    EXPECT_TRUE(sent.empty());
    // Message by message.
    for (int step = 0; step < 20; ++step) {
        room = 1;
        pump_for(20ms);
    }

    EXPECT_TRUE(std::holds_alternative<StepStarted>(sent.front()));
    EXPECT_TRUE(output() == std::string(300'000, 'x'));
    EXPECT_EQ(only<StepFinished>().output_bytes, 300'000U);
    EXPECT_TRUE(std::holds_alternative<StepFinished>(sent.back()));
}

TEST_F(StepRunnerTest, GoesOnWithoutALinkAndSendsEverythingAfterwards) {
    grant(grant_of({"--print=abcd", "--pieces=2", "--milliseconds=1000"}));
    pump_for(700ms);
    EXPECT_EQ(output(), "ab");
    is_up = false;
    pump_for(5s);
    sent.clear();
    connect();
    pump_for(100ms);

    EXPECT_EQ(only<StepStarted>().step_id, grant_of({}).lease.job_id);
    EXPECT_EQ(output(), "abcd");
    EXPECT_EQ(only<StepFinished>().exit_code, 0);
    EXPECT_EQ(sandbox.starts(), 1U);
}

TEST_F(StepRunnerTest, RepeatsAResultUntilItIsAcknowledged) {
    const StepGrant order = grant_of({"--print=x"});
    grant(order);
    pump_for(50s);
    const std::vector<StepFinished> results = all_of<StepFinished>();
    ASSERT_EQ(results.size(), 3U);
    EXPECT_EQ(results.front(), results.back());
    EXPECT_EQ(output(), "x") << "only the result is repeated";

    runner->on_ack(ack_of(order, results.front()));
    pump_for(50s);

    EXPECT_EQ(all_of<StepFinished>().size(), 3U);
    EXPECT_FALSE(runner->owns(order.lease.job_id));
    EXPECT_FALSE(stored(order).has_value());
    const auto kept = disk.find(receipt_key(order.lease.job_id));
    ASSERT_TRUE(kept.has_value());
    EXPECT_EQ(wire::parse_receipt(*kept).value().receipt.amount, results.front().finished.amount);
}

TEST_F(StepRunnerTest, StandsAnAcknowledgementThatComesTwice) {
    const StepGrant order = grant_of({"--print=x"});
    grant(order);
    pump_for(1s);
    const ReceiptAck ack = ack_of(order, only<StepFinished>());

    // The second arrives while the first is being written: at every moment of that.
    for (int delay = 0; delay < 30; ++delay) {
        world.call_at(world.now() + delay * 300us, [&] { runner->on_ack(ack); });
    }
    pump_for(1s);

    EXPECT_FALSE(runner->owns(order.lease.job_id));
    EXPECT_TRUE(disk.find(receipt_key(order.lease.job_id)).has_value());
}

TEST_F(StepRunnerTest, BelievesOnlyTheAcknowledgementOfItsScheduler) {
    const StepGrant order = grant_of({"--print=x"});
    grant(order);
    pump_for(1s);
    const StepFinished finished = only<StepFinished>();

    ReceiptAck other_hash = ack_of(order, finished);
    other_hash.receipt_hash.bytes[0] ^= 1;
    runner->on_ack(other_hash);
    ReceiptAck forged = ack_of(order, finished);
    const Hash digest = market::receipt_digest(deployment, forged.receipt.receipt);
    forged.receipt.scheduler_signature = signer.sign(digest).value();
    runner->on_ack(forged);
    ReceiptAck unsigned_ack = ack_of(order, finished);
    unsigned_ack.receipt.scheduler_signature = {};
    runner->on_ack(unsigned_ack);
    pump_for(1s);

    EXPECT_TRUE(runner->owns(order.lease.job_id));
    EXPECT_FALSE(disk.find(receipt_key(order.lease.job_id)).has_value());
}

TEST_F(StepRunnerTest, ForgetsAResultThatIsRefusedForGood) {
    const StepGrant order = grant_of({"--print=x"});
    grant(order);
    pump_for(1s);
    ReceiptAck ack = ack_of(order, only<StepFinished>());
    ack.accepted = false;
    ack.reason = "the lease was lost";
    runner->on_ack(ack);
    pump_for(30s);

    EXPECT_FALSE(runner->owns(order.lease.job_id));
    EXPECT_FALSE(stored(order).has_value());
    EXPECT_FALSE(disk.find(receipt_key(order.lease.job_id)).has_value());
    EXPECT_EQ(all_of<StepFinished>().size(), 1U);
}

TEST_F(StepRunnerTest, EndsACommandThatIsCancelled) {
    const StepGrant order = grant_of({"--endless"});
    grant(order);
    pump_for(1s);
    runner->on_cancel(
        {.job_id = order.lease.job_id, .fencing_token = order.lease.fencing_token - 1, .gives_way = false});
    pump_for(1s);
    EXPECT_EQ(sandbox.running(), 1U) << "another lease was meant";

    runner->on_cancel({.job_id = order.lease.job_id, .fencing_token = order.lease.fencing_token, .gives_way = false});
    pump_for(1s);

    EXPECT_EQ(sandbox.running(), 0U);
    EXPECT_EQ(only<StepFinished>().finished.fencing_token, order.lease.fencing_token);
    EXPECT_EQ(only<StepFinished>().exit_code, kCancelledExit);
}

TEST_F(StepRunnerTest, CanBeCancelledAtEveryMomentOfTheStart) {
    for (std::uint8_t number = 1; number <= 40; ++number) {
        sent.clear();
        const StepGrant order = grant_of({"--endless"}, number);
        grant(order);
        pass(number * 500us);
        runner->on_cancel(
            {.job_id = order.lease.job_id, .fencing_token = order.lease.fencing_token, .gives_way = false});
        pump_for(200ms);

        EXPECT_EQ(sandbox.running(), 0U) << int{number};
        EXPECT_EQ(all_of<NodeFailedJob>().size() + all_of<StepFinished>().size(), 1U) << int{number};
    }
}

TEST_F(StepRunnerTest, KeepsAResultThatACancelComesTooLateFor) {
    const StepGrant order = grant_of({"--print=x"});
    grant(order);
    pump_for(1s);
    runner->on_cancel({.job_id = order.lease.job_id, .fencing_token = order.lease.fencing_token, .gives_way = false});
    pump_for(1s);

    EXPECT_TRUE(runner->owns(order.lease.job_id));
    EXPECT_TRUE(all_of<NodeFailedJob>().empty());
}

TEST_F(StepRunnerTest, ReportsAfterACrashWhatItHadNotFinished) {
    const StepGrant order = grant_of({"--endless"});
    grant(order);
    pump_for(1s);
    crash();
    boot();

    EXPECT_EQ(only<NodeFailedJob>().job_id, order.lease.job_id);
    EXPECT_EQ(only<NodeFailedJob>().fencing_token, order.lease.fencing_token);
    EXPECT_FALSE(stored(order).has_value());
    EXPECT_FALSE(runner->owns(order.lease.job_id));
    connect();
    pump_for(1s);
    EXPECT_EQ(all_of<NodeFailedJob>().size(), 1U);
}

TEST_F(StepRunnerTest, SendsAfterACrashWhatWasNotAcknowledged) {
    const StepGrant order = grant_of({"--print=kept", "--exit=4"});
    grant(order);
    pump_for(1s);
    const StepFinished before = only<StepFinished>();
    crash();
    boot();
    pump_for(1s);

    EXPECT_EQ(only<StepFinished>(), before);
    EXPECT_EQ(output(), "kept");
    EXPECT_EQ(only<StepStarted>().at, before.finished.started_at);
    EXPECT_EQ(sandbox.starts(), 1U);
    runner->on_ack(ack_of(order, before));
    pump_for(1s);
    EXPECT_FALSE(runner->owns(order.lease.job_id));
}

TEST_F(StepRunnerTest, SaysWhichLeasesItStillHas) {
    const StepGrant first = grant_of({"--endless"}, 1);
    grant(first);
    grant(grant_of({"--print=x"}, 2));
    pump_for(1s);
    std::vector<Lease> leases;
    runner->add_leases(&leases);

    ASSERT_EQ(leases.size(), 2U);
    EXPECT_EQ(leases[0], first.lease);
    EXPECT_EQ(runner->running(), 1U);
}

TEST_F(StepRunnerTest, EndsEverythingWhenTheNodeStops) {
    grant(grant_of({"--endless"}, 1));
    pump_for(1s);
    grant(grant_of({"--endless"}, 2));  // still at its start
    runner->stop();
    pump_for(1s);

    EXPECT_EQ(sandbox.running(), 0U);
    EXPECT_EQ(group->running(), 0U);
    EXPECT_EQ(refusal_of([](StepGrant*) {}).code, Errc::kUnavailable);
}

TEST_F(StepRunnerTest, ReportsAFailureOnceTheLinkHasRoom) {
    sandbox.set_options({.start_failures_per_mille = 1000});
    room = 0;
    grant(grant_of({"--endless"}));
    pump_for(1s);
    room = SIZE_MAX;
    pump_for(1s);

    EXPECT_EQ(only<NodeFailedJob>().job_id, grant_of({}).lease.job_id);
}

}  // namespace
}  // namespace vcity::node
