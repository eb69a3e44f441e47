// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/database.hpp"

#include <algorithm>

#include "async/channel.hpp"

namespace vcity::sim {
namespace {

constexpr std::uint64_t kWhole = 1000;
constexpr std::chrono::seconds kPatience{3};  // of a client, for one call
// For so long a sender keeps retransmitting into a partition.
constexpr std::chrono::seconds kRetransmit{8};

}  // namespace

// Shared by the process that waits and the server that works for it: either may be the first to go.
struct FakeDatabase::Call {
    explicit Call(Runtime* runtime) : answered{runtime} {}

    Notifier answered;
    bool is_answered = false;
    bool is_broken = false;
    Result<void> done;
    std::optional<Bytes> value;
    std::vector<ports::StoreEntry> entries;
};

class FakeDatabase::Client final : public ports::Store {
  public:
    Client(FakeDatabase* server, Runtime* runtime, std::string name)
        : server_{server}, runtime_{runtime}, name_{std::move(name)} {}

    Task<Result<void>> commit(ports::StoreChange change) override {
        CO_TRY_OK(ports::change_bytes(change));
        const auto call = std::make_shared<Call>(runtime_);
        FakeDatabase* server = server_;
        Work work = [server, name = name_, moved = std::move(change)](Call* target) {
            target->done = server->apply(name, moved);
        };
        server_->submit(name_, call, true, std::move(work));
        CO_TRY_OK(co_await wait(call));
        co_return call->done;
    }

    Task<Result<std::optional<Bytes>>> get(std::string key) override {
        const auto call = std::make_shared<Call>(runtime_);
        FakeDisk* disk = &server_->disk_;
        Work work = [disk, wanted = std::move(key)](Call* target) { target->value = disk->find(wanted); };
        server_->submit(name_, call, false, std::move(work));
        CO_TRY_OK(co_await wait(call));
        co_return call->value;
    }

    Task<Result<std::vector<ports::StoreEntry>>> scan(std::string prefix,
                                                      std::string after,
                                                      std::size_t limit) override {
        const auto call = std::make_shared<Call>(runtime_);
        FakeDisk* disk = &server_->disk_;
        Work work = [disk, start = std::move(prefix), previous = std::move(after), limit](Call* target) {
            target->entries = disk->scan(start, previous, limit);
        };
        server_->submit(name_, call, false, std::move(work));
        CO_TRY_OK(co_await wait(call));
        co_return std::move(call->entries);
    }

  private:
    Task<Result<void>> wait(std::shared_ptr<Call> call) {
        const TimePoint deadline = runtime_->now() + kPatience;
        bool in_time = true;
        while (in_time && !call->is_answered && !call->is_broken) {
            in_time = co_await call->answered.wait_until(deadline);
        }
        if (call->is_answered) co_return Result<void>{};
        if (call->is_broken) co_return make_error(Errc::kUnavailable, "the connection to the database broke");
        co_return make_error(Errc::kTimeout, "the database did not answer");
    }

    FakeDatabase* server_;
    Runtime* runtime_;
    std::string name_;
};

std::unique_ptr<ports::Store> FakeDatabase::connect(Runtime* runtime, std::string client) {
    return std::make_unique<Client>(this, runtime, std::move(client));
}

bool FakeDatabase::is_cut(const std::string& client) const {
    const auto found = cuts_.find(client);
    return found != cuts_.end() && found->second > world_->now();
}

void FakeDatabase::submit(const std::string& client, const std::shared_ptr<Call>& call, bool is_change, Work work) {
    if (world_->chance(faults.breaks_per_mille, kWhole)) {
        world_->call_at(world_->now() + 3 * draw_latency(), [call] {
            call->is_broken = true;
            call->answered.notify();
        });
        if (world_->chance(1, 2)) return;
    }
    TimePoint arrival = world_->now() + draw_latency();
    if (is_cut(client)) {
        const TimePoint healed = cuts_.at(client);
        if (healed > world_->now() + kRetransmit || world_->chance(1, 2)) return;
        arrival = healed + draw_latency();
    }
    world_->call_at(arrival, [this, client, call, is_change, moved = std::move(work)]() mutable {
        arrive(client, call, is_change, std::move(moved));
    });
}

void FakeDatabase::arrive(const std::string& client, const std::shared_ptr<Call>& call, bool is_change, Work work) {
    Duration effort = draw_latency();
    if (is_change && world_->chance(faults.slow_per_mille, kWhole)) effort = world_->draw_between({}, faults.slow_max);
    TimePoint done = world_->now() + effort;
    if (is_change) {
        done = std::max(busy_until_, world_->now()) + effort;
        busy_until_ = done + Duration{1};
    }
    world_->call_at(done, [this, client, call, moved = std::move(work)] {
        moved(call.get());
        answer(client, call);
    });
}

void FakeDatabase::answer(const std::string& client, const std::shared_ptr<Call>& call) {
    TimePoint arrival = world_->now() + draw_latency();
    if (is_cut(client)) {
        const TimePoint healed = cuts_.at(client);
        if (healed > world_->now() + kRetransmit) return;
        arrival = healed + draw_latency();
    }
    world_->call_at(arrival, [call] {
        if (call->is_broken) return;
        call->is_answered = true;
        call->answered.notify();
    });
}

Result<void> FakeDatabase::apply(const std::string& client, ports::StoreChange change) {
    if (!faults.ignores_expectations_on.empty()) {
        std::erase_if(change.expectations,
                      [this](const auto& expectation) { return expectation.key == faults.ignores_expectations_on; });
    }
    TRY_OK(disk_.check(change));
    if (observer_) observer_(client, change);
    return disk_.apply(change);
}

}  // namespace vcity::sim
