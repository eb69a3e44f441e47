// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "crypto/secp256k1.hpp"
#include "ports/signer.hpp"

namespace vcity::sim {

// Signs with a key made from a number: the same number is the same identity.
class FakeSigner final : public ports::Signer {
  public:
    explicit FakeSigner(std::uint64_t number);

    Address address() const override { return key_.address(); }
    Result<Signature> sign(const Hash& digest) override { return key_.sign(digest); }

  private:
    crypto::PrivateKey key_;
};

}  // namespace vcity::sim
