// SPDX-License-Identifier: Apache-2.0
#include "services/common/epoch_book.hpp"

#include "codec/hex.hpp"
#include "services/common/backoff.hpp"
#include "services/common/record.hpp"

namespace vcity::services {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::chrono::seconds kStorePatience{5};

}  // namespace

std::string epoch_key(const Address& scheduler) {
    return std::string{kEpochPrefix} + codec::to_hex(scheduler);
}

Task<Result<void>> EpochBook::load(Address scheduler) {
    if (store_ == nullptr || greatest_.contains(scheduler)) co_return Result<void>{};
    const TimePoint deadline = runtime_->now() + kStorePatience;
    CO_TRY(const std::optional<Bytes> stored, co_await get_until(runtime_, store_, epoch_key(scheduler), deadline));
    std::uint64_t epoch = 0;
    if (stored) {
        RecordReader reader{*stored};
        if (reader.integer() != kVersion) reader.fail();
        epoch = reader.integer();
        CO_TRY_OK(reader.finish("epoch"));
    }
    greatest_[scheduler] = epoch;
    co_return Result<void>{};
}

Task<Result<void>> EpochBook::admit(Address scheduler, std::uint64_t epoch) {
    CO_TRY_OK(co_await load(scheduler));
    const std::uint64_t known = greatest_[scheduler];
    if (epoch < known) {
        co_return make_error(Errc::kConflict, "the process has epoch " + std::to_string(epoch) +
                                                  " of its scheduler, and one with epoch " + std::to_string(known) +
                                                  " has taken over");
    }
    if (epoch == known) co_return Result<void>{};
    if (store_ != nullptr) {
        RecordWriter writer{kVersion};
        writer.put(epoch);
        ports::StoreChange change;
        change.puts.push_back({epoch_key(scheduler), writer.take()});
        CO_TRY_OK(co_await commit_until(runtime_, store_, std::move(change), runtime_->now() + kStorePatience));
    }
    std::uint64_t& greatest = greatest_[scheduler];
    greatest = std::max(greatest, epoch);
    co_return Result<void>{};
}

}  // namespace vcity::services
