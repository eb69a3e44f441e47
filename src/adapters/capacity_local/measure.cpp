// SPDX-License-Identifier: Apache-2.0
#include "adapters/capacity_local/measure.hpp"

#include <chrono>

#include "capacity/chain.hpp"
#include "capacity/prover.hpp"
#include "capacity/store.hpp"

namespace vcity::adapters {
namespace {

constexpr std::uint64_t kStoreBytes = std::uint64_t{64} << 20U;
// Sizes the probe's chain: about a tenth of a second of one core.
constexpr std::uint64_t kProbeOperations = 20'000'000'000;

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Result<capacity::CardClaim> measure_claim(capacity::Device* device, std::uint64_t memory_bytes) {
    const CapacityStoreShape store = capacity::store_for(kStoreBytes);
    const std::vector<std::int8_t> x = capacity::sweep_vector({}, store.rows);
    const CapacityChainShape chain = capacity::chain_for(kProbeOperations);
    capacity::Prover prover{device};
    TRY_OK(device->store_begin(store));
    TRY_OK(device->store_write(0, Bytes(store.bytes(), 1)));
    TRY_OK(device->store_sweep(0, x));
    auto start = std::chrono::steady_clock::now();
    TRY_OK(device->store_sweep(0, x));
    const double bandwidth = static_cast<double>(store.bytes()) / seconds_since(start);
    start = std::chrono::steady_clock::now();
    TRY_OK(prover.run_chain({{}, 0, chain, {}}));
    const double operations = chain.operations() / seconds_since(start);
    prover.release();
    return capacity::CardClaim{device->card().name, memory_bytes, static_cast<std::uint64_t>(bandwidth),
                               static_cast<std::uint64_t>(operations)};
}

}  // namespace vcity::adapters
