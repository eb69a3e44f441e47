// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/chain.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "crypto/keccak.hpp"

namespace vcity::sim {
namespace {

constexpr std::uint64_t kWhole = 1000;
constexpr std::chrono::milliseconds kPoll{200};
constexpr std::chrono::seconds kInclusionPatience{30};

Hash hash_of(std::string_view what, std::uint64_t a, std::uint64_t b) {
    return crypto::keccak256_text(std::string{what} + std::to_string(a) + "/" + std::to_string(b));
}

}  // namespace

class FakeChain::Reader final : public ports::ChainReader {
  public:
    Reader(FakeChain* chain, Runtime* runtime) : chain_{chain}, runtime_{runtime} {}

    Task<Result<ChainHead>> head() override {
        CO_TRY_OK(co_await call());
        const Block& block = chain_->block_for_reading();
        co_return ChainHead{block.number, block.hash, block.timestamp};
    }
    Task<Result<std::optional<ChainHead>>> first_block_after(UnixMillis time) override {
        CO_TRY_OK(co_await call());
        constexpr std::uint64_t kMillis = 1000;
        const std::uint64_t newest = chain_->block_for_reading().number;
        for (const ChainHead& head : chain_->heads_) {
            if (head.number <= newest && head.timestamp > time.count() / kMillis) co_return std::optional{head};
        }
        co_return std::optional<ChainHead>{};
    }
    Task<Result<std::optional<NodeRecord>>> node(Address identity) override {
        CO_TRY_OK(co_await call());
        co_return chain_->block_for_reading().ledger.node(identity);
    }
    Task<Result<CapState>> cap(CapId cap_id) override {
        CO_TRY_OK(co_await call());
        const LedgerCap* known = chain_->block_for_reading().ledger.cap(cap_id);
        CapState state;
        if (known != nullptr) {
            state.open = known->is_open;
            state.client = known->cap.client;
            state.scheduler = known->cap.scheduler;
            state.limit = known->cap.limit;
            state.spent = known->spent;
            state.expiry_unix_seconds = known->cap.expiry_unix_seconds;
        }
        co_return state;
    }
    Task<Result<std::uint64_t>> next_batch_index(Address scheduler) override {
        CO_TRY_OK(co_await call());
        co_return chain_->block_for_reading().ledger.next_index(scheduler);
    }
    Task<Result<std::optional<PostedBatch>>> batch(Address scheduler, std::uint64_t index) override {
        CO_TRY_OK(co_await call());
        const Block& block = chain_->block_for_reading();
        const auto& batches = block.ledger.batches(scheduler);
        if (index >= batches.size()) co_return std::optional<PostedBatch>{};
        PostedBatch posted;
        posted.receipts_root = batches[index].header.receipts_root;
        posted.earnings_root = batches[index].header.earnings_root;
        posted.posted_at = batches[index].posted_at;
        posted.is_final = block.ledger.is_final(batches[index], block.timestamp);
        co_return posted;
    }
    Task<Result<Usd>> claimed(Address scheduler, Address node) override {
        CO_TRY_OK(co_await call());
        co_return chain_->block_for_reading().ledger.claimed(scheduler, node);
    }
    Task<Result<Usd>> stable_balance(Address account) override {
        CO_TRY_OK(co_await call());
        co_return chain_->block_for_reading().ledger.balance(account);
    }
    Task<Result<Vcai>> vcai_balance(Address account) override {
        CO_TRY_OK(co_await call());
        co_return chain_->block_for_reading().ledger.vcai_balance(account);
    }
    Task<Result<std::uint32_t>> network_fee_bps() override {
        CO_TRY_OK(co_await call());
        co_return chain_->block_for_reading().ledger.params().fee_bps;
    }
    Task<Result<Usd>> escrow_available(Address client) override {
        CO_TRY_OK(co_await call());
        co_return chain_->block_for_reading().ledger.available(client);
    }

  private:
    Task<Result<void>> call() {
        const ChainFaults& rates = chain_->faults;
        co_await runtime_->sleep_until(runtime_->now() +
                                       chain_->world_->draw_between(rates.latency_min, rates.latency_max));
        if (!chain_->world_->chance(rates.failures_per_mille, kWhole)) co_return Result<void>{};
        if (chain_->world_->chance(1, 2)) co_return make_error(Errc::kTimeout, "the RPC server did not answer");
        co_return make_error(Errc::kUnavailable, "the RPC server cannot be reached");
    }

    FakeChain* chain_;
    Runtime* runtime_;
};

class FakeChain::Writer final : public ports::ChainWriter {
  public:
    Writer(FakeChain* chain, Runtime* runtime, const Address& account)
        : chain_{chain}, runtime_{runtime}, account_{account} {}

    Address account() const override { return account_; }
    Task<Result<Hash>> register_node(NodeRecord node) override {
        return send([node, sender = account_](Ledger* ledger, std::uint64_t /*now*/) {
            return ledger->register_node(sender, node);
        });
    }
    Task<Result<Hash>> deposit(Address client, Usd amount) override {
        return send([client, amount, sender = account_](Ledger* ledger, std::uint64_t /*now*/) {
            return ledger->deposit(sender, client, amount);
        });
    }
    Task<Result<Hash>> open_cap(SignedCap cap) override {
        return send([cap](Ledger* ledger, std::uint64_t now) { return ledger->open_cap(cap, now); });
    }
    Task<Result<Hash>> post_batch(BatchHeader header, std::vector<Charge> charges) override {
        return send([header, charges, sender = account_](Ledger* ledger, std::uint64_t now) {
            return ledger->post_batch(sender, header, charges, now);
        });
    }
    Task<Result<Hash>> claim(Address scheduler,
                             std::uint64_t index,
                             Earning earning,
                             std::vector<Hash> proof) override {
        return send(
            [=](Ledger* ledger, std::uint64_t now) { return ledger->claim(scheduler, index, earning, proof, now); });
    }

