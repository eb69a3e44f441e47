// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "work/job.hpp"
#include "work/plan.hpp"
#include "work/work_test_orders.hpp"

namespace vcity::work {
namespace {

// Drives a random job with random commands, late and repeated messages among them, and keeps beside it what anybody
// could count on paper.
class RandomJob {
  public:
    explicit RandomJob(std::uint32_t seed) : random_{seed} {
        WorkOrder order = an_order(random_groups());
        order.budget = Usd{draw(3) == 0 ? 3000 + draw(5000) : 1'000'000};
        order.spec.service_class = static_cast<ServiceClass>(draw(3));
        Result<Job> made = Job::submit(std::move(order), now(), &effects_);
        EXPECT_TRUE(made.has_value()) << made.error().message;
        job_ = *std::move(made);
        settle();
    }

    void run() {
        for (int turn = 0; turn < 60 && !job_->is_terminal(); ++turn) {
            act();
            ASSERT_NO_FATAL_FAILURE(check());
        }
        // No more faults: whatever waits is leased or given up, whatever runs ends well.
        for (int turn = 0; turn < 1000 && !job_->is_terminal(); ++turn) {
            if (job_->live().empty()) {
                lease(job_->runnable().front(), true);
            } else {
                finish(job_->live().front().terms, 0);
            }
            ASSERT_NO_FATAL_FAILURE(check());
        }
        EXPECT_TRUE(job_->is_terminal()) << "nothing is wrong any more, but it does not end";
        late_message();
        check_events();
    }

  private:
    std::uint32_t draw(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }
    UnixMillis now() { return clock_ += UnixMillis{draw(50)}; }

    std::vector<StepGroup> random_groups() {
        std::vector<StepGroup> groups;
        const std::uint32_t count = 1 + draw(4);
        for (std::uint32_t number = 0; number < count; ++number) {
            StepGroup group = a_group("g" + std::to_string(number), 1 + draw(5));
            for (std::uint32_t other = 0; other < number; ++other) {
                if (draw(3) == 0) group.needs.push_back("g" + std::to_string(other));
            }
            group.is_gang = draw(3) == 0;
            group.is_speculative = !group.is_gang && draw(2) == 0;
            group.retries = draw(3);
            if (draw(4) == 0) group.ask.gpus = 1 + draw(2);
            groups.push_back(std::move(group));
        }
        std::ranges::shuffle(groups, random_);  // groups may need later ones
        return groups;
    }

    LeaseTerms terms(std::uint32_t step) {
        LeaseTerms terms;
        terms.step = step;
        terms.fencing_token = ++token_;
        terms.node.bytes.fill(static_cast<std::uint8_t>(draw(6)));
        terms.quote = Usd{draw(1000)};
        return terms;
    }

    void act() {
        const auto runnable = job_->runnable();
        const auto live = job_->live();
        switch (draw(12)) {
            case 0:
            case 1:
            case 2:
            case 3:
                if (!runnable.empty()) lease(runnable[draw(static_cast<std::uint32_t>(runnable.size()))], draw(8) == 0);
                break;
            case 4:
                if (const auto slow = job_->stragglers(now() + UnixMillis{draw(1000)}); !slow.empty()) {
                    lease(slow[draw(static_cast<std::uint32_t>(slow.size()))], false);
                }
                break;
            case 5:
            case 6:
                if (!live.empty()) start(live[draw(static_cast<std::uint32_t>(live.size()))].terms);
                break;
            case 7:
            case 8:
                if (!live.empty()) finish(live[draw(static_cast<std::uint32_t>(live.size()))].terms, draw(3) == 0);
                break;
            case 9:
                if (!live.empty()) fail(live[draw(static_cast<std::uint32_t>(live.size()))].terms);
                break;
            case 10: late_message(); break;
            case 11:
                if (draw(20) == 0) EXPECT_TRUE(job_->cancel("enough", now(), &effects_).has_value());
                break;
        }
        settle();
    }

