// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "crypto/keccak.hpp"
#include "market/pricing.hpp"
#include "market/typed_hashes.hpp"
#include "scenarios/cluster.hpp"

// More calls than the network can do: what is delivered does not fall, what is admitted does not wait long, and what is
// refused is refused at once.
namespace vcity::scenarios {
namespace {

using namespace std::chrono_literals;

constexpr Duration kBegin = 10s;
constexpr Duration kLength = 20s;
constexpr Duration kLineMax = 3s;

struct Measured {
    std::uint64_t sent = 0;
    std::uint64_t delivered = 0;  // in the time in which calls come
    std::uint64_t refused = 0;
    std::uint64_t others = 0;
    Duration first_token_most{};
    Duration refusal_most{};
    std::uint32_t retry_least_ms = UINT32_MAX;
    std::uint32_t retry_most_ms = 0;
};

class Network {
  public:
    explicit Network(std::uint32_t slots) {
        scheduler_.adjust = [](scheduler::SchedulerOptions* options) {
            options->placement_wait_max = kLineMax;
            options->choice.waiting_max = 24;
        };
        for (std::uint64_t number = 0; number < 2; ++number) {
            nodes_.push_back(std::make_unique<NodeMachine>(&world_, "node" + std::to_string(number), 10 + number,
                                                           Honesty::kHonest, slots));
            nodes_.back()->worker_failures_per_mille = 0;
        }
    }
    ~Network() { world_.chain.stop(); }
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

    Measured offer(std::uint64_t calls) {
        for (std::uint64_t number = 0; number < calls; ++number) {
            add_call(number, kBegin + kLength * static_cast<Duration::rep>(number) / static_cast<Duration::rep>(calls));
        }
        world_.chain.start();
        scheduler_.start();
        verifier_.start();
        gateway_.start();
        for (const auto& node : nodes_) node->start();
        world_.runtime.run_until(TimePoint{} + kBegin + kLength + 30s, 50'000'000);
        return measure();
    }

  private:
    void add_call(std::uint64_t number, Duration at) {
        const Buyer& buyer = buyers_[number % buyers_.size()];
        ClientJob job;
        job.send_at = TimePoint{} + at;
        JobOrder& order = job.order;
        order.client = buyer.signer.address();
        order.cap = buyer.rich;
        order.request.model = world_.model.name;
        order.request.prompt = "call " + std::to_string(number);
        order.request.output_tokens_max = 100;
        order.prices_max = {1'000'000, 1'000'000};
        order.quote = *market::quote_of(order.request, order.prices_max);
        order.deadline = world_.runtime.unix_now() + UnixMillis{240'000};
        order.job_id = market::make_job_id(order.client, scheduler_.signer.address(),
                                           crypto::keccak256_text("call " + std::to_string(number)));
        const JobId job_id = order.job_id;
        book_.jobs.emplace(job_id, std::move(job));
    }
    Measured measure() const {
        Measured measured;
        for (const auto& [job_id, job] : book_.jobs) {
            ++measured.sent;
            const bool is_done = job.status == ClientJob::Status::kDone;
            const bool is_refused = job.status == ClientJob::Status::kFailed && job.retry_after_ms > 0;
            if (is_done && *job.ended_at <= TimePoint{} + kBegin + kLength) ++measured.delivered;
            if (is_done)
                measured.first_token_most = std::max(measured.first_token_most, *job.first_token_at - job.send_at);
            if (!is_done && !is_refused) ++measured.others;
            if (!is_refused) continue;
            ++measured.refused;
            measured.refusal_most = std::max(measured.refusal_most, *job.ended_at - job.send_at);
            measured.retry_least_ms = std::min(measured.retry_least_ms, job.retry_after_ms);
            measured.retry_most_ms = std::max(measured.retry_most_ms, job.retry_after_ms);
        }
        return measured;
    }

    World world_{ScenarioOptions{}};
    ClientBook book_;
    sim::FakeSigner gateway_signer_{3};
    SchedulerMachine scheduler_{&world_, 1, gateway_signer_.address(), 0};
    VerifierMachine verifier_{&world_, "verifier0", 4};
    GatewayMachine gateway_{&world_, 3, &book_};
    std::array<Buyer, 4> buyers_{
        make_buyer(&world_, 50, scheduler_.signer.address()), make_buyer(&world_, 51, scheduler_.signer.address()),
        make_buyer(&world_, 52, scheduler_.signer.address()), make_buyer(&world_, 53, scheduler_.signer.address())};
    std::vector<std::unique_ptr<NodeMachine>> nodes_;
};

TEST(Overload, AtThreeTimesTheCapacityNothingIsLostButWhatIsRefused) {
    // As many as two nodes of two slots can just do.
    constexpr std::uint64_t kCapacity = 170;
    Network calm{2};
    const Measured peak = calm.offer(kCapacity);
    Network flooded{2};
    const Measured flood = flooded.offer(3 * kCapacity);

    RecordProperty("peak_delivered", static_cast<int>(peak.delivered));
    RecordProperty("flood_delivered", static_cast<int>(flood.delivered));
    RecordProperty("flood_refused", static_cast<int>(flood.refused));
    RecordProperty("first_token_most_ms", static_cast<int>(flood.first_token_most / 1ms));
    EXPECT_GE(flood.delivered * 10, peak.delivered * 9);
    EXPECT_GT(flood.refused, kCapacity);
    EXPECT_EQ(flood.others, 0U);
    // The line's bound, which is an estimate, and what a client's tick and the way to the node take.
    EXPECT_LE(flood.first_token_most, 2 * kLineMax);
    // At once, but for the few that were let in by too good an estimate.
    EXPECT_LE(flood.refusal_most, kLineMax + 1s);
    EXPECT_GE(flood.retry_least_ms, 100U);
    EXPECT_LE(flood.retry_most_ms, 60'000U);
}

}  // namespace
}  // namespace vcity::scenarios
