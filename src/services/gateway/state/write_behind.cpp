// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/state/write_behind.hpp"

#include <chrono>
#include <utility>

namespace vcity::gateway {
namespace {

constexpr std::size_t kPendingMax = 20'000;
constexpr Duration kInterval = std::chrono::milliseconds{100};
constexpr Duration kIdle = std::chrono::hours{1};

}  // namespace

void WriteBehind::add(std::string key, std::optional<std::string> value) {
    if (pending_.size() >= kPendingMax && !pending_.contains(key)) return;
    pending_[std::move(key)] = std::move(value);
    if (pending_.size() == kPendingMax) log_.warn("write_behind_full");
    wake_.notify();
}

void WriteBehind::put(std::string key, std::string value) {
    add(std::move(key), std::move(value));
}

void WriteBehind::erase(std::string key) {
    add(std::move(key), std::nullopt);
}

Task<Result<std::optional<std::string>>> WriteBehind::get(std::string key) {
    for (const Pending* pending : {&pending_, &writing_}) {
        const auto found = pending->find(key);
        if (found != pending->end()) co_return found->second;
    }
    CO_TRY(const std::optional<Bytes> stored, co_await store_->get(std::move(key)));
    if (!stored) co_return std::optional<std::string>{};
    co_return std::optional<std::string>{std::in_place, stored->begin(), stored->end()};
}

Task<void> WriteBehind::flush() {
    writing_ = std::exchange(pending_, {});
    ports::StoreChange change;
    for (const auto& [key, value] : writing_) {
        if (value) {
            change.puts.push_back({key, Bytes(value->begin(), value->end())});
        } else {
            change.deletes.push_back(key);
        }
    }
    const Result<void> written = co_await store_->commit(std::move(change));
    if (!written) {
        log_.warn("write_behind_failed", {{"reason", written.error().message}});
        // What was set again meanwhile is newer.
        pending_.merge(writing_);
    }
    writing_.clear();
}

Task<void> WriteBehind::run() {
    while (!stopping_) {
        if (pending_.empty()) {
            (void)co_await wake_.wait_until(runtime_->now() + kIdle);
        }
        if (!stopping_) {
            co_await runtime_->sleep_until(runtime_->now() + kInterval);
        }
        if (!pending_.empty()) {
            co_await flush();
        }
    }
}

void WriteBehind::stop() {
    stopping_ = true;
    wake_.notify();
}

}  // namespace vcity::gateway