    // A step or gang that waits, or a second copy.
    void lease(std::uint32_t step, bool gives_up) {
        const std::uint32_t before = job_->events();
        Result<void> done;
        Usd quote;
        if (job_->is_gang(step)) {
            std::vector<LeaseTerms> members;
            for (std::uint32_t member = 0; member < job_->group_of(step).count; ++member) {
                members.push_back(terms(step + member));
                quote.micro += members.back().quote.micro;
            }
            done = job_->lease_gang(members, now(), &effects_);
        } else {
            const LeaseTerms one = terms(step);
            quote = one.quote;
            done = job_->lease(one, now(), &effects_);
        }
        const std::uint64_t bound = charged_ + quoted() + (done ? 0 : quote.micro);
        EXPECT_EQ(done.has_value(), bound <= job_->order().budget.micro) << "refused for money and nothing else";
        if (!done) {
            EXPECT_EQ(job_->events(), before);
            const bool never = charged_ + quote.micro > job_->order().budget.micro;
            EXPECT_EQ(done.error().code, never ? Errc::kDenied : Errc::kExhausted);
            if (never || gives_up) {
                const auto given_up = job_->give_up(step, Errc::kExhausted, "no money", now(), &effects_);
                EXPECT_EQ(given_up.has_value(), job_->steps()[step].live == 0);
            }
        }
        settle();
    }

    void start(const LeaseTerms terms) {
        const bool is_new = job_->find_live(terms.step, terms.fencing_token)->started_at.count() == 0;
        EXPECT_EQ(job_->start(terms.step, terms.fencing_token, now(), &effects_).has_value(), is_new);
    }

    void finish(const LeaseTerms terms, std::int32_t exit_code) {
        Finished done;
        done.step = terms.step;
        done.fencing_token = terms.fencing_token;
        done.exit_code = exit_code;
        done.amount = Usd{terms.quote.micro + 1};
        EXPECT_EQ(job_->finish(done, now(), &effects_).error().code, Errc::kInvalid);
        done.amount = Usd{draw(static_cast<std::uint32_t>(terms.quote.micro + 1))};
        EXPECT_TRUE(job_->finish(done, now(), &effects_).has_value());
        charged_ += done.amount.micro;
        settle();
    }

    void fail(const LeaseTerms terms) {
        AttemptFailed failed;
        failed.step = terms.step;
        failed.fencing_token = terms.fencing_token;
        failed.fault = static_cast<Fault>(draw(3));
        failed.reason = std::string(draw(700), 'x');
        EXPECT_TRUE(job_->fail(failed, now(), &effects_).has_value());
        settle();
    }

    // Of an attempt that has ended.
    void late_message() {
        if (dead_.empty()) return;
        const auto [token, step] = *std::next(dead_.begin(), draw(static_cast<std::uint32_t>(dead_.size())));
        const Job before = *job_;
        Finished done;
        done.step = step;
        done.fencing_token = token;
        EXPECT_EQ(job_->finish(done, now(), &effects_).error().code, Errc::kConflict);
        AttemptFailed failed;
        failed.step = step;
        failed.fencing_token = token;
        EXPECT_EQ(job_->fail(failed, now(), &effects_).error().code, Errc::kConflict);
        EXPECT_EQ(job_->start(step, token, now(), &effects_).error().code, Errc::kConflict);
        EXPECT_TRUE(before == *job_);
    }

    // Keeps the events and the tokens of attempts that have ended.
    void settle() {
        for (Event& event : effects_.events) written_.push_back(std::move(event));
        for (const auto* list : {&effects_.ended, &effects_.stopped}) {
            for (const Attempt& attempt : *list) {
                const bool is_new = dead_.emplace(attempt.terms.fencing_token, attempt.terms.step).second;
                EXPECT_TRUE(is_new) << "an attempt ends once";
            }
        }
        effects_.clear();
    }

    std::uint64_t quoted() const {
        std::uint64_t sum = 0;
        for (const Attempt& attempt : job_->live()) sum += attempt.terms.quote.micro;
        return sum;
    }

