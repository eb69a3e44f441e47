// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "async/runtime.hpp"
#include "ports/transfer.hpp"

namespace vcity::node {

// How fast bytes may go, one second's worth at once at most. Pure: time comes in.
class TokenBucket {
  public:
    explicit TokenBucket(std::uint64_t bytes_per_second) : rate_{static_cast<double>(bytes_per_second)} {}

    // Takes them and says from when on they may go; turns are kept in the order of calls.
    TimePoint take(std::uint64_t bytes, TimePoint now);

  private:
    double rate_;
    std::optional<TimePoint> free_from_;  // when all that was taken has gone
};

// A Transfer of which all fetches together, and all puts together, go no faster than the owner's line may be used.
// Borrows both pointers.
class CappedTransfer final : public ports::Transfer {
  public:
    struct Caps {
        std::uint64_t down_bytes_per_second = 0;  // 0: no limit
        std::uint64_t up_bytes_per_second = 0;
    };

    CappedTransfer(Runtime* runtime, ports::Transfer* transfer, Caps caps);

    Task<Result<void>> fetch(ports::RemoteFile file, ports::FileSink* sink, TimePoint deadline) override;
    Task<Result<void>> put(ports::RemoteFile file, ports::FileSource* source, TimePoint deadline) override;

  private:
    Runtime* runtime_;
    ports::Transfer* transfer_;
    std::optional<TokenBucket> down_;
    std::optional<TokenBucket> up_;
};

}  // namespace vcity::node
