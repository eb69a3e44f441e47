// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/signer.hpp"

#include "base/check.hpp"
#include "crypto/keccak.hpp"

namespace vcity::sim {
namespace {

crypto::PrivateKey make_key(std::uint64_t number) {
    const std::string text = "simulated identity " + std::to_string(number);
    auto key = crypto::PrivateKey::make(crypto::keccak256_text(text).view());
    CHECK(key.has_value());
    return *std::move(key);
}

}  // namespace

FakeSigner::FakeSigner(std::uint64_t number) : key_{make_key(number)} {}

}  // namespace vcity::sim
