// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "async/runtime.hpp"
#include "ports/store.hpp"

namespace vcity::services {

inline constexpr std::string_view kEpochPrefix = "epoch/";
std::string epoch_key(const Address& scheduler);

// The greatest epoch under which each scheduler has been seen. One process acts for a scheduler at a time; one that was
// paused or cut off while another took over still answers under its old epoch, and is told from the new one by that.
class EpochBook {
  public:
    // store: where the epochs are kept across restarts; nullptr: in memory only.
    EpochBook(Runtime* runtime, ports::Store* store) : runtime_{runtime}, store_{store} {}

    // Kept before it returns. kConflict: a process with a greater epoch has taken over; others from the store.
    Task<Result<void>> admit(Address scheduler, std::uint64_t epoch);

  private:
    Task<Result<void>> load(Address scheduler);

    Runtime* runtime_;
    ports::Store* store_;
    std::map<Address, std::uint64_t> greatest_;
};

}  // namespace vcity::services