    void check() {
        EXPECT_EQ(job_->charged().micro, charged_);
        EXPECT_EQ(job_->quoted_live().micro, quoted());
        ASSERT_LE(charged_ + quoted(), job_->order().budget.micro);
        std::map<std::uint32_t, std::uint32_t> live;
        for (const Attempt& attempt : job_->live()) {
            ++live[attempt.terms.step];
            EXPECT_FALSE(dead_.contains(attempt.terms.fencing_token));
        }
        bool is_open = false;
        for (std::uint32_t step = 0; step < job_->steps().size(); ++step) {
            const StepState state = job_->steps()[step].state;
            const bool runs = state == StepState::kLeased || state == StepState::kRunning;
            EXPECT_EQ(live[step] > 0, runs) << step;
            EXPECT_LE(live[step], job_->group_of(step).is_speculative ? 2U : 1U);
            is_open = is_open || runs || state == StepState::kQueued || state == StepState::kWaiting;
            if (state == StepState::kDone) {
                EXPECT_EQ(job_->steps()[step].exit_code, 0);
                EXPECT_TRUE(dead_.contains(job_->steps()[step].fencing_token));
            }
            check_needs(step);
            check_gang(step);
        }
        EXPECT_EQ(is_open, !job_->is_terminal());
        const bool can_go_on = !job_->live().empty() || !job_->runnable().empty();
        ASSERT_EQ(can_go_on, !job_->is_terminal()) << "it must end when nothing can happen any more";
    }

    void check_needs(std::uint32_t step) const {
        const StepState state = job_->steps()[step].state;
        if (state == StepState::kWaiting || state == StepState::kCancelled) return;
        for (const Job::Step& other : job_->steps()) {
            const auto& needs = job_->group_of(step).needs;
            const std::string& name = job_->spec().groups[other.group].name;
            if (std::ranges::find(needs, name) != needs.end()) EXPECT_EQ(other.state, StepState::kDone);
        }
    }

    // All members wait, all are out or done, or all have ended.
    void check_gang(std::uint32_t step) const {
        if (!job_->is_gang(step) || job_->first_of_group(step) != step) return;
        std::set<int> kinds;
        for (std::uint32_t member = step; member < step + job_->group_of(step).count; ++member) {
            switch (job_->steps()[member].state) {
                case StepState::kWaiting: kinds.insert(0); break;
                case StepState::kQueued: kinds.insert(1); break;
                case StepState::kLeased:
                case StepState::kRunning: kinds.insert(2); break;
                case StepState::kFailed:
                case StepState::kCancelled: kinds.insert(3); break;
                case StepState::kDone: break;
            }
        }
        EXPECT_LE(kinds.size(), 1U);
    }

    void check_events() {
        std::vector<Event> read;
        for (const Event& event : written_) {
            const Result<Event> parsed = parse_event(encode(event));
            ASSERT_TRUE(parsed.has_value());
            EXPECT_TRUE(*parsed == event);
            EXPECT_FALSE(line_of(event, *job_).text.empty());
            read.push_back(*parsed);
        }
        const Result<Job> again = Job::replay(read);
        ASSERT_TRUE(again.has_value()) << again.error().message;
        EXPECT_TRUE(*again == *job_) << "the events do not say what the job is";
        EXPECT_EQ(job_->events(), written_.size());
    }

    std::mt19937 random_;
    std::optional<Job> job_;
    Effects effects_;
    std::vector<Event> written_;
    UnixMillis clock_{1000};
    std::uint64_t token_ = 0;
    std::uint64_t charged_ = 0;
    std::map<std::uint64_t, std::uint32_t> dead_;  // token -> step
};

TEST(JobProperty, RandomCommandsKeepMoneyGangsNeedsAndHistory) {
    for (std::uint32_t seed = 0; seed < 50; ++seed) {
        SCOPED_TRACE(seed);
        RandomJob job{seed};
        job.run();
        if (testing::Test::HasFailure()) return;
    }
}

}  // namespace
}  // namespace vcity::work
