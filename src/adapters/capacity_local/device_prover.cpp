// SPDX-License-Identifier: Apache-2.0
#include "adapters/capacity_local/device_prover.hpp"

#include <optional>

#include "adapters/capacity_local/cpu_device.hpp"
#include "adapters/capacity_local/cuda_device.hpp"

namespace vcity::adapters {

DeviceProver::DeviceProver(Runtime* runtime, std::vector<std::unique_ptr<capacity::Device>> devices)
    : runtime_{runtime} {
    for (std::unique_ptr<capacity::Device>& device : devices)
        cards_.push_back(std::make_unique<Card>(std::move(device)));
}

std::vector<CapacityCard> DeviceProver::cards() {
    std::vector<CapacityCard> cards;
    for (const auto& card : cards_) cards.push_back(card->device->card());
    return cards;
}

Result<DeviceProver::Card*> DeviceProver::take(std::uint32_t number) {
    if (number >= cards_.size()) return make_error(Errc::kNotFound, "this machine has no such card");
    Card* card = cards_[number].get();
    if (card->busy) return make_error(Errc::kConflict, "the card still computes its last answer");
    card->busy = true;
    return card;
}

// The work's result, computed off the runtime's thread; the card is free again after it.
template <class T>
Task<Result<T>> DeviceProver::run(Card* card, std::function<Result<T>()> work) {
    std::optional<Result<T>> result;
    std::function<void()> compute = [&] { result = work(); };
    co_await runtime_->compute(std::move(compute));
    card->busy = false;
    co_return std::move(*result);
}

Task<Result<CapacityChainCommitment>> DeviceProver::run_chain(CapacityChainChallenge challenge) {
    CO_TRY(Card * card, take(challenge.card));
    std::function<Result<CapacityChainCommitment>()> work = [&] { return card->prover.run_chain(challenge); };
    co_return co_await run(card, std::move(work));
}

Task<Result<CapacityOpening>> DeviceProver::open(CapacityDraw draw) {
    CO_TRY(Card * card, take(draw.card));
    std::function<Result<CapacityOpening>()> work = [&] { return card->prover.open(draw); };
    co_return co_await run(card, std::move(work));
}

Task<Result<void>> DeviceProver::fill(CapacityFill chunk) {
    CO_TRY(Card * card, take(chunk.card));
    std::function<Result<void>()> work = [&] { return card->prover.fill(chunk); };
    co_return co_await run(card, std::move(work));
}

Task<Result<CapacityAnswer>> DeviceProver::sweep(CapacitySweep challenge) {
    CO_TRY(Card * card, take(challenge.card));
    std::function<Result<CapacityAnswer>()> work = [&] { return card->prover.sweep(challenge); };
    co_return co_await run(card, std::move(work));
}

Task<void> DeviceProver::release() {
    for (const auto& card : cards_) {
        // A card that still computes keeps its memory until the next release.
        if (card->busy) continue;
        card->busy = true;
        std::function<void()> work = [&card] { card->prover.release(); };
        co_await runtime_->compute(std::move(work));
        card->busy = false;
    }
}

std::vector<std::unique_ptr<capacity::Device>> find_devices(const CardSearch& search) {
    std::vector<std::unique_ptr<capacity::Device>> devices = find_cuda_devices();
    if (devices.empty()) devices.push_back(std::make_unique<CpuDevice>(search.threads, search.memory_bytes_max));
    return devices;
}

}  // namespace vcity::adapters
