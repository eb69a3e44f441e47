// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "async/runtime.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::monitor {

// A key that lives in this process's memory for one epoch and is destroyed two epochs later. It is never written
// anywhere.
struct EpochKey {
    std::uint64_t epoch = 0;
    crypto::PrivateKey key;

    Hash hash() const;
};

// The key of the present epoch and the one before it, which may still seal what was begun under it.
class EpochKeys {
  public:
    explicit EpochKeys(Runtime* runtime) : runtime_{runtime} {}

    // Makes a new key when the epoch is another than last time; true then. An epoch that lies before the last one (a
    // clock set back) changes nothing.
    bool advance(std::uint64_t epoch);
    // Only after advance().
    const EpochKey& current() const { return *current_; }
    // nullptr for any other epoch than the present and the one before it.
    const EpochKey* find(std::uint64_t epoch) const;

  private:
    EpochKey make(std::uint64_t epoch) const;

    Runtime* runtime_;
    std::optional<EpochKey> current_;
    std::optional<EpochKey> previous_;
};

}  // namespace vcity::monitor
