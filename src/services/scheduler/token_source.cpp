// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/token_source.hpp"

#include "services/common/record.hpp"
#include "services/scheduler/job_record.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::uint64_t kBlock = 100'000;  // many seconds' worth, so that nobody waits for the next one

}  // namespace

Task<Result<void>> TokenSource::recover() {
    CO_TRY(const std::optional<Bytes> fence, co_await context_->get(std::string(kFenceKey)));
    if (fence) {
        services::RecordReader reader{*fence};
        bound_ = reader.integer();
        CO_TRY_OK(reader.finish("fence"));
        next_ = bound_;
    }
    co_return Result<void>{};
}

std::optional<std::uint64_t> TokenSource::take(std::size_t count) {
    if (bound_ - next_ < count) return std::nullopt;
    const std::uint64_t first = next_;
    next_ += count;
    return first;
}

Task<Result<void>> TokenSource::refill() {
    if (is_refilling_) {
        co_await refilled_.wait_until(context_->now() + kStorePatience);
        co_return Result<void>{};
    }
    is_refilling_ = true;
    const std::uint64_t bound = bound_ + kBlock;
    services::RecordWriter writer{bound};
    ports::StoreChange change;
    change.puts.push_back({std::string{kFenceKey}, writer.take()});
    Result<void> written = co_await context_->commit(std::move(change));
    if (written) bound_ = bound;
    is_refilling_ = false;
    refilled_.notify();
    co_return written;
}

Task<Result<std::uint64_t>> TokenSource::next() {
    while (true) {
        const std::optional<std::uint64_t> token = take(1);
        if (token) co_return *token;
        CO_TRY_OK(co_await refill());
    }
}

}  // namespace vcity::scheduler
