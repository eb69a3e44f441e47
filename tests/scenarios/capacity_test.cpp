// SPDX-License-Identifier: Apache-2.0
#include <map>

#include <gtest/gtest.h>

#include "capacity/prover.hpp"
#include "capacity/testing/plain_device.hpp"
#include "scenarios/cluster.hpp"
#include "services/node/capacity_desk.hpp"
#include "services/verifier/capacity_link.hpp"
#include "sim/runtime.hpp"

// A verifier asks a connected node for a proof of capacity, through the scheduler.
namespace vcity::scenarios {
namespace {

using namespace std::chrono_literals;

constexpr CapacityChainShape kChain{32, 32, 1, 8, 4};
constexpr CapacityStoreShape kStore{288, 64};

enum class Conduct : std::uint8_t { kHonest, kLies, kFallsSilent };

// One card, computed in place.
class Cards final : public ports::CapacityProver {
  public:
    Cards(Runtime* runtime, Conduct conduct) : runtime_{runtime}, conduct_{conduct} {}

    std::vector<CapacityCard> cards() override { return {device_.card()}; }
    Task<Result<CapacityChainCommitment>> run_chain(CapacityChainChallenge challenge) override {
        if (conduct_ == Conduct::kFallsSilent) {
            co_await runtime_->sleep_until(runtime_->now() + 30min);
        }
        co_return prover_.run_chain(challenge);
    }
    Task<Result<CapacityOpening>> open(CapacityDraw draw) override { co_return prover_.open(draw); }
    Task<Result<void>> fill(CapacityFill chunk) override { co_return prover_.fill(chunk); }
    Task<Result<CapacityAnswer>> sweep(CapacitySweep challenge) override {
        Result<CapacityAnswer> answer = prover_.sweep(challenge);
        if (answer && conduct_ == Conduct::kLies) answer->sums[0] += 1;
        co_return answer;
    }
    Task<void> release() override {
        ++releases;
        co_return;
    }

    int releases = 0;

  private:
    Runtime* runtime_;
    Conduct conduct_;
    capacity::testing::PlainDevice device_;
    capacity::Prover prover_{&device_};
};

// Adds up the counters by name and outcome.
class Counts final : public MetricRegistry {
  public:
    Counter* counter(std::string name, std::string /*help*/, MetricLabels labels) override {
        const std::string outcome = labels.empty() ? "" : labels.front().second;
        return &counters_[name + " " + outcome];
    }
    Gauge* gauge(std::string name, std::string help, MetricLabels /*labels*/) override {
        return null_metrics().gauge(std::move(name), std::move(help));
    }
    Histogram* histogram(std::string name,
                         std::string help,
                         std::vector<double> buckets,
                         MetricLabels /*labels*/) override {
        return null_metrics().histogram(std::move(name), std::move(help), std::move(buckets));
    }
    double of(const std::string& outcome) {
        return counters_["vcity_verifier_capacity_sessions_total " + outcome].value;
    }

  private:
    struct Sum final : Counter {
        void add(double amount) override { value += amount; }
        double value = 0;
    };
    std::map<std::string, Sum> counters_;
};

class Capacity : public ::testing::Test {
  protected:
    Capacity() {
        verifier_.metrics = &counts_;
        verifier::CapacityOptions& options = verifier_.capacity;
        options.every = 30s;
        options.policy.full_rounds = 2;
        options.policy.short_rounds = 2;
        options.claims = [](const Hardware& hardware) {
            const capacity::CardClaim claim{hardware.gpu_model, kStore.bytes(), 1'000'000, 1'000'000};
            return std::vector<capacity::CardClaim>{claim};
        };
        options.sizes = {kChain, kStore};
    }
    ~Capacity() override { world_.chain.stop(); }

    void run(ports::CapacityProver* prover, Duration time) {
        node_.capacity = prover;
        world_.chain.start();
        scheduler_.start();
        verifier_.start();
        node_.start();
        world_.runtime.run_until(world_.runtime.now() + time, 10'000'000);
    }

