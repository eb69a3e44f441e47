// SPDX-License-Identifier: Apache-2.0
#include "work/job.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "model/work_messages.hpp"
#include "work/plan.hpp"
#include "work/work_test_orders.hpp"

namespace vcity::work {
namespace {

// A job, its written events and a clock.
class JobTest : public ::testing::Test {
  protected:
    void submit(std::vector<StepGroup> groups, auto change) {
        WorkOrder order = an_order(std::move(groups));
        change(&order);
        Result<Job> made = Job::submit(std::move(order), now_, &effects_);
        ASSERT_TRUE(made.has_value()) << made.error().message;
        job_ = *std::move(made);
    }
    void submit(std::vector<StepGroup> groups) {
        submit(std::move(groups), [](WorkOrder*) {});
    }

    LeaseTerms terms(std::uint32_t step, std::uint64_t quote = 1000) {
        LeaseTerms terms;
        terms.step = step;
        terms.fencing_token = ++token_;
        terms.node.bytes.fill(static_cast<std::uint8_t>(token_));
        terms.hourly = Usd{3'600'000};
        terms.quote = Usd{quote};
        terms.reason = "the only one";
        return terms;
    }
    // The token.
    std::uint64_t lease(std::uint32_t step, std::uint64_t quote = 1000) {
        const Result<void> done = job_->lease(terms(step, quote), now_, &effects_);
        EXPECT_TRUE(done.has_value()) << done.error().message;
        return token_;
    }
    std::uint64_t lease_gang(std::uint32_t first, std::uint32_t count) {
        std::vector<LeaseTerms> members;
        for (std::uint32_t member = 0; member < count; ++member) members.push_back(terms(first + member));
        EXPECT_TRUE(job_->lease_gang(members, now_, &effects_).has_value());
        return token_ - count + 1;
    }
    Result<void> finish(std::uint32_t step,
                        std::uint64_t token,
                        std::int32_t exit_code = 0,
                        std::uint64_t amount = 10) {
        Finished done;
        done.step = step;
        done.fencing_token = token;
        done.exit_code = exit_code;
        done.amount = Usd{amount};
        return job_->finish(done, now_, &effects_);
    }
    Result<void> fail(std::uint32_t step, std::uint64_t token, Fault fault) {
        AttemptFailed failed;
        failed.step = step;
        failed.fencing_token = token;
        failed.fault = fault;
        failed.reason = "it broke";
        return job_->fail(failed, now_, &effects_);
    }
    std::vector<std::uint32_t> runnable() const { return {job_->runnable().begin(), job_->runnable().end()}; }
    StepState state(std::uint32_t step) const { return job_->steps()[step].state; }
    std::vector<std::uint64_t> stopped() const {
        std::vector<std::uint64_t> tokens;
        for (const Attempt& attempt : effects_.stopped) tokens.push_back(attempt.terms.fencing_token);
        return tokens;
    }
    void TearDown() override {
        const Result<Job> again = Job::replay(effects_.events);
        ASSERT_TRUE(again.has_value()) << again.error().message;
        EXPECT_TRUE(*again == *job_) << "the events do not say what the job is";
    }

