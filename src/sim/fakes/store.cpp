// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/store.hpp"

#include <algorithm>
#include <string_view>

namespace vcity::sim {
namespace {

constexpr std::size_t kKeyMax = 256;
constexpr std::size_t kValueMax = 16U << 20U;

bool starts_with(std::string_view text, std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
}

// std::string compares as unsigned bytes, as the port wants.
Result<void> check_bounds(const ports::StoreChange& change) {
    for (const ports::StoreEntry& entry : change.puts) {
        if (entry.key.empty() || entry.key.size() > kKeyMax) return make_error(Errc::kInvalid, "key out of bounds");
        if (entry.value.size() > kValueMax) return make_error(Errc::kInvalid, "value out of bounds");
    }
    return {};
}

}  // namespace

void FakeDisk::crash() {
    if (faults.lies_about.empty()) return;
    while (!unsynced_.empty()) {
        Unsynced& last = unsynced_.back();
        const bool is_lost = starts_with(last.key, faults.lies_about) && world_->now() - last.when < faults.lie_window;
        if (is_lost && last.before) entries_[last.key] = *last.before;
        if (is_lost && !last.before) entries_.erase(last.key);
        unsynced_.pop_back();
    }
    ++version_;
}

std::optional<Bytes> FakeDisk::find(const std::string& key) const {
    const auto found = entries_.find(key);
    return found == entries_.end() ? std::nullopt : std::optional{found->second};
}

void FakeDisk::remember(const std::string& key) {
    constexpr std::size_t kUnsyncedMax = 4096;
    if (faults.lies_about.empty()) return;
    unsynced_.push_back(Unsynced{world_->now(), key, find(key)});
    if (unsynced_.size() > kUnsyncedMax) unsynced_.pop_front();
}

Result<void> FakeDisk::check(const ports::StoreChange& change) const {
    for (const auto& expectation : change.expectations) {
        if (find(expectation.key) != expectation.value) {
            return make_error(Errc::kConflict, "\"" + expectation.key + "\" is not as expected");
        }
    }
    return {};
}

std::vector<ports::StoreEntry> FakeDisk::scan(const std::string& prefix,
                                              const std::string& after,
                                              std::size_t limit) const {
    std::vector<ports::StoreEntry> found;
    auto entry = entries_.lower_bound(prefix);
    if (after >= prefix) entry = entries_.upper_bound(after);
    for (; entry != entries_.end() && found.size() < limit; ++entry) {
        if (!starts_with(entry->first, prefix)) break;
        found.push_back({entry->first, entry->second});
    }
    return found;
}

Result<void> FakeDisk::apply(const ports::StoreChange& change) {
    TRY_OK(check(change));
    for (const std::string& key : change.deletes) {
        remember(key);
        entries_.erase(key);
    }
    for (const ports::StoreEntry& entry : change.puts) {
        remember(entry.key);
        entries_[entry.key] = entry.value;
    }
    ++version_;
    return {};
}

Task<void> FakeStore::wait() {
    const Duration latency = disk_->world_->draw_between(disk_->faults.latency_min, disk_->faults.latency_max);
    co_await runtime_->sleep_until(runtime_->now() + latency);
}

std::optional<Error> FakeStore::draw_failure() {
    constexpr std::uint64_t kWhole = 1000;
    if (!disk_->world_->chance(disk_->faults.failures_per_mille, kWhole)) return std::nullopt;
    if (disk_->world_->chance(1, 2)) return make_error(Errc::kUnavailable, "the disk is busy");
    return make_error(Errc::kTimeout, "the disk did not answer");
}

// A crash in the first wait loses the change, one in the second keeps it although nobody was told.
Task<Result<void>> FakeStore::commit(ports::StoreChange change) {
    CO_TRY_OK(check_bounds(change));
    const std::optional<Error> failure = draw_failure();
    const bool has_effect = !failure || disk_->world_->chance(1, 2);
    co_await wait();
    if (has_effect) {
        CO_TRY_OK(disk_->apply(change));
    }
    co_await wait();
    if (failure) co_return *failure;
    co_return Result<void>{};
}

Task<Result<std::optional<Bytes>>> FakeStore::get(std::string key) {
    const std::optional<Error> failure = draw_failure();
    if (disk_->world_->chance(1, 2)) {
        co_await wait();
    }
    if (failure) co_return *failure;
    co_return disk_->find(key);
}

Task<Result<std::vector<ports::StoreEntry>>> FakeStore::scan(std::string prefix, std::string after, std::size_t limit) {
    const std::optional<Error> failure = draw_failure();
    co_await wait();
    if (failure) co_return *failure;
    co_return disk_->scan(prefix, after, limit);
}

}  // namespace vcity::sim