  private:
    Task<Result<Hash>> send(Call call) {
        const ChainFaults& rates = chain_->faults;
        SimRuntime* world = chain_->world_;
        co_await runtime_->sleep_until(runtime_->now() + world->draw_between(rates.latency_min, rates.latency_max));
        const bool fails = world->chance(rates.failures_per_mille, kWhole);
        if (fails && world->chance(1, 2)) co_return make_error(Errc::kUnavailable, "the RPC server cannot be reached");
        const std::shared_ptr<Transaction> sent = chain_->submit(std::move(call));
        const TimePoint give_up = runtime_->now() + kInclusionPatience;
        if (fails) {
            co_await runtime_->sleep_until(runtime_->now() + kPoll);
            co_return make_error(Errc::kTimeout, "the RPC server did not answer");
        }
        while (sent->status == Status::kPending && runtime_->now() < give_up) {
            co_await runtime_->sleep_until(runtime_->now() + kPoll);
        }
        switch (sent->status) {
            case Status::kDone: co_return sent->hash;
            case Status::kReverted: co_return make_error(Errc::kConflict, sent->reason);
            case Status::kPending:
            case Status::kLost: break;
        }
        co_return make_error(Errc::kTimeout, "the transaction was not mined in time");
    }

    FakeChain* chain_;
    Runtime* runtime_;
    Address account_;
};

FakeChain::FakeChain(SimRuntime* world, LedgerParams params) : world_{world} {
    blocks_.push_back(Block{1, hash_of("block", 1, 0), 0, {}, Ledger{std::move(params)}});
    blocks_.back().timestamp = unix_seconds();
    heads_.push_back(ChainHead{1, blocks_.back().hash, blocks_.back().timestamp});
}

void FakeChain::at_genesis(const Call& call) {
    CHECK(blocks_.size() == 1);
    const Result<void> done = call(&blocks_.back().ledger, unix_seconds());
    CHECK(done.has_value());
    ++version_;
}

void FakeChain::start() {
    is_running_ = true;
    mine_later();
}

void FakeChain::mine_later() {
    world_->call_at(world_->now() + faults.block_time, [this] {
        if (!is_running_) return;
        mine();
        mine_later();
    });
}

std::uint64_t FakeChain::unix_seconds() const {
    constexpr std::uint64_t kMillis = 1000;
    return world_->unix_now().count() / kMillis;
}

const FakeChain::Block& FakeChain::block_for_reading() {
    const bool is_stale = blocks_.size() > 1 && world_->chance(faults.stale_reads_per_mille, kWhole);
    return is_stale ? blocks_[blocks_.size() - 2] : blocks_.back();
}

std::shared_ptr<FakeChain::Transaction> FakeChain::submit(Call call) {
    auto sent = std::make_shared<Transaction>();
    sent->hash = hash_of("transaction", ++transactions_, 0);
    sent->call = std::move(call);
    mempool_.push_back(sent);
    return sent;
}

void FakeChain::mine() {
    Block block{blocks_.back().number + 1, {}, 0, {}, blocks_.back().ledger};
    block.hash = hash_of("block", block.number, forks_);
    block.timestamp = std::max(unix_seconds(), blocks_.back().timestamp);
    std::vector<std::shared_ptr<Transaction>> left;
    for (auto& transaction : std::exchange(mempool_, {})) {
        if (world_->chance(faults.late_per_mille, kWhole)) {
            left.push_back(std::move(transaction));
            continue;
        }
        const Result<void> done = transaction->call(&block.ledger, block.timestamp);
        transaction->status = done ? Status::kDone : Status::kReverted;
        if (!done) transaction->reason = done.error().message;
        block.transactions.push_back(std::move(transaction));
    }
    mempool_ = std::move(left);
    heads_.push_back(ChainHead{block.number, block.hash, block.timestamp});
    blocks_.push_back(std::move(block));
    if (blocks_.size() > kReorgDepthMax + 2) blocks_.pop_front();
    ++version_;
}

void FakeChain::reorganise(std::uint64_t depth) {
    constexpr std::uint64_t kLostOneIn = 6;
    ++forks_;
    std::vector<std::shared_ptr<Transaction>> again;
    for (std::uint64_t taken = 0; taken < depth && blocks_.size() > 1; ++taken) {
        for (auto& transaction : blocks_.back().transactions) {
            transaction->status = Status::kPending;
            again.push_back(std::move(transaction));
        }
        blocks_.pop_back();
        heads_.pop_back();
    }
    for (auto& transaction : again) {
        if (world_->chance(1, kLostOneIn)) {
            transaction->status = Status::kLost;
        } else {
            const auto place = static_cast<std::ptrdiff_t>(world_->draw(mempool_.size() + 1));
            mempool_.insert(mempool_.begin() + place, std::move(transaction));
        }
    }
    mine();
}

std::unique_ptr<ports::ChainReader> FakeChain::reader(Runtime* runtime) {
    return std::make_unique<Reader>(this, runtime);
}

std::unique_ptr<ports::ChainWriter> FakeChain::writer(Runtime* runtime, Address account) {
    return std::make_unique<Writer>(this, runtime, account);
}

}  // namespace vcity::sim