    std::optional<Job> job_;
    Effects effects_;
    UnixMillis now_{1000};
    std::uint64_t token_ = 0;
};

using Steps = std::vector<std::uint32_t>;

TEST_F(JobTest, AJobOfOneStepSucceedsWithItsStep) {
    submit({a_group()});
    EXPECT_EQ(runnable(), Steps{0});
    EXPECT_EQ(job_->steps()[0].id, step_id(job_->order().job_id, "main", 0));
    const std::uint64_t token = lease(0);
    EXPECT_EQ(state(0), StepState::kLeased);
    EXPECT_EQ(job_->quoted_live().micro, 1000U);
    EXPECT_TRUE(job_->start(0, token, now_, &effects_).has_value());
    EXPECT_EQ(state(0), StepState::kRunning);
    now_ += UnixMillis{5};
    EXPECT_TRUE(finish(0, token, 0, 7).has_value());
    EXPECT_EQ(job_->state(), WorkState::kSucceeded);
    EXPECT_EQ(job_->charged().micro, 7U);
    EXPECT_EQ(job_->quoted_live().micro, 0U);
    EXPECT_EQ(job_->ended_at(), now_);
    EXPECT_EQ(effects_.events.size(), 4U);
    EXPECT_EQ(effects_.ended.size(), 1U);
}

TEST_F(JobTest, GroupsWaitForTheGroupsTheyNeed) {
    StepGroup last = a_group("last");
    last.needs = {"first", "second"};
    submit({last, a_group("first", 2), a_group("second")});
    EXPECT_EQ(runnable(), (Steps{1, 2, 3}));
    EXPECT_EQ(job_->status(0).reason, "waits for first, second");
    for (const std::uint32_t step : {1U, 2U, 3U}) {
        EXPECT_EQ(state(0), StepState::kWaiting);
        EXPECT_TRUE(finish(step, lease(step)).has_value());
    }
    EXPECT_EQ(runnable(), Steps{0});
    EXPECT_TRUE(finish(0, lease(0)).has_value());
    EXPECT_EQ(job_->state(), WorkState::kSucceeded);
}

TEST_F(JobTest, TrainingStandsFirstInTheQueue) {
    StepGroup training = a_group("train");
    training.ask.gpus = 4;
    submit({a_group("prepare", 2), training});
    EXPECT_EQ(runnable(), (Steps{2, 0, 1}));
}

TEST_F(JobTest, ACommandThatFailsUsesUpTheRetriesAndIsCharged) {
    StepGroup group = a_group();
    group.retries = 1;
    submit({group});
    EXPECT_TRUE(finish(0, lease(0), 3).has_value());
    EXPECT_EQ(state(0), StepState::kQueued);
    EXPECT_TRUE(finish(0, lease(0), 4).has_value());
    EXPECT_EQ(job_->state(), WorkState::kFailed);
    EXPECT_EQ(job_->error(), "main: ended with exit code 4");
    EXPECT_EQ(job_->charged().micro, 20U);
    EXPECT_EQ(job_->steps()[0].exit_code, 4);
}

TEST_F(JobTest, ANodesFaultCostsNoRetryButHasABound) {
    StepGroup group = a_group();
    group.retries = 0;
    submit({group});
    for (std::uint32_t fault = 0; fault < kNodeFaultsMax; ++fault) {
        EXPECT_EQ(job_->state(), WorkState::kActive);
        EXPECT_TRUE(fail(0, lease(0), Fault::kNode).has_value());
    }
    EXPECT_EQ(job_->state(), WorkState::kFailed);
    EXPECT_EQ(job_->charged().micro, 0U);
    EXPECT_EQ(job_->avoid(0, now_).size(), 8U);
    EXPECT_TRUE(job_->avoid(0, now_ + kAvoidFor).empty()) << "there may be no other nodes";
}

TEST_F(JobTest, GivingWayCostsNoRetryEither) {
    StepGroup group = a_group();
    group.retries = 0;
    submit({group});
    EXPECT_TRUE(fail(0, lease(0), Fault::kPreempted).has_value());
    EXPECT_TRUE(job_->avoid(0, now_).empty()) << "the node has done nothing wrong";
    EXPECT_TRUE(fail(0, lease(0), Fault::kStep).has_value());
    EXPECT_EQ(job_->state(), WorkState::kFailed);
}

TEST_F(JobTest, WhatNeedsAFailedGroupIsCancelledAndTheRestIsKept) {
    StepGroup doomed = a_group("doomed");
    doomed.retries = 0;
    StepGroup after = a_group("after", 2);
    after.needs = {"doomed"};
    StepGroup last = a_group("last");
    last.needs = {"after"};
    submit({doomed, after, last, a_group("other")});
    EXPECT_TRUE(finish(0, lease(0), 1).has_value());
    EXPECT_EQ(job_->state(), WorkState::kActive);
    EXPECT_EQ(state(1), StepState::kCancelled);
    EXPECT_EQ(state(3), StepState::kCancelled);
    EXPECT_EQ(job_->steps()[3].reason, "needs after, which failed");
    EXPECT_TRUE(finish(4, lease(4)).has_value());
    EXPECT_EQ(state(4), StepState::kDone);
    EXPECT_EQ(job_->state(), WorkState::kFailed);
}

TEST_F(JobTest, ALateMessageOfAnOldAttemptIsRefused) {
    submit({a_group()});
    const std::uint64_t old = lease(0);
    EXPECT_TRUE(fail(0, old, Fault::kNode).has_value());
    const std::uint64_t newer = lease(0);
    const std::size_t written = effects_.events.size();
    EXPECT_EQ(finish(0, old).error().code, Errc::kConflict);
    EXPECT_EQ(fail(0, old, Fault::kNode).error().code, Errc::kConflict);
    EXPECT_EQ(job_->start(0, old, now_, &effects_).error().code, Errc::kConflict);
    EXPECT_EQ(finish(1, newer).error().code, Errc::kConflict) << "no such step";
    EXPECT_EQ(effects_.events.size(), written);
    EXPECT_TRUE(finish(0, newer).has_value());
    EXPECT_EQ(finish(0, newer).error().code, Errc::kConflict) << "counted once";
}

TEST_F(JobTest, ALeaseNeedsAQueuedStepAGrowingTokenAndMoney) {
    submit({a_group("main", 3)}, [](WorkOrder* order) { order->budget = Usd{2500}; });
    const LeaseTerms early = terms(1);
    const std::uint64_t first = lease(0);
    EXPECT_EQ(job_->lease(early, now_, &effects_).error().code, Errc::kConflict) << "an older token";
    EXPECT_EQ(job_->lease(terms(0), now_, &effects_).error().code, Errc::kConflict) << "leased already";
    EXPECT_EQ(job_->lease(terms(3), now_, &effects_).error().code, Errc::kConflict) << "no such step";
    lease(1);
    EXPECT_EQ(job_->afford(Usd{500}), Affordable::kNow);
    EXPECT_EQ(job_->afford(Usd{501}), Affordable::kLater);
    EXPECT_EQ(job_->afford(Usd{2501}), Affordable::kNever);
    EXPECT_EQ(job_->lease(terms(2), now_, &effects_).error().code, Errc::kExhausted);
    EXPECT_EQ(finish(0, first, 0, 1001).error().code, Errc::kInvalid) << "above its quote";
    EXPECT_TRUE(finish(0, first, 0, 900).has_value());
    EXPECT_EQ(job_->afford(Usd{1601}), Affordable::kNever);
    EXPECT_EQ(job_->lease(terms(2, 1601), now_, &effects_).error().code, Errc::kDenied);
    EXPECT_TRUE(job_->give_up(2, Errc::kExhausted, "the budget is spent", now_, &effects_).has_value());
    EXPECT_EQ(state(2), StepState::kFailed);
    EXPECT_EQ(job_->error_code(), Errc::kExhausted);
    EXPECT_EQ(job_->state(), WorkState::kActive) << "what runs goes on";
}

TEST_F(JobTest, AnHourNeverCostsMoreThanTheCustomerOrTheQuoteSays) {
    WorkOrder order = an_order({a_group("one"), a_group("two")});
    order.spec.hourly_max = Usd{3'600'000};
    job_ = *Job::submit(order, now_, &effects_, {Usd{3'599'999}, Usd{9'000'000}});
    EXPECT_EQ(job_->hourly_max(0)->micro, 3'599'999U);
    EXPECT_EQ(job_->hourly_max(1)->micro, 3'600'000U);
    EXPECT_EQ(job_->lease(terms(0), now_, &effects_).error().code, Errc::kDenied);
    lease(1);
    Effects unused;
    EXPECT_EQ(Job::submit(order, now_, &unused, {Usd{1}}).error().code, Errc::kInvalid) << "two groups";
}

TEST_F(JobTest, CancellingStopsWhatRunsAndKeepsWhatIsDone) {
    submit({a_group("main", 3)});
    EXPECT_TRUE(finish(0, lease(0)).has_value());
    const std::uint64_t live = lease(1);
    EXPECT_TRUE(job_->cancel("by its customer", now_, &effects_).has_value());
    EXPECT_EQ(stopped(), std::vector<std::uint64_t>{live});
    EXPECT_EQ(state(0), StepState::kDone);
    EXPECT_EQ(state(1), StepState::kCancelled);
    EXPECT_EQ(job_->state(), WorkState::kCancelled);
    EXPECT_EQ(job_->quoted_live().micro, 0U);
    EXPECT_EQ(finish(1, live).error().code, Errc::kConflict);
    EXPECT_EQ(job_->cancel("again", now_, &effects_).error().code, Errc::kConflict);
}

TEST_F(JobTest, ItsDeadlineFailsAJob) {
    submit({a_group()});
    EXPECT_TRUE(job_->expire("not done by its deadline", now_, &effects_).has_value());
    EXPECT_EQ(job_->state(), WorkState::kFailed);
    EXPECT_EQ(job_->error_code(), Errc::kTimeout);
}

StepGroup a_gang(std::uint32_t count = 3) {
    StepGroup gang = a_group("gang", count);
    gang.is_gang = true;
    gang.retries = 1;
    return gang;
}

TEST_F(JobTest, AGangIsLeasedAsAWholeOrNotAtAll) {
    submit({a_gang()});
    EXPECT_EQ(runnable(), Steps{0});
    EXPECT_EQ(job_->lease(terms(0), now_, &effects_).error().code, Errc::kConflict);
    EXPECT_EQ(job_->lease_gang({terms(0), terms(1)}, now_, &effects_).error().code, Errc::kConflict);
    EXPECT_EQ(job_->lease_gang({terms(1), terms(0), terms(2)}, now_, &effects_).error().code, Errc::kConflict);
    EXPECT_EQ(job_->lease_gang({}, now_, &effects_).error().code, Errc::kConflict);
    EXPECT_EQ(job_->give_up(1, Errc::kInvalid, "no", now_, &effects_).error().code, Errc::kConflict);
    const std::uint64_t token = lease_gang(0, 3);
    EXPECT_TRUE(runnable().empty());
    EXPECT_EQ(job_->quoted_live().micro, 3000U);
    for (std::uint32_t member = 0; member < 3; ++member) EXPECT_TRUE(finish(member, token + member).has_value());
    EXPECT_EQ(job_->state(), WorkState::kSucceeded);
}

TEST_F(JobTest, OneMembersFailureRestartsTheGangAndTheRetriesAreTheGangs) {
    submit({a_gang()});
    const std::uint64_t token = lease_gang(0, 3);
    EXPECT_TRUE(finish(0, token).has_value());
    EXPECT_TRUE(finish(1, token + 1, 1).has_value());
    EXPECT_EQ(stopped(), std::vector<std::uint64_t>{token + 2});
    EXPECT_EQ(runnable(), Steps{0});
    EXPECT_EQ(state(0), StepState::kQueued) << "a finished member runs again too";
    EXPECT_EQ(job_->steps()[2].reason, "starts again with gang[1]");
    const std::uint64_t again = lease_gang(0, 3);
    EXPECT_TRUE(finish(2, again + 2, 1).has_value());
    EXPECT_EQ(job_->state(), WorkState::kFailed) << "the second failure was one too many";
    EXPECT_EQ(state(1), StepState::kFailed);
}

StepGroup speculative(std::uint32_t count) {
    StepGroup group = a_group("main", count);
    group.is_speculative = true;
    return group;
}

TEST_F(JobTest, AStragglerIsSlowerThanTwiceTheMedian) {
    submit({speculative(5)});
    std::vector<std::uint64_t> tokens;
    for (std::uint32_t step = 0; step < 5; ++step) {
        tokens.push_back(lease(step));
        EXPECT_TRUE(job_->start(step, tokens[step], now_, &effects_).has_value());
    }
    for (std::uint32_t step = 0; step < 3; ++step) {
        EXPECT_TRUE(job_->stragglers(now_ + UnixMillis{100'000}).empty()) << "too few to compare with";
        now_ += UnixMillis{100};
        EXPECT_TRUE(finish(step, tokens[step]).has_value());
    }
    EXPECT_TRUE(job_->stragglers(UnixMillis{1000 + 401}).empty()) << "the median is 200 ms";
    EXPECT_EQ(job_->stragglers(UnixMillis{1000 + 402}), (Steps{3, 4}));
}

TEST_F(JobTest, TheFirstOfTwoCopiesCountsAndTheOtherIsNotCharged) {
    submit({speculative(1)}, [](WorkOrder* order) { order->spec.service_class = ServiceClass::kCritical; });
    const std::uint64_t first = lease(0);
    EXPECT_EQ(job_->stragglers(now_), Steps{0}) << "critical work has a spare at once";
    const std::uint64_t second = lease(0);
    EXPECT_TRUE(job_->stragglers(now_).empty()) << "two are enough";
    EXPECT_EQ(job_->lease(terms(0), now_, &effects_).error().code, Errc::kConflict);
    EXPECT_EQ(job_->avoid(0, now_).size(), 2U);
    EXPECT_TRUE(finish(0, first, 0, 10).has_value());
    EXPECT_EQ(stopped(), std::vector<std::uint64_t>{second});
    EXPECT_EQ(job_->charged().micro, 10U);
    EXPECT_EQ(job_->steps()[0].fencing_token, first);
    EXPECT_EQ(finish(0, second).error().code, Errc::kConflict);
    EXPECT_EQ(job_->state(), WorkState::kSucceeded);
}

TEST_F(JobTest, TheSlowerCopyMayBeChargedBeforeTheFasterCounts) {
    StepGroup group = speculative(1);
    group.retries = 0;
    submit({group}, [](WorkOrder* order) { order->spec.service_class = ServiceClass::kCritical; });
    const std::uint64_t first = lease(0);
    const std::uint64_t second = lease(0);
    EXPECT_TRUE(finish(0, second, kLostRaceExit, 7).has_value());
    EXPECT_EQ(state(0), StepState::kLeased) << "nobody's failure";
    EXPECT_EQ(finish(0, first, kLostRaceExit, 7).error().code, Errc::kConflict) << "there is nobody to lose against";
    EXPECT_TRUE(finish(0, first, 0, 10).has_value());
    EXPECT_EQ(job_->charged().micro, 17U);
    EXPECT_EQ(job_->steps()[0].fencing_token, first);
    EXPECT_EQ(job_->state(), WorkState::kSucceeded);
}

TEST_F(JobTest, AFailedCopyLeavesTheOtherRunning) {
    StepGroup group = speculative(1);
    group.retries = 0;
    submit({group}, [](WorkOrder* order) { order->spec.service_class = ServiceClass::kCritical; });
    const std::uint64_t first = lease(0);
    EXPECT_TRUE(job_->start(0, first, now_, &effects_).has_value());
    const std::uint64_t second = lease(0);
    EXPECT_TRUE(finish(0, second, 1).has_value());
    EXPECT_EQ(state(0), StepState::kRunning);
    EXPECT_TRUE(runnable().empty());
    EXPECT_TRUE(job_->stragglers(now_).empty()) << "no retry is left for another copy";
    EXPECT_TRUE(finish(0, first).has_value());
    EXPECT_EQ(job_->state(), WorkState::kSucceeded);
    EXPECT_EQ(job_->charged().micro, 20U);
}

TEST_F(JobTest, EventsThatDoNotFitAreRefusedAndChangeNothing) {
    submit({a_group()});
    const Job before = *job_;
    EXPECT_EQ(job_->apply(effects_.events[0]).error().code, Errc::kCorrupt) << "submitted twice";
    EXPECT_EQ(job_->apply({now_, Started{0, 1}}).error().code, Errc::kCorrupt);
    EXPECT_EQ(job_->apply({now_, Stopped{WorkState::kSucceeded, Errc::kDenied, ""}}).error().code, Errc::kCorrupt);
    EXPECT_TRUE(before == *job_);
    EXPECT_EQ(Job::replay({}).error().code, Errc::kCorrupt);
    const Event started{now_, Started{0, 1}};
    EXPECT_EQ(Job::replay({&started, 1}).error().code, Errc::kCorrupt);
}

TEST_F(JobTest, EveryEventHasALineForPeople) {
    submit({a_gang(2), a_group("solo")});
    const std::uint64_t gang = lease_gang(0, 2);
    EXPECT_TRUE(job_->start(0, gang, now_, &effects_).has_value());
    const std::uint64_t solo = lease(2);
    EXPECT_TRUE(finish(2, solo, 0, 10).has_value());
    EXPECT_TRUE(fail(0, gang, Fault::kNode).has_value());
    EXPECT_TRUE(job_->give_up(0, Errc::kInvalid, "too large", now_, &effects_).has_value());
    std::vector<std::string> lines;
    for (const Event& event : effects_.events) lines.push_back(line_of(event, *job_).text);
    EXPECT_EQ(lines, (std::vector<std::string>{
                         "submitted with 3 steps and a budget of 10.000000 USD",
                         "the gang gang got 2 units at once: the only one",
                         "gang[0] runs",
                         "solo got unit 0 for at most 0.001000 USD (attempt 1): the only one",
                         "solo ended with exit code 0 and 0 bytes of output, charged 0.000010 USD",
                         "gang[0] was lost by its node, nothing charged: it broke",
                         "gang[0] gets no unit: too large",
                     }));
}

TEST_F(JobTest, AStepGetsTheFilesThatTheGroupsItTakesFromLeft) {
    StepGroup frames = a_group("frames", 2);
    frames.setup.keeps_files = true;
    StepGroup film = a_group("film");
    film.needs = film.takes = {"frames"};
    submit({frames, film}, [](WorkOrder* order) { order->files_url = "https://gateway.example/files/token/"; });
    for (const std::uint32_t step : {0U, 1U}) {
        Finished done;
        done.step = step;
        done.fencing_token = lease(step);
        done.files = {a_file("a.png"), a_file("b/c.png")};
        EXPECT_TRUE(job_->finish(done, now_, &effects_).has_value());
    }
    const StepWork work = job_->work_of(2);
    EXPECT_EQ(work.files_url, "https://gateway.example/files/token/");
    std::vector<std::string> names;
    for (const InputFile& input : work.inputs) names.push_back(input.name);
    EXPECT_EQ(names, (std::vector<std::string>{"in/frames/0/a.png", "in/frames/0/b/c.png", "in/frames/1/a.png",
                                               "in/frames/1/b/c.png"}));
    EXPECT_EQ(job_->statuses()[0].files.size(), 2U);
}

TEST_F(JobTest, ALaterAttemptBeginsWithTheNewestCheckpoint) {
    StepGroup group = a_group();
    group.setup.checkpoint_seconds = 60;
    submit({group}, [](WorkOrder* order) { order->files_url = "https://gateway.example/files/token/"; });
    const std::uint64_t first = lease(0);
    const auto keep = [&](std::uint64_t token, std::uint32_t sequence, std::string name) {
        return job_->checkpoint({0, token, sequence, {a_file(std::move(name))}}, now_, &effects_);
    };
    EXPECT_TRUE(keep(first, 1, "one").has_value());
    EXPECT_TRUE(keep(first, 2, "two").has_value());
    EXPECT_EQ(keep(first, 2, "again").error().code, Errc::kConflict) << "sent twice";
    EXPECT_EQ(keep(first, 1, "late").error().code, Errc::kConflict);
    EXPECT_EQ(keep(first, 3, "../up").error().code, Errc::kInvalid);
    EXPECT_TRUE(fail(0, first, Fault::kNode).has_value());
    EXPECT_EQ(keep(first, 4, "too late").error().code, Errc::kConflict) << "the attempt has ended";
    const std::uint64_t second = lease(0);
    ASSERT_EQ(job_->work_of(0).inputs.size(), 1U);
    EXPECT_EQ(job_->work_of(0).inputs[0].name, "checkpoint/two");
    EXPECT_TRUE(keep(second, 1, "three").has_value()) << "each attempt counts from one";
    EXPECT_TRUE(finish(0, second).has_value());
}

TEST_F(JobTest, AStepThatGivesWayIsPaidUpToItsCheckpointAndGoesOnElsewhere) {
    StepGroup group = a_group();
    group.setup.checkpoint_seconds = 60;
    group.retries = 0;
    submit({group}, [](WorkOrder* order) { order->files_url = "https://gateway.example/files/token/"; });
    const std::uint64_t first = lease(0);
    EXPECT_EQ(finish(0, first, kGaveWayExit).error().code, Errc::kInvalid) << "there is nothing to go on from";
    EXPECT_TRUE(job_->checkpoint({0, first, 1, {a_file("weights")}}, now_, &effects_).has_value());

    EXPECT_TRUE(finish(0, first, kGaveWayExit, 7).has_value());

    EXPECT_EQ(state(0), StepState::kQueued);
    EXPECT_EQ(job_->charged(), Usd{7});
    EXPECT_EQ(job_->steps()[0].failures, 0U) << "it costs no retry";
    EXPECT_EQ(job_->avoid(0, now_).size(), 1U);
    const std::uint64_t second = lease(0);
    EXPECT_EQ(job_->work_of(0).inputs.at(0).name, "checkpoint/weights");
    EXPECT_EQ(finish(0, second, kGaveWayExit).error().code, Errc::kInvalid) << "that checkpoint is another attempt's";
    EXPECT_TRUE(finish(0, second).has_value());
    EXPECT_EQ(job_->state(), WorkState::kSucceeded);
    EXPECT_EQ(job_->charged(), Usd{17});
}

TEST_F(JobTest, AProgramThatSaysTheOrderIsWrongIsNotAskedAgain) {
    StepGroup group = a_group();
    group.command = {"--data", "/job/train.jsonl"};
    group.setup.program = kFinetuneProgram;
    group.retries = 2;
    submit({group});

    EXPECT_TRUE(finish(0, lease(0), kWrongOrderExit).has_value());

    EXPECT_EQ(job_->state(), WorkState::kFailed);
    EXPECT_EQ(job_->steps()[0].attempts, 1U);
    EXPECT_EQ(job_->charged(), Usd{10});
    EXPECT_NE(job_->error().find("what it was given is wrong"), std::string::npos) << job_->error();
}

TEST_F(JobTest, ACommandOfTheCustomersMayEndAsItLikes) {
    StepGroup group = a_group();
    group.retries = 1;
    submit({group});
    EXPECT_TRUE(finish(0, lease(0), kWrongOrderExit).has_value());
    EXPECT_EQ(state(0), StepState::kQueued) << "only programs of the network say so by their exit code";
    EXPECT_TRUE(finish(0, lease(0)).has_value());
}

TEST_F(JobTest, AnInputThatIsNotThereCostsARetryAndIsLookedForElsewhere) {
    StepGroup group = a_group();
    group.retries = 1;
    submit({group});
    AttemptFailed failed;
    failed.fencing_token = lease(0);
    failed.fault = Fault::kStep;
    failed.code = Errc::kNotFound;
    EXPECT_TRUE(job_->fail(failed, now_, &effects_).has_value());
    EXPECT_EQ(job_->avoid(0, now_).size(), 1U);
    EXPECT_EQ(job_->steps()[0].node_faults, 0U);
    failed.fencing_token = lease(0);
    EXPECT_TRUE(job_->fail(failed, now_, &effects_).has_value());
    EXPECT_EQ(job_->state(), WorkState::kFailed);
    EXPECT_EQ(job_->charged(), Usd{});
}

TEST_F(JobTest, AServiceSucceedsWhenItsTimeIsOverAndFailsWhenItEndsByItself) {
    StepGroup group = a_group();
    group.setup.is_service = true;
    group.retries = 1;
    submit({group});
    EXPECT_TRUE(finish(0, lease(0), 0).has_value());
    EXPECT_EQ(state(0), StepState::kQueued);
    EXPECT_EQ(job_->steps()[0].reason, "a service ended by itself");
    EXPECT_TRUE(finish(0, lease(0), kTimeLimitExit).has_value());
    EXPECT_EQ(state(0), StepState::kDone);
}

TEST_F(JobTest, CountsHowLongAnAttemptCouldNotBeReached) {
    StepGroup group = a_group();
    group.setup.is_service = true;
    submit({group});
    const std::uint64_t first = lease(0);
    EXPECT_TRUE(job_->note_away({0, first, 5'000}, now_, &effects_).has_value());
    EXPECT_TRUE(job_->note_away({0, first, 12'000}, now_, &effects_).has_value());
    EXPECT_EQ(job_->note_away({0, first, 12'000}, now_, &effects_).error().code, Errc::kConflict) << "it only grows";
    EXPECT_EQ(job_->note_away({0, first + 1, 20'000}, now_, &effects_).error().code, Errc::kConflict);
    EXPECT_EQ(job_->find_live(0, first)->away_ms, 12'000U);
    EXPECT_TRUE(fail(0, first, Fault::kNode).has_value());
    EXPECT_EQ(job_->note_away({0, first, 30'000}, now_, &effects_).error().code, Errc::kConflict) << "it has ended";
    EXPECT_EQ(job_->find_live(0, lease(0))->away_ms, 0U) << "each attempt counts from zero";
}

TEST_F(JobTest, AStepThatWouldGetTooManyFilesIsNotLeased) {
    StepGroup from = a_group("from", 33);
    from.setup.keeps_files = true;
    StepGroup to = a_group("to");
    to.needs = to.takes = {"from"};
    submit({from, to}, [](WorkOrder* order) { order->files_url = "https://gateway.example/files/token/"; });
    std::vector<StepFile> files;
    for (std::size_t number = 0; number < kStepFilesMax; ++number)
        files.push_back(a_file(std::to_string(1000 + number)));
    for (std::uint32_t step = 0; step < 33; ++step) {
        Finished done;
        done.step = step;
        done.fencing_token = lease(step);
        done.files = files;
        EXPECT_TRUE(job_->finish(done, now_, &effects_).has_value());
    }
    const Result<void> leased = job_->lease(terms(33), now_, &effects_);
    ASSERT_FALSE(leased.has_value());
    EXPECT_EQ(leased.error().code, Errc::kDenied);
    EXPECT_EQ(leased.error().message, "it would get 4224 files, at most 4096 can be had");
}

}  // namespace
}  // namespace vcity::work
