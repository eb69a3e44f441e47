// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "async/runtime.hpp"
#include "capacity/device.hpp"
#include "capacity/prover.hpp"
#include "ports/capacity_prover.hpp"

namespace vcity::adapters {

// The devices of this machine behind the port: each call runs the pure prover of its card on Runtime::compute. The
// owner joins all calls before it destroys this.
class DeviceProver final : public ports::CapacityProver {
  public:
    DeviceProver(Runtime* runtime, std::vector<std::unique_ptr<capacity::Device>> devices);

    std::vector<CapacityCard> cards() override;
    Task<Result<CapacityChainCommitment>> run_chain(CapacityChainChallenge challenge) override;
    Task<Result<CapacityOpening>> open(CapacityDraw draw) override;
    Task<Result<void>> fill(CapacityFill chunk) override;
    Task<Result<CapacityAnswer>> sweep(CapacitySweep challenge) override;
    Task<void> release() override;

  private:
    struct Card {
        explicit Card(std::unique_ptr<capacity::Device> card) : device{std::move(card)}, prover{device.get()} {}
        std::unique_ptr<capacity::Device> device;
        capacity::Prover prover;
        bool busy = false;
    };

    // The card, marked busy; kNotFound or kConflict.
    Result<Card*> take(std::uint32_t number);
    template <class T>
    Task<Result<T>> run(Card* card, std::function<Result<T>()> work);

    Runtime* runtime_;
    std::vector<std::unique_ptr<Card>> cards_;
};

struct CardSearch {
    unsigned threads = 1;                // of the processor, when it stands in
    std::uint64_t memory_bytes_max = 0;  // of the processor's stand-in; 0: what the system has
};

// Every CUDA device when this build has CUDA and the driver knows one, else the processor as a single card.
std::vector<std::unique_ptr<capacity::Device>> find_devices(const CardSearch& search);

}  // namespace vcity::adapters
