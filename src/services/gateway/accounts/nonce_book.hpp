// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/bytes.hpp"

namespace vcity::gateway {

// Nonces for signing in, each good once and for a short while. A nonce proves itself (HMAC), so that those who ask for
// many take no room from others; only spent ones are kept, until their time is over. The secret must be drawn afresh at
// every start: no nonce of an earlier run is good then, and none can be used twice.
class NonceBook {
  public:
    NonceBook(const Hash& secret, std::uint64_t seconds, std::size_t spent_max)
        : secret_{secret}, seconds_{seconds}, spent_max_{spent_max} {}

    // 48 hexadecimal digits; entropy: fresh.
    std::string issue(std::uint64_t now_unix_seconds, std::uint64_t entropy) const;
    // Whether it was issued here, its time has not passed, and it was not spent. It is, from now on. False as well when
    // more than spent_max were spent within one life of a nonce.
    bool spend(std::string_view nonce, std::uint64_t now_unix_seconds);

    std::uint64_t seconds() const { return seconds_; }

  private:
    std::string proof_of(std::string_view claim) const;

    Hash secret_;
    std::uint64_t seconds_;
    std::size_t spent_max_;
    std::unordered_set<std::string> spent_;
    std::deque<std::pair<std::uint64_t, std::string>> order_;  // by the time they were spent
};

}  // namespace vcity::gateway
