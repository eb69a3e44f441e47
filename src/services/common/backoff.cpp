// SPDX-License-Identifier: Apache-2.0
#include "services/common/backoff.hpp"

#include <algorithm>

namespace vcity::services {

Duration Backoff::next() {
    const auto half = static_cast<std::uint64_t>(step_.count() / 2);
    const auto jitter = static_cast<std::int64_t>(runtime_->random_u64() % (half + 1));
    const Duration pause = step_ - Duration{jitter};
    step_ = std::min(step_ * 2, range_.longest);
    return pause;
}

bool is_transient(Errc code) {
    return code == Errc::kUnavailable || code == Errc::kTimeout || code == Errc::kExhausted;
}

Task<Result<void>> commit_until(Runtime* runtime, ports::Store* store, ports::StoreChange change, TimePoint deadline) {
    Backoff backoff{runtime, BackoffRange{}};
    while (true) {
        ports::StoreChange copy = change;
        Result<void> done = co_await store->commit(std::move(copy));
        if (done || !is_transient(done.error().code)) co_return done;
        const TimePoint again = runtime->now() + backoff.next();
        if (again >= deadline) co_return done;
        co_await runtime->sleep_until(again);
    }
}

Task<Result<std::optional<Bytes>>> get_until(Runtime* runtime,
                                             ports::Store* store,
                                             std::string key,
                                             TimePoint deadline) {
    Backoff backoff{runtime, BackoffRange{}};
    while (true) {
        Result<std::optional<Bytes>> found = co_await store->get(key);
        if (found || !is_transient(found.error().code)) co_return found;
        const TimePoint again = runtime->now() + backoff.next();
        if (again >= deadline) co_return found;
        co_await runtime->sleep_until(again);
    }
}

Task<Result<std::vector<ports::StoreEntry>>> scan_all(Runtime* runtime,
                                                      ports::Store* store,
                                                      std::string prefix,
                                                      TimePoint deadline) {
    constexpr std::size_t kPage = 256;
    Backoff backoff{runtime, BackoffRange{}};
    std::vector<ports::StoreEntry> all;
    while (true) {
        const std::string after = all.empty() ? std::string{} : all.back().key;
        Result<std::vector<ports::StoreEntry>> page = co_await store->scan(prefix, after, kPage);
        if (!page) {
            const TimePoint again = runtime->now() + backoff.next();
            if (!is_transient(page.error().code) || again >= deadline) co_return page;
            co_await runtime->sleep_until(again);
            continue;
        }
        const bool is_last = page->size() < kPage;
        std::move(page->begin(), page->end(), std::back_inserter(all));
        if (is_last) co_return all;
    }
}

}  // namespace vcity::services