    World world_{ScenarioOptions{}};
    Counts counts_;
    sim::FakeSigner gateway_signer_{3};
    SchedulerMachine scheduler_{&world_, 1, gateway_signer_.address(), 0};
    VerifierMachine verifier_{&world_, "verifier0", 4};
    NodeMachine node_{&world_, "node0", 10, Honesty::kHonest, 2};
};

TEST_F(Capacity, OfAnHonestNodeIsAccepted) {
    Cards cards{&world_.runtime, Conduct::kHonest};
    run(&cards, 80s);
    EXPECT_GE(counts_.of("accepted"), 1);
    EXPECT_EQ(counts_.of("not_held"), 0);
    EXPECT_GE(cards.releases, 2) << "at the beginning and at the end";
}

TEST_F(Capacity, OfANodeThatLiesIsRejected) {
    Cards cards{&world_.runtime, Conduct::kLies};
    run(&cards, 80s);
    EXPECT_EQ(counts_.of("accepted"), 0);
    EXPECT_GE(counts_.of("wrong_sums_over_the_store"), 1);
}

TEST_F(Capacity, OfASilentNodeEndsInTime) {
    Cards cards{&world_.runtime, Conduct::kFallsSilent};
    verifier_.capacity.policy.answer_max = 20s;
    run(&cards, 80s);
    EXPECT_EQ(counts_.of("accepted"), 0);
    EXPECT_EQ(counts_.of("no_answer"), 1);
}

// The verifier's end and the node's, without a network between them.
struct Wire {
    explicit Wire(Runtime* runtime, ports::CapacityProver* prover) : group{runtime} {
        desk = std::make_unique<node::CapacityDesk>(&group, prover, [this](Message message) {
            if (loses_replies) return;
            ++replies;
            link->on_reply(std::get<CapacityReply>(std::move(message)));
        });
        verifier::CapacityLink::Parts parts;
        parts.runtime = runtime;
        parts.answer_max = 10s;
        parts.session.bytes[0] = 1;
        parts.post = [this](Message message) {
            desk->on_question(std::get<CapacityQuestion>(std::move(message)));
            return true;
        };
        link = std::make_unique<verifier::CapacityLink>(std::move(parts));
    }

    TaskGroup group;
    std::unique_ptr<node::CapacityDesk> desk;
    std::unique_ptr<verifier::CapacityLink> link;
    int replies = 0;
    bool loses_replies = false;
};

// Opens one cell whose products fill two frames.
class LongAnswers final : public ports::CapacityProver {
  public:
    std::vector<CapacityCard> cards() override { return {}; }
    Task<Result<CapacityChainCommitment>> run_chain(CapacityChainChallenge /*challenge*/) override {
        co_return make_error(Errc::kUnavailable, "broken");
    }
    Task<Result<CapacityOpening>> open(CapacityDraw draw) override { co_return answer_to(draw); }
    Task<Result<void>> fill(CapacityFill /*chunk*/) override { co_return Result<void>{}; }
    Task<Result<CapacityAnswer>> sweep(CapacitySweep /*challenge*/) override { co_return CapacityAnswer{}; }
    Task<void> release() override { co_return; }

    static CapacityOpening answer_to(const CapacityDraw& draw) {
        CapacityOpening opening;
        opening.session = draw.session;
        opening.cells.emplace_back();
        std::int32_t number = 0;
        opening.cells[0].products.resize(2U << 20U);
        for (std::int32_t& product : opening.cells[0].products) product = ++number % 1000;
        return opening;
    }
};

TEST(CapacityLink, FetchesALongAnswerPieceByPiece) {
    sim::SimRuntime runtime{1};
    LongAnswers prover;
    Wire wire{&runtime, &prover};
    std::optional<Result<CapacityOpening>> opened;
    const auto ask = [](Wire* asked, std::optional<Result<CapacityOpening>>* out) -> Task<void> {
        CapacityDraw draw;
        *out = co_await asked->link->open(std::move(draw));
    };
    runtime.spawn(ask(&wire, &opened));
    runtime.run_until(runtime.now() + 20s, 10'000);
    ASSERT_TRUE(opened && *opened) << (opened ? (*opened).error().message : "none");
    EXPECT_EQ(**opened, LongAnswers::answer_to({}));
    EXPECT_EQ(wire.replies, 2);
}

TEST(CapacityLink, TellsARefusalFromSilence) {
    sim::SimRuntime runtime{1};
    LongAnswers prover;
    Wire wire{&runtime, &prover};
    std::vector<Errc> errors;
    const auto ask = [](Wire* asked, std::vector<Errc>* out) -> Task<void> {
        CapacityChainChallenge challenge;
        const CapacitySweep sweep;
        const auto refused = co_await asked->link->run_chain(std::move(challenge));
        out->push_back(refused ? Errc::kInternal : refused.error().code);
        asked->loses_replies = true;
        const auto lost = co_await asked->link->sweep(sweep);
        out->push_back(lost ? Errc::kInternal : lost.error().code);
        asked->link->on_link_lost();
        const auto late = co_await asked->link->sweep(sweep);
        out->push_back(late ? Errc::kInternal : late.error().code);
    };
    runtime.spawn(ask(&wire, &errors));
    runtime.run_until(runtime.now() + 20s, 10'000);
    EXPECT_EQ(errors, (std::vector<Errc>{Errc::kDenied, Errc::kTimeout, Errc::kUnavailable}));
}

TEST_F(Capacity, IsNotHeldWhereTheNodeOffersNone) {
    run(nullptr, 80s);
    EXPECT_EQ(counts_.of("accepted"), 0);
    EXPECT_GE(counts_.of("not_held"), 1);
}

}  // namespace
}  // namespace vcity::scenarios
