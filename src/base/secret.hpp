// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>

#include "base/bytes.hpp"

namespace vcity {

// Overwrites memory in a way the compiler may not remove.
void secure_zero(std::uint8_t* data, std::size_t size);
// Compares without a data-dependent branch. Lengths are not secret.
bool equal_constant_time(ByteView a, ByteView b);

// Bytes that must not leak: no formatter, no copy, zeroed on destruction.
class SecretBytes {
  public:
    SecretBytes() = default;
    explicit SecretBytes(Bytes bytes) : bytes_{std::move(bytes)} {}
    SecretBytes(SecretBytes&& other) noexcept : bytes_{std::exchange(other.bytes_, {})} {}
    SecretBytes& operator=(SecretBytes&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    SecretBytes(const SecretBytes&) = delete;
    SecretBytes& operator=(const SecretBytes&) = delete;
    ~SecretBytes() { secure_zero(bytes_.data(), bytes_.size()); }

    ByteView reveal() const { return bytes_; }

  private:
    Bytes bytes_;
};

}  // namespace vcity
