// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>

#include "capacity/specs.hpp"
#include "capacity/stream.hpp"
#include "capacity/testing/plain_device.hpp"
#include "capacity/testing/player.hpp"

namespace vcity::capacity::testing {

// Sizes of a scaled-down session. A store of kStore stands for 0.9 of a card's memory and the chain for chain_for() of
// its operations: the claim's figures are scaled by the same factors, so that every time is that of the real card.
inline constexpr CapacityChainShape kChain{32, 32, 1, 8, 4};
inline constexpr CapacityStoreShape kStore{288, 64};

inline Duration from_seconds(double seconds) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>{seconds});
}

// How a machine's times spread. Efficiencies are of the data sheet's peak. Assumptions, not measurements: 0.75 to 0.95
// of the memory's peak is what streaming kernels reach on the cards of the table; hiccups stand for whatever else the
// operating system does.
class Machine {
  public:
    Machine(const CardSpec& spec, const Hash& key)
        : spec_{spec},
          random_{key},
          operations_{static_cast<double>(spec.operations) * uniform(0.25, 0.6)},
          bandwidth_{static_cast<double>(spec.bandwidth) * uniform(0.75, 0.95)},
          host_bandwidth_{static_cast<double>(spec.host_bandwidth) * 0.95} {}

    const CardSpec& spec() const { return spec_; }
    double store_bytes() const { return 0.9 * static_cast<double>(spec_.memory_bytes); }

    double chain_seconds() {
        return (chain_for(spec_.operations).operations() / operations_) + uniform(0.02, 0.1) + noise();
    }
    // Of bytes that lie in the card's memory and bytes that come from the host.
    double sweep_seconds(double resident, double streamed) {
        return std::max(resident / bandwidth_, streamed / host_bandwidth_) + uniform(1e-4, 4e-4) + noise();
    }
    double uniform(double low, double high) {
        return low + ((high - low) * static_cast<double>(random_.below(1U << 30U)) / static_cast<double>(1U << 30U));
    }
    std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

  private:
    double noise() {
        const double usual = -1e-4 * std::log(1 - uniform(0, 1));
        return usual + (random_.below(200) == 0 ? uniform(0.005, 0.05) : 0);
    }

    CardSpec spec_;
    WordStream random_;
    double operations_;
    double bandwidth_;
    double host_bandwidth_;
};

// What a claim of a card becomes at the session's scale.
inline CardClaim scaled_claim(const CardSpec& spec) {
    const double store = 0.9 * static_cast<double>(spec.memory_bytes);
    const double chain = chain_for(spec.operations).operations();
    CardClaim claim;
    claim.name = spec.name;
    claim.memory_bytes = spec.memory_bytes;
    claim.bandwidth =
        static_cast<std::uint64_t>(static_cast<double>(spec.bandwidth) * (static_cast<double>(kStore.bytes()) / store));
    claim.operations = static_cast<std::uint64_t>(static_cast<double>(spec.operations) * (kChain.operations() / chain));
    return claim;
}

inline SessionPolicy scaled_policy(const CardSpec& spec) {
    SessionPolicy policy;
    policy.round_trip = std::chrono::microseconds{100};  // a monitor on the same machine
    const double real = static_cast<double>(policy.short_bytes) / (0.9 * static_cast<double>(spec.memory_bytes));
    policy.short_bytes = static_cast<std::uint64_t>(real * static_cast<double>(kStore.bytes()));
    return policy;
}

// A card with its true times. `fraction_streamed` of the store is kept in the host's memory.
class Card : public Player {
  public:
    Card(const CardSpec& spec, const Hash& key) : machine{spec, key} { use<PlainDevice>(); }

    template <class DeviceType>
    void use() {
        device = std::make_unique<DeviceType>();
        prover = std::make_unique<Prover>(device.get());
    }

    Timed<CapacityChainCommitment> commit(const CapacityChainChallenge& challenge) override {
        return {prover->run_chain(challenge), from_seconds(chain_factor * machine.chain_seconds() + delay)};
    }
    Timed<CapacityOpening> open(const CapacityDraw& draw) override {
        return {prover->open(draw), from_seconds(0.2 + delay)};
    }
    Result<void> fill(const CapacityFill& chunk) override { return prover->fill(chunk); }
    Timed<CapacityAnswer> sweep(const CapacitySweep& challenge) override {
        return {prover->sweep(challenge), from_seconds(seconds_of(challenge) + delay)};
    }
    double seconds_of(const CapacitySweep& challenge) {
        const double bytes = store_bytes * challenge.rows / kStore.rows;
        return machine.sweep_seconds(bytes * (1 - fraction_streamed), bytes * fraction_streamed);
    }

    Machine machine;
    std::unique_ptr<Device> device;
    std::unique_ptr<Prover> prover;
    double store_bytes = machine.store_bytes();  // that the claimed card would hold
    double fraction_streamed = 0;
    double chain_factor = 1;
    double delay = 1e-4;  // seconds on the way, both directions
};

inline Hash trial_key(std::string_view label, std::uint64_t trial) {
    return derive_key(label, Hash{}, trial);
}

// The worst outcome when these players answer for cards claimed to be of this class.
inline CardOutcome outcome_of(const CardSpec& claimed, const std::vector<Player*>& players, std::uint64_t trial) {
    const std::vector<CardClaim> claims(players.size(), scaled_claim(claimed));
    Session session{
        trial_key("session", trial), trial_key("secret", trial), claims, scaled_policy(claimed), kChain, kStore};
    for (const CardScore& score : play(&session, players)) {
        if (score.outcome != CardOutcome::kAccepted) return score.outcome;
    }
    return CardOutcome::kAccepted;
}

}  // namespace vcity::capacity::testing
