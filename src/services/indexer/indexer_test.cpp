// SPDX-License-Identifier: Apache-2.0
#include "services/indexer/indexer.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "base/check.hpp"
#include "services/indexer/api.hpp"
#include "services/indexer/queries.hpp"
#include "sim/runtime.hpp"

namespace vcity::indexer {
namespace {

using namespace std::chrono_literals;

class MemoryStore final : public ports::Store {
  public:
    Task<Result<void>> commit(ports::StoreChange change) override {
        if (commits_left == 0) co_return make_error(Errc::kUnavailable, "the disk is gone");
        --commits_left;
        for (const auto& [key, value] : change.expectations) {
            const auto found = entries.find(key);
            const bool holds = found == entries.end() ? !value : value && *value == found->second;
            if (!holds) co_return make_error(Errc::kConflict, "expectation");
        }
        for (auto& entry : change.puts) entries[entry.key] = std::move(entry.value);
        for (const auto& key : change.deletes) entries.erase(key);
        co_return Result<void>{};
    }
    Task<Result<std::optional<Bytes>>> get(std::string key) override {
        const auto found = entries.find(key);
        if (found == entries.end()) co_return std::optional<Bytes>{};
        co_return std::optional<Bytes>{found->second};
    }
    Task<Result<std::vector<ports::StoreEntry>>> scan(std::string prefix,
                                                      std::string after,
                                                      std::size_t limit) override {
        std::vector<ports::StoreEntry> page;
        for (auto entry = entries.lower_bound(std::max(prefix, after)); entry != entries.end(); ++entry) {
            if (!entry->first.starts_with(prefix) || page.size() >= limit) break;
            if (entry->first > after) page.push_back({entry->first, entry->second});
        }
        co_return page;
    }

    // What the read model says, without how it got there.
    std::map<std::string, Bytes> content() const {
        std::map<std::string, Bytes> rest = entries;
        std::erase_if(
            rest, [](const auto& entry) { return entry.first.starts_with(kUndoPrefix) || entry.first == kHeadKey; });
        return rest;
    }

    std::map<std::string, Bytes> entries;
    std::uint64_t commits_left = UINT64_MAX;
};

// A small economy on a chain that can be reorganised: every branch is consistent in itself.
class FakeChain final : public ports::ChainEvents {
  public:
    explicit FakeChain(std::uint64_t seed) : random_{seed} {
        blocks_.emplace_back();
        blocks_.back().hash.bytes.fill(0x9e);
    }

    Task<Result<ChainHead>> head() override {
        ChainHead head;
        head.number = blocks_.size() - 1;
        head.hash = blocks_.back().hash;
        co_return head;
    }
    Task<Result<std::optional<Hash>>> block_hash(std::uint64_t number) override {
        if (reorganise_after > 0) {
            --reorganise_after;
            if (reorganise_after == 0) reorganise(3);
        }
        if (number >= blocks_.size()) co_return std::optional<Hash>{};
        co_return std::optional<Hash>{blocks_[number].hash};
    }
    Task<Result<std::vector<ChainEvent>>> events(std::uint64_t from, std::uint64_t to) override {
        std::vector<ChainEvent> all;
        for (std::uint64_t number = from; number <= to && number < blocks_.size(); ++number) {
            all.insert(all.end(), blocks_[number].events.begin(), blocks_[number].events.end());
        }
        co_return all;
    }

    void mine(std::size_t count) {
        for (std::size_t mined = 0; mined < count; ++mined) mine_one();
    }
    void reorganise(std::size_t depth) {
        const std::size_t kept = blocks_.size() > depth ? blocks_.size() - depth : 1;
        const std::size_t dropped = blocks_.size() - kept;
        blocks_.resize(kept);
        mine(dropped + 1);
    }
    std::size_t height() const { return blocks_.size() - 1; }

    std::uint64_t reorganise_after = 0;  // calls of block_hash from now

  private:
    struct Money {
        std::uint64_t available = 0;
        std::uint64_t locked = 0;
        std::uint64_t pool = 0;
        std::uint64_t prepaid = 0;
        std::uint64_t caps = 0;
        std::uint64_t batches = 0;
    };
    struct Block {
        Hash hash;
        Money money;
        std::vector<ChainEvent> events;
    };

    std::uint64_t draw(std::uint64_t most) { return most == 0 ? 0 : random_() % most; }

