// SPDX-License-Identifier: Apache-2.0
#include "services/indexer/indexer.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/core.h>

#include "codec/hex.hpp"
#include "services/indexer/apply.hpp"
#include "services/indexer/contract_events.hpp"

namespace vcity::indexer {
namespace {

constexpr std::string_view kEverything = "index/";
constexpr std::size_t kDeletesPerCommit = 500;

std::string undo_key(std::uint64_t step) {
    return fmt::format("{}{:016x}", kUndoPrefix, step);
}

// What an RPC server could get wrong without breaking the protocol.
template <class Event>
Result<void> check_events(const std::vector<Event>& events, std::uint64_t from, std::uint64_t to, Hash to_hash) {
    for (std::size_t index = 0; index < events.size(); ++index) {
        const Event& event = events[index];
        if (event.block_number < from || event.block_number > to) {
            return make_error(Errc::kCorrupt, "the chain gave an event outside the range");
        }
        if (event.block_number == to && event.block_hash != to_hash) {
            return make_error(Errc::kConflict, "the chain moved while its events were read");
        }
        const auto place = [](const Event& one) { return std::tie(one.block_number, one.log_index); };
        if (index > 0 && place(events[index - 1]) >= place(event)) {
            return make_error(Errc::kCorrupt, "the chain gave events out of order");
        }
    }
    return Result<void>{};
}

}  // namespace

Indexer::Indexer(IndexerDeps deps, IndexerOptions options)
    : deps_{std::move(deps)},
      options_{options},
      stopped_{deps_.runtime},
      block_{deps_.metrics->gauge("vcity_indexer_block", "Last block in the read model")},
      taken_back_{deps_.metrics->counter("vcity_indexer_steps_taken_back_total", "Steps undone by reorganisations")} {}

Task<void> Indexer::run() {
    while (!stopping_) {
        const Result<Progress> progress = co_await step();
        if (!progress) deps_.log.warn("step_failed", {{"reason", progress.error().message}});
        const bool is_busy = progress && *progress != Progress::kUpToDate;
        if (is_busy || stopping_) continue;
        (void)co_await stopped_.wait_until(deps_.runtime->now() + (progress ? options_.poll : options_.retry));
    }
}

void Indexer::stop() {
    stopping_ = true;
    stopped_.notify();
}

Task<Result<std::optional<Indexer::Position>>> Indexer::read_position() {
    const std::string key{kHeadKey};
    CO_TRY(const std::optional<Bytes> stored, co_await deps_.store->get(key));
    if (!stored) co_return std::optional<Position>{};
    CO_TRY(const codec::Json json, codec::parse_json(as_text(*stored)));
    Position position;
    position.number = number_of(json, "number");
    position.steps = number_of(json, "steps");
    position.version = number_of(json, "version");
    const codec::Json* hash = json.find("hash");
    if (hash == nullptr || !hash->is_string()) co_return make_error(Errc::kCorrupt, "the indexer's head has no hash");
    CO_TRY(position.hash, codec::parse_fixed<Hash>(*hash->get_string()));
    co_return std::optional<Position>{position};
}

Task<Result<bool>> Indexer::is_on_chain(Position position) {
    CO_TRY(const std::optional<Hash> hash, co_await deps_.events->block_hash(position.number));
    co_return hash && *hash == position.hash;
}

Task<Result<Indexer::Progress>> Indexer::step() {
    CO_TRY(const std::optional<Position> position, co_await read_position());
    if (position) {
        if (position->version != kReadModelVersion) {
            co_return co_await start_afresh();
        }
        CO_TRY(const bool still_there, co_await is_on_chain(*position));
        if (!still_there) {
            co_return co_await take_back(*position);
        }
    }
    CO_TRY(const ChainHead head, co_await deps_.events->head());
    co_return co_await advance(position, head);
}

Task<Result<Indexer::Progress>> Indexer::advance(std::optional<Position> position, ChainHead head) {
    Range range;
    range.from = position ? position->number + 1 : deps_.deployment.block;
    if (range.from > head.number) co_return Progress::kUpToDate;
    range.time = head.timestamp;
    range.to = std::min(head.number, range.from + options_.blocks_per_step - 1);
    CO_TRY(const std::optional<Hash> before, co_await deps_.events->block_hash(range.to));
    if (!before) co_return Progress::kUpToDate;
    range.to_hash = *before;
    CO_TRY(Events events, co_await read_events(range));
    // A block's hash stands for all before it: the same last block before and after means that the events are of one
    // chain, and our own block still on it means that it is ours.
    CO_TRY(const std::optional<Hash> after, co_await deps_.events->block_hash(range.to));
    if (after != before) co_return Progress::kAdvanced;
    if (position) {
        CO_TRY(const bool still_there, co_await is_on_chain(*position));
        if (!still_there) co_return Progress::kAdvanced;
    }
    CO_TRY_OK(co_await commit_step(position, range, std::move(events)));
    block_->set(static_cast<double>(range.to));
    co_return Progress::kAdvanced;
}

Task<Result<Indexer::Events>> Indexer::read_events(Range range) {
    Events events;
    CO_TRY(events.chain, co_await deps_.events->events(range.from, range.to));
    CO_TRY_OK(check_events(events.chain, range.from, range.to, range.to_hash));
    if (deps_.contract_events == nullptr) co_return events;
    CO_TRY(events.contracts, co_await deps_.contract_events->contract_events(range.from, range.to));
    CO_TRY_OK(check_events(events.contracts, range.from, range.to, range.to_hash));
    co_return events;
}

Task<Result<void>> Indexer::commit_step(std::optional<Position> position, Range range, Events events) {
    Draft draft{deps_.store};
    const std::string head_key{kHeadKey};
    CO_TRY(const codec::Json old_head, co_await draft.get(head_key));
    // The two kinds share no record but the totals, which are sums.
    for (ChainEvent& event : events.chain) {
        CO_TRY_OK(co_await apply_event(&draft, std::move(event)));
    }
    for (const ContractEvent& event : events.contracts) {
        CO_TRY_OK(co_await apply_contract_event(&draft, &event));
    }
    const std::uint64_t step = position ? position->steps + 1 : 1;
    codec::Json head = codec::JsonObject{{"number", range.to},
                                         {"hash", codec::to_hex(range.to_hash)},
                                         {"steps", step},
                                         {"time", range.time},
                                         {"version", kReadModelVersion}};
    draft.put(head_key, std::move(head));
    ports::StoreChange change = draft.changes();
    change.puts.push_back(to_entry(undo_key(step), draft.undo()));
    if (step > options_.undo_steps_max) change.deletes.push_back(undo_key(step - options_.undo_steps_max));
    // Whoever else moved the head did the same step, so this one must not count twice.
    ports::StoreChange::Expectation expected{.key = head_key, .value = std::nullopt};
    if (!old_head.is_null()) expected.value = to_entry(head_key, old_head).value;
    change.expectations.push_back(std::move(expected));
    co_return co_await deps_.store->commit(std::move(change));
}

Task<Result<Indexer::Progress>> Indexer::take_back(Position position) {
    CO_TRY(const std::optional<Bytes> stored, co_await deps_.store->get(undo_key(position.steps)));
    if (!stored) {
        co_return co_await start_afresh();
    }
    CO_TRY(const codec::Json undo, codec::parse_json(as_text(*stored)));
    CO_TRY(ports::StoreChange change, change_from_undo(undo));
    change.deletes.push_back(undo_key(position.steps));
    CO_TRY_OK(co_await deps_.store->commit(std::move(change)));
    taken_back_->increment();
    deps_.log.info("step_taken_back", {{"block", position.number}, {"step", position.steps}});
    co_return Progress::kTookBack;
}

// The head goes last, and until then names a block that no chain has: a crash in between is continued, not mistaken for
// a whole read model.
Task<Result<Indexer::Progress>> Indexer::start_afresh() {
    deps_.log.warn("read_model_starts_afresh");
    ports::StoreChange first;
    first.puts.push_back(to_entry(std::string{kHeadKey}, codec::JsonObject{{"hash", codec::to_hex(Hash{})}}));
    CO_TRY_OK(co_await deps_.store->commit(std::move(first)));
    const std::string prefix{kEverything};
    std::string after;
    while (true) {
        CO_TRY(const std::vector<ports::StoreEntry> page, co_await deps_.store->scan(prefix, after, kDeletesPerCommit));
        if (page.empty()) break;
        ports::StoreChange change;
        for (const ports::StoreEntry& entry : page) {
            if (entry.key != kHeadKey) change.deletes.push_back(entry.key);
        }
        after = page.back().key;
        CO_TRY_OK(co_await deps_.store->commit(std::move(change)));
    }
    ports::StoreChange last;
    last.deletes.emplace_back(kHeadKey);
    CO_TRY_OK(co_await deps_.store->commit(std::move(last)));
    taken_back_->increment();
    co_return Progress::kTookBack;
}

}  // namespace vcity::indexer
