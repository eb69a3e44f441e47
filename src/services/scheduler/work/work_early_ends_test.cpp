// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "services/scheduler/work/work_desk_test_stand.hpp"
#include "work/reservation.hpp"

namespace vcity::scheduler {
namespace {

using namespace std::chrono_literals;
using test::WorkDeskTest;

// --- two copies of a step

TEST_F(WorkDeskTest, CriticalWorkHasASpareThatIsPaidUntilItIsToldToStop) {
    cheap_.offer(1, Usd{1'000'000});
    dear_.offer(1, Usd{2'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.spec.service_class = ServiceClass::kCritical;
    order.spec.groups[0].is_speculative = true;
    submit(order);
    ASSERT_EQ(cheap_.granted(), 1U);
    ASSERT_EQ(dear_.granted(), 1U) << "on another node";
    dear_.finish(dear_.grant(0), signer_.address(), 1000ms);
    pass(1s);
    ASSERT_EQ(cheap_.heard<JobCancel>().size(), 1U);
    EXPECT_FALSE(cheap_.heard<JobCancel>()[0].gives_way);
    EXPECT_EQ(status(order).state, WorkState::kActive) << "it counts once the other has said what it did";
    cheap_.finish(cheap_.grant(0), signer_.address(), 1000ms, kCancelledExit);
    pass(1s);
    const WorkStatusReply done = status(order);
    EXPECT_EQ(done.state, WorkState::kSucceeded);
    EXPECT_EQ(done.charged, Usd{556 + 278});
    EXPECT_EQ(done.steps[0].node, dear_.address());
    EXPECT_EQ(done.steps[0].exit_code, 0);
    ASSERT_EQ(cheap_.heard<ReceiptAck>().size(), 1U);
    EXPECT_EQ(cheap_.heard<ReceiptAck>()[0].reason, "");
}

TEST_F(WorkDeskTest, ASpareThatSaysNothingIsNotWaitedForAndNotPaid) {
    cheap_.offer(1, Usd{1'000'000});
    dear_.offer(1, Usd{2'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.spec.service_class = ServiceClass::kCritical;
    order.spec.groups[0].is_speculative = true;
    submit(order);
    dear_.finish(dear_.grant(0), signer_.address(), 1000ms);
    pass(12s);
    EXPECT_EQ(status(order).state, WorkState::kSucceeded);
    EXPECT_EQ(status(order).charged, Usd{556});
}

// --- best effort that keeps checkpoints

class CheckpointedSpotTest : public WorkDeskTest {
  protected:
    // Best-effort work runs and has kept a checkpoint after ten seconds; dearer work wants its unit after five more.
    void run() {
        cheap_.offer(1, Usd{3'600'000}, Usd{360'000}, bit(UnitFeature::kFiles));
        begin();
        spot_ = an_order(1);
        spot_.files_url = "https://gateway.example/files/token/";
        spot_.spec.service_class = ServiceClass::kBestEffort;
        spot_.spec.groups[0].setup.checkpoint_seconds = 60;
        submit(spot_);
        ASSERT_EQ(cheap_.granted(), 1U);
        first_ = cheap_.grant(0);
        cheap_.start(first_);
        StepFile weights;
        weights.name = "weights";
        weights.sha256.bytes.fill(6);
        weights.bytes = 10;
        cheap_.post(StepCheckpoint{first_.lease.job_id, first_.lease.fencing_token, 1, {weights}});
        pass(5s);
        submit(an_order(2));
        ASSERT_EQ(cheap_.heard<JobCancel>().size(), 1U) << "one is enough";
        EXPECT_TRUE(cheap_.heard<JobCancel>()[0].gives_way);
        EXPECT_EQ(cheap_.granted(), 1U) << "it has time for a last checkpoint";
    }

    WorkOrder spot_;
    StepGrant first_;
};

TEST_F(CheckpointedSpotTest, IsPaidUntilTheCheckpointThatItGoesOnFrom) {
    run();
    cheap_.finish(first_, signer_.address(), 10s, work::kGaveWayExit);
    pass(2s);
    ASSERT_EQ(cheap_.granted(), 2U) << "the unit goes to the dearer work";
    const WorkStatusReply now = status(spot_);
    EXPECT_EQ(now.charged, Usd{1'000}) << "ten seconds at the spot price";
    EXPECT_EQ(now.steps[0].state, StepState::kQueued);
    cheap_.finish(cheap_.grant(1), signer_.address(), 1s);
    pass(70s);  // the node that it had to leave is not asked for a minute
    ASSERT_EQ(cheap_.granted(), 3U);
    EXPECT_EQ(cheap_.grant(2).work.inputs.at(0).name, "checkpoint/weights");
}

TEST_F(CheckpointedSpotTest, IsNotPaidForWhatIsNotKept) {
    run();
    cheap_.finish(first_, signer_.address(), 10s, kCancelledExit);  // a node that does not know how to give way
    pass(2s);
    EXPECT_EQ(cheap_.granted(), 2U);
    EXPECT_EQ(status(spot_).charged, Usd{});
    EXPECT_EQ(cheap_.heard<ReceiptAck>().size(), 1U);
}

TEST_F(CheckpointedSpotTest, CountsWhenItEndsAllTheSame) {
    run();
    cheap_.finish(first_, signer_.address(), 10s);
    pass(2s);
    EXPECT_EQ(status(spot_).state, WorkState::kSucceeded);
    EXPECT_EQ(status(spot_).charged, Usd{1'000});
}

TEST_F(CheckpointedSpotTest, IsWaitedForAMinute) {
    run();
    pass(50s);
    EXPECT_EQ(cheap_.granted(), 1U);
    pass(30s);
    EXPECT_EQ(cheap_.granted(), 2U);
    EXPECT_EQ(status(spot_).charged, Usd{});
}

// --- reservations

class ReservationTest : public WorkDeskTest {
  protected:
    // One unit, which a reservation holds.
    void reserve() {
        cheap_.offer(1, Usd{3'600'000});
        begin();
        hold_ = an_order(1);
        hold_.spec = *work::hold_of(hold_.spec, 7'200);
        submit(hold_);
        ASSERT_EQ(cheap_.granted(), 1U);
        cheap_.start(cheap_.grant(0));
        pass(5s);
    }
    WorkOrder claim(std::uint8_t number) {
        WorkOrder order = an_order(number);
        order.quote_id = work::reservation_number(hold_.job_id);
        return order;
    }

    WorkOrder hold_;
};

TEST_F(ReservationTest, GoesToTheOrderThatNamesItBeforeThoseThatWait) {
    reserve();
    submit(of_stranger(an_order(2)));
    cheap_.offer(1, Usd{7'200'000});  // dearer by now
    EXPECT_EQ(cheap_.granted(), 1U);
    cheap_.offer(1, Usd{3'600'000});
    const WorkOrder order = claim(3);
    gateway_.post(WorkSubmit{order});
    pass(1s);
    ASSERT_EQ(cheap_.heard<JobCancel>().size(), 1U) << "it stops holding";
    EXPECT_EQ(cheap_.granted(), 1U) << "the unit is taken until its node has said so";
    cheap_.finish(cheap_.grant(0), signer_.address(), 5s, 137);
    pass(2s);
    ASSERT_EQ(cheap_.granted(), 2U);
    EXPECT_EQ(cheap_.grant(1).lease.job_id, attempt_id(work::step_id(order.job_id, "main", 0), 1));
    EXPECT_LE(cheap_.grant(1).hourly, Usd{3'600'000});

    const WorkStatusReply held = status(hold_);
    EXPECT_EQ(held.state, WorkState::kCancelled);
    EXPECT_EQ(held.charged, Usd{5'000}) << "five seconds at a tenth of a cent each";
    EXPECT_NE(held.error.find("the order that they were held for"), std::string::npos) << held.error;
}

TEST_F(ReservationTest, GoesToItsOrderWhenTheNodeIsSilentToo) {
    reserve();
    submit(of_stranger(an_order(2)));
    const WorkOrder order = claim(3);
    submit(order);
    pass(60s);
    EXPECT_EQ(status(hold_).state, WorkState::kCancelled);
    ASSERT_EQ(cheap_.granted(), 2U);
    EXPECT_EQ(cheap_.grant(1).lease.job_id, attempt_id(work::step_id(order.job_id, "main", 0), 1));
}

TEST_F(ReservationTest, IsItsClientsAndLastsUntilItsTime) {
    reserve();
    submit(of_stranger(claim(2)));
    ASSERT_EQ(gateway_.heard<JobFailed>().size(), 1U);
    EXPECT_EQ(gateway_.heard<JobFailed>()[0].code, Errc::kNotFound);
    WorkOrder other = claim(3);
    other.spec.groups[0].ask.memory_mib += 64;
    submit(other);
    ASSERT_EQ(gateway_.heard<JobFailed>().size(), 2U);
    EXPECT_EQ(gateway_.heard<JobFailed>()[1].code, Errc::kInvalid) << "it holds something else";
    cheap_.finish(cheap_.grant(0), signer_.address(), 5s);
    pass(2s);
    EXPECT_EQ(status(hold_).state, WorkState::kSucceeded) << "kept and paid, though not used";
    submit(claim(4));
    ASSERT_EQ(gateway_.heard<JobFailed>().size(), 3U);
    EXPECT_EQ(gateway_.heard<JobFailed>()[2].code, Errc::kNotFound);
}

TEST_F(ReservationTest, IsHandedOverAfterARestartToo) {
    reserve();
    gateway_.post(WorkSubmit{claim(2)});
    pass(1s);
    cheap_.keep(cheap_.grant(0));
    end();
    open();
    while (cheap_.heard<JobCancel>().size() < 2 && world_.now() < TimePoint{} + 10min) pass(1s);
    EXPECT_EQ(cheap_.heard<JobCancel>().size(), 2U) << "told again by the new process";
    cheap_.finish(cheap_.grant(0), signer_.address(), 5s, 137);
    pass(2s);
    EXPECT_EQ(cheap_.granted(), 2U);
    EXPECT_EQ(status(hold_).charged, Usd{5'000});
}

}  // namespace
}  // namespace vcity::scheduler