    template <class Event>
    void emit(Block* block, Event what) {
        ChainEvent event;
        event.block_number = blocks_.size();
        event.block_hash = block->hash;
        event.log_index = static_cast<std::uint32_t>(block->events.size());
        event.what = std::move(what);
        block->events.push_back(std::move(event));
    }

    static CapId cap_of(std::uint64_t number) {
        CapId cap;
        cap.bytes[0] = static_cast<std::uint8_t>(number);
        cap.bytes[1] = static_cast<std::uint8_t>(number >> 8U);
        cap.bytes[31] = 1;
        return cap;
    }

    void mine_one() {
        Block block;
        block.money = blocks_.back().money;
        for (auto& byte : block.hash.bytes) byte = static_cast<std::uint8_t>(random_());
        for (std::uint64_t left = draw(4); left > 0; --left) act(&block);
        blocks_.push_back(std::move(block));
    }

    void act(Block* block) {
        Money& money = block->money;
        Address client;
        client.bytes.fill(0xc1);
        Address node;
        node.bytes.fill(0x01);
        Address scheduler;
        scheduler.bytes.fill(0x5c);
        switch (draw(9)) {
            case 0: {
                const std::uint64_t amount = 1'000 + draw(1'000'000);
                money.available += amount;
                return emit(block, Deposited{client, Usd{amount}});
            }
            case 1: {
                const std::uint64_t limit = draw(money.available + 1);
                money.available -= limit;
                money.locked += limit;
                return emit(block, CapOpened{cap_of(money.caps++), {client, scheduler, Usd{limit}, 1, 1}});
            }
            case 2: return settle(block, scheduler);
            case 3: {
                const std::uint64_t amount = draw(money.pool + 1);
                money.pool -= amount;
                return emit(block, Claimed{scheduler, node, Usd{amount}, Usd{amount}});
            }
            case 4: {
                const std::uint64_t amount = draw(money.available + 1);
                money.available -= amount;
                return emit(block, Withdrawn{client, Usd{amount}});
            }
            case 5: {
                const std::uint64_t share = draw(money.pool + 1);
                const std::uint64_t credit = share + draw(100);
                money.pool -= share;
                money.available += credit;
                emit(block, ReceiptVoided{scheduler, 0, Hash{}, Usd{credit}, Usd{share}});
                return emit(block, Credited{client, Usd{credit}});
            }
            case 6: {
                const std::uint64_t amount = draw(money.available + 1);
                money.available -= amount;
                money.prepaid += amount;
                return emit(block, Prepaid{client, node, Usd{amount}});
            }
            case 7: {
                const std::uint64_t amount = draw(money.prepaid + 1);
                money.prepaid -= amount;
                money.available += amount;
                emit(block, PrepaymentReturned{Hash{}, client, Usd{amount}});
                return emit(block, Credited{client, Usd{amount}});
            }
            default: {
                NodeRegistered registered;
                registered.node.identity = node;
                registered.node.stake = Vcai{draw(1'000)};
                return emit(block, std::move(registered));
            }
        }
    }

    // A fresh cap, charged in full or in part by one batch, the rest released.
    void settle(Block* block, const Address& scheduler) {
        Money& money = block->money;
        Address client;
        client.bytes.fill(0xc1);
        const std::uint64_t limit = draw(money.available + 1);
        const std::uint64_t charged = draw(limit + 1);
        const std::uint64_t fee = charged / 20;
        const CapId cap = cap_of(money.caps++);
        emit(block, CapOpened{cap, {client, scheduler, Usd{limit}, 1, 1}});
        emit(block, Charged{scheduler, money.batches, {cap, Usd{charged}}});
        BatchPosted posted;
        posted.scheduler = scheduler;
        posted.header.index = money.batches++;
        posted.header.total_earned = Usd{charged - fee};
        posted.header.receipt_count = 1;
        posted.total_charged = Usd{charged};
        posted.fee = Usd{fee};
        emit(block, posted);
        emit(block, CapReleased{cap, Usd{limit - charged}});
        money.available -= charged;
        money.pool += charged - fee;
    }

    std::mt19937_64 random_;
    std::vector<Block> blocks_;
};

struct World {
    explicit World(std::uint64_t seed, IndexerOptions options = {}) : chain{seed} {
        Deployment deployment;
        deployment.block = 1;
        indexer = std::make_unique<Indexer>(IndexerDeps{.runtime = &runtime,
                                                        .events = &chain,
                                                        .store = &store,
                                                        .metrics = &null_metrics(),
                                                        .log = Log{nullptr, "indexer"},
                                                        .deployment = deployment},
                                            options);
    }

    template <class T>
    T run(Task<T> task) {
        std::optional<T> result;
        runtime.spawn(keep(std::move(task), &result));
        runtime.run(1'000'000);
        CHECK(result.has_value());
        return *std::move(result);
    }
    template <class T>
    static Task<void> keep(Task<T> task, std::optional<T>* result) {
        T value = co_await std::move(task);
        result->emplace(std::move(value));
    }
    // Steps until there is nothing to do; checks the sum of all money after each.
    void catch_up() {
        for (int steps = 0; steps < 10'000; ++steps) {
            const auto progress = run(indexer->step());
            ASSERT_TRUE(progress.has_value()) << progress.error().message;
            const auto sums = run(conservation(&store));
            ASSERT_TRUE(sums->holds());
            if (*progress == Indexer::Progress::kUpToDate) return;
        }
        FAIL() << "the indexer never catches up";
    }

    sim::SimRuntime runtime{1};
    MemoryStore store;
    FakeChain chain;
    std::unique_ptr<Indexer> indexer;
};

// What a new indexer makes of the chain as it is now.
std::map<std::string, Bytes> fresh_content(FakeChain* chain) {
    World fresh{0};
    fresh.chain = *chain;
    fresh.catch_up();
    return fresh.store.content();
}

TEST(Indexer, FollowsTheChain) {
    World world{3};
    world.chain.mine(60);

    world.catch_up();

    const auto sums = world.run(conservation(&world.store));
    EXPECT_GT(sums->deposited.micro, 0U);
    EXPECT_GT(sums->fees.micro, 0U);
    EXPECT_TRUE(sums->holds());
}

TEST(Indexer, AnyHistoryOfReorganisationsGivesTheModelOfTheFinalChain) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        IndexerOptions options;
        options.blocks_per_step = 1 + seed % 7;
        options.undo_steps_max = seed % 3 == 0 ? 2 : 64;
        World world{seed, options};
        std::mt19937_64 random{seed};
        for (int round = 0; round < 4; ++round) {
            world.chain.mine(1 + random() % 6);
            if (random() % 2 == 0) world.chain.reorganise(1 + random() % 12);
            if (random() % 3 == 0) world.chain.reorganise_after = 1 + random() % 5;
            world.catch_up();
        }
        ASSERT_TRUE(world.store.content() == fresh_content(&world.chain)) << "seed " << seed;
    }
}

TEST(Indexer, ACrashInAnyStepLosesNothing) {
    for (std::uint64_t commits = 0; commits < 8; ++commits) {
        IndexerOptions options;
        options.blocks_per_step = 3;
        options.undo_steps_max = 2;
        World world{9, options};
        world.chain.mine(9);
        world.catch_up();
        world.chain.reorganise(8);
        world.store.commits_left = commits;
        for (int tries = 0; tries < 15; ++tries) (void)world.run(world.indexer->step());
        world.store.commits_left = UINT64_MAX;
        world.catch_up();
        ASSERT_TRUE(world.store.content() == fresh_content(&world.chain)) << commits << " commits";
    }
}

TEST(Indexer, RefusesEventsThatContradictEachOther) {
    World world{1};
    ChainEvent event;
    event.what = Charged{Address{}, 0, {CapId{}, Usd{1}}};

    class LyingChain final : public ports::ChainEvents {
      public:
        Task<Result<ChainHead>> head() override {
            ChainHead head;
            head.number = 1;
            co_return head;
        }
        Task<Result<std::optional<Hash>>> block_hash(std::uint64_t) override { co_return std::optional<Hash>{Hash{}}; }
        Task<Result<std::vector<ChainEvent>>> events(std::uint64_t, std::uint64_t) override { co_return lie; }
        std::vector<ChainEvent> lie;
    };
    LyingChain chain;
    event.block_number = 1;
    chain.lie = {event};
    Deployment deployment;
    deployment.block = 1;
    Indexer indexer{{.runtime = &world.runtime,
                     .events = &chain,
                     .store = &world.store,
                     .metrics = &null_metrics(),
                     .log = Log{nullptr, "indexer"},
                     .deployment = deployment},
                    {}};

    const auto progress = world.run(indexer.step());
    ASSERT_FALSE(progress.has_value());
    EXPECT_EQ(progress.error().code, Errc::kCorrupt);
    EXPECT_TRUE(world.store.entries.empty());
    chain.lie[0].block_number = 7;
    EXPECT_EQ(world.run(indexer.step()).error().code, Errc::kCorrupt);
}

class RecordingResponder final : public ports::HttpResponder {
  public:
    Task<Result<void>> respond(ports::HttpResponse answer) override {
        response = std::move(answer);
        co_return Result<void>{};
    }
    Task<Result<void>> start(ports::HttpResponse) override { co_return Result<void>{}; }
    Task<Result<void>> write(std::string) override { co_return Result<void>{}; }
    Task<Result<void>> finish() override { co_return Result<void>{}; }
    bool is_connected() const override { return true; }

