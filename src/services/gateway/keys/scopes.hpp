// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "codec/json.hpp"

namespace vcity::gateway {

// What a key may be used for; kAdmin alone allows nothing of the others.
enum class Scope : std::uint8_t {
    kInference = 1,  // "inference": models, generations, batches
    kRent = 2,       // "rent": jobs on units, ways into them, fine-tuning
    kBilling = 4,    // "billing:read": account, usage, costs
    kAdmin = 8,      // "admin": keys and webhooks of the account
};

class Scopes {
  public:
    constexpr Scopes() = default;
    constexpr Scopes(Scope scope) : bits_{static_cast<std::uint8_t>(scope)} {}

    static constexpr Scopes all() { return Scopes{0x0f}; }
    // Of a key that names none.
    static constexpr Scopes usual() { return Scopes{0x07}; }

    constexpr bool overlaps(Scopes other) const { return (bits_ & other.bits_) != 0; }
    constexpr bool empty() const { return bits_ == 0; }
    constexpr Scopes operator|(Scopes other) const { return Scopes{static_cast<std::uint8_t>(bits_ | other.bits_)}; }
    constexpr bool operator==(const Scopes&) const = default;

  private:
    constexpr explicit Scopes(std::uint8_t bits) : bits_{bits} {}

    std::uint8_t bits_ = 0;
};

constexpr Scopes operator|(Scope a, Scope b) {
    return Scopes{a} | Scopes{b};
}

// ["inference", ...] in the order of the enum.
codec::Json to_json(Scopes scopes);
// kInvalid: no list, an empty list, or a name that is none of the four.
Result<Scopes> parse_scopes(const codec::Json& json);

}  // namespace vcity::gateway
