// SPDX-License-Identifier: Apache-2.0
#include "services/monitor/epoch_keys.hpp"

#include "crypto/keccak.hpp"

namespace vcity::monitor {

Hash EpochKey::hash() const {
    return crypto::keccak256(key.public_point().view());
}

EpochKey EpochKeys::make(std::uint64_t epoch) const {
    while (true) {
        std::array<std::uint8_t, 32> drawn{};
        runtime_->random_bytes(drawn);
        // Fails for one value in 2^128.
        Result<crypto::PrivateKey> key = crypto::PrivateKey::make(drawn);
        secure_zero(drawn.data(), drawn.size());
        if (key) return {.epoch = epoch, .key = *std::move(key)};
    }
}

bool EpochKeys::advance(std::uint64_t epoch) {
    if (current_ && epoch <= current_->epoch) return false;
    previous_ = std::move(current_);
    if (previous_ && previous_->epoch + 1 != epoch) previous_.reset();
    current_.emplace(make(epoch));
    return true;
}

const EpochKey* EpochKeys::find(std::uint64_t epoch) const {
    if (current_ && current_->epoch == epoch) return &*current_;
    return previous_ && previous_->epoch == epoch ? &*previous_ : nullptr;
}

}  // namespace vcity::monitor