    ports::HttpResponse response;
};

class ApiTest : public ::testing::Test {
  public:
    ApiTest() {
        world.chain.mine(30);
        world.catch_up();
    }
    ports::HttpResponse get(std::string target, std::string method = "GET") {
        ports::HttpRequest request;
        request.method = std::move(method);
        request.target = std::move(target);
        RecordingResponder responder;
        world.runtime.spawn(api.handle(std::move(request), &responder));
        world.runtime.run(100'000);
        return responder.response;
    }
    codec::Json json(const std::string& target) {
        Result<codec::Json> parsed = codec::parse_json(get(target).body);
        EXPECT_TRUE(parsed.has_value()) << target;
        return parsed ? *std::move(parsed) : codec::Json{};
    }

    World world{5};
    IndexerApi api{&world.store, Log{nullptr, "api"}};
};

TEST_F(ApiTest, TellsTotalsAndTheirSum) {
    const codec::Json totals = json("/api/v1/totals");

    EXPECT_EQ(number_of(totals, "block"), 30U);
    EXPECT_TRUE(*totals.find("conservation")->find("holds")->get_bool());
    EXPECT_EQ(*totals.find("conservation")->find("came_in"), *totals.find("conservation")->find("accounted_for"));
}

TEST_F(ApiTest, PagesThroughAllEventsNewestFirst) {
    std::vector<std::uint64_t> blocks;
    std::string cursor;
    do {
        const codec::Json page = json("/api/v1/events?limit=7" + (cursor.empty() ? "" : "&cursor=" + cursor));
        for (const codec::Json& event : *page.find("data")->get_array()) blocks.push_back(number_of(event, "block"));
        const std::string* next = page.find("next_cursor")->get_string();
        cursor = next == nullptr ? "" : *next;
    } while (!cursor.empty());

    EXPECT_TRUE(std::ranges::is_sorted(blocks, std::ranges::greater{}));
    const codec::Json all = json("/api/v1/events?limit=1000");
    EXPECT_EQ(blocks.size(), all.find("data")->get_array()->size());
}

TEST_F(ApiTest, ShowsAccountsCapsNodesAndBatches) {
    const codec::Json account = json("/api/v1/accounts/0xC1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1");
    EXPECT_GT(number_of(account, "deposited"), 0U);
    EXPECT_FALSE(json("/api/v1/nodes").find("data")->get_array()->empty());
    const codec::Json batches = json("/api/v1/batches");
    EXPECT_GT(number_of(batches.find("data")->get_array()->front(), "block"), 0U);
}

TEST_F(ApiTest, RefusesWithProblems) {
    EXPECT_EQ(get("/api/v1/accounts/0x1234").status, 400U);
    EXPECT_EQ(get("/api/v1/accounts/0x" + std::string(40, '0')).status, 404U);
    EXPECT_EQ(get("/api/v1/events?limit=0").status, 400U);
    EXPECT_EQ(get("/api/v1/events?cursor=xyz").status, 400U);
    EXPECT_EQ(get("/api/v1/nothing").status, 404U);
    EXPECT_EQ(get("/api/v1/nodes", "POST").status, 405U);
    EXPECT_EQ(get("/api/v1/nothing").headers.get("content-type"), "application/problem+json");
}

}  // namespace
}  // namespace vcity::indexer
