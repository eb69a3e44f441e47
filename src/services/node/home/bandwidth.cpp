// SPDX-License-Identifier: Apache-2.0
#include "services/node/home/bandwidth.hpp"

#include <algorithm>

namespace vcity::node {
namespace {

constexpr std::chrono::seconds kBurst{1};

// Writes when it may. Waiting here holds the sender back, because nothing is read meanwhile.
class CappedSink final : public ports::FileSink {
  public:
    CappedSink(Runtime* runtime, ports::FileSink* sink, TokenBucket* bucket)
        : runtime_{runtime}, sink_{sink}, bucket_{bucket} {}

    Task<Result<void>> write(Bytes bytes) override {
        const TimePoint when = bucket_->take(bytes.size(), runtime_->now());
        co_await runtime_->sleep_until(when);
        co_return co_await sink_->write(std::move(bytes));
    }
    Task<Result<void>> close() override { co_return co_await sink_->close(); }

  private:
    Runtime* runtime_;
    ports::FileSink* sink_;
    TokenBucket* bucket_;
};

class CappedSource final : public ports::FileSource {
  public:
    CappedSource(Runtime* runtime, ports::FileSource* source, TokenBucket* bucket)
        : runtime_{runtime}, source_{source}, bucket_{bucket} {}

    std::uint64_t size() const override { return source_->size(); }
    Task<Result<Bytes>> read(std::uint64_t offset, std::size_t max) override {
        Result<Bytes> bytes = co_await source_->read(offset, max);
        if (bytes) {
            const TimePoint when = bucket_->take(bytes->size(), runtime_->now());
            co_await runtime_->sleep_until(when);
        }
        co_return bytes;
    }

  private:
    Runtime* runtime_;
    ports::FileSource* source_;
    TokenBucket* bucket_;
};

}  // namespace

TimePoint TokenBucket::take(std::uint64_t bytes, TimePoint now) {
    // Who was quiet for a second may send a second's worth at once.
    const TimePoint from = free_from_ ? std::max<TimePoint>(*free_from_, now - kBurst) : now - kBurst;
    const std::chrono::duration<double> length{static_cast<double>(bytes) / rate_};
    free_from_ = from + std::chrono::duration_cast<Duration>(length);
    return std::max(*free_from_, now);
}

CappedTransfer::CappedTransfer(Runtime* runtime, ports::Transfer* transfer, Caps caps)
    : runtime_{runtime}, transfer_{transfer} {
    if (caps.down_bytes_per_second != 0) down_.emplace(caps.down_bytes_per_second);
    if (caps.up_bytes_per_second != 0) up_.emplace(caps.up_bytes_per_second);
}

Task<Result<void>> CappedTransfer::fetch(ports::RemoteFile file, ports::FileSink* sink, TimePoint deadline) {
    if (!down_) {
        co_return co_await transfer_->fetch(std::move(file), sink, deadline);
    }
    CappedSink capped{runtime_, sink, &*down_};
    co_return co_await transfer_->fetch(std::move(file), &capped, deadline);
}

Task<Result<void>> CappedTransfer::put(ports::RemoteFile file, ports::FileSource* source, TimePoint deadline) {
    if (!up_) {
        co_return co_await transfer_->put(std::move(file), source, deadline);
    }
    CappedSource capped{runtime_, source, &*up_};
    co_return co_await transfer_->put(std::move(file), &capped, deadline);
}

}  // namespace vcity::node
