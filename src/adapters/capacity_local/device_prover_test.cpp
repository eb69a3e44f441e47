// SPDX-License-Identifier: Apache-2.0
#include "adapters/capacity_local/device_prover.hpp"

#include <gtest/gtest.h>

#include "adapters/capacity_local/cpu_device.hpp"
#include "adapters/capacity_local/cuda_device.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "async/task_group.hpp"
#include "capacity/check.hpp"
#include "capacity/stream.hpp"
#include "capacity/testing/plain_device.hpp"
#include "ports/testing/capacity_contract.hpp"

namespace vcity::adapters {
namespace {

using capacity::Device;
using capacity::StoreKey;
using capacity::testing::PlainDevice;
using ports::testing::CapacityContract;
using ports::testing::CapacityHarness;
using ports::testing::CapacityHarnessFactory;
using ports::testing::OnRuntime;

using MakeDevice = std::function<std::unique_ptr<Device>()>;

Hash key_of(std::uint8_t number) {
    Hash key;
    key.bytes[0] = number;
    return key;
}

class Harness final : public OnRuntime<CapacityHarness, AsioRuntime> {
  public:
    explicit Harness(const MakeDevice& make) {
        std::vector<std::unique_ptr<Device>> devices;
        devices.push_back(make());
        prover_ = std::make_unique<DeviceProver>(&runtime(), std::move(devices));
    }
    ports::CapacityProver& prover() override { return *prover_; }
    CapacityChainChallenge challenge(std::uint32_t card) override {
        return {key_of(1), card, {48, 80, 8, 3, 3}, key_of(2)};
    }
    CapacityDraw draw(std::uint32_t card) override {
        return {key_of(1), card, capacity::draw_cells(challenge(card).shape, 7, key_of(3))};
    }
    bool chain_holds(const CapacityChainCommitment& commitment, const CapacityOpening& opening) override {
        return capacity::check_opening(challenge(commitment.card), commitment, draw(commitment.card), opening,
                                       key_of(4), 2) == capacity::ChainFault::kNone;
    }
    std::vector<CapacityFill> chunks(std::uint32_t card) override {
        key_.emplace(kStore, key_of(5), key_of(6));
        std::vector<CapacityFill> chunks;
        std::uint64_t offset = 0;
        while (!key_->complete()) {
            chunks.push_back({key_of(1), card, kStore, offset, key_->next_chunk(1000)});
            offset += chunks.back().data.size();
        }
        return chunks;
    }
    CapacitySweep sweep(std::uint32_t card, bool whole) override {
        return {key_of(1), card, whole ? 1U : 2U, whole ? 0U : 13U, whole ? kStore.rows : 22U, key_of(7)};
    }
    bool sums_hold(const CapacitySweep& sweep, const CapacityAnswer& answer) override {
        return key_->accepts(sweep, answer.sums);
    }

  private:
    static constexpr CapacityStoreShape kStore{53, 96};

    std::unique_ptr<DeviceProver> prover_;
    std::optional<StoreKey> key_;
};

std::unique_ptr<Device> cuda_device() {
    return std::move(find_cuda_devices().front());
}

// The definition, the processor, and the first CUDA card where there is one.
std::vector<MakeDevice> devices() {
    std::vector<MakeDevice> makers = {[] { return std::make_unique<PlainDevice>(); },
                                      [] { return std::make_unique<CpuDevice>(1); },
                                      [] { return std::make_unique<CpuDevice>(3); }};
    if (!find_cuda_devices().empty()) makers.emplace_back(cuda_device);
    return makers;
}

std::vector<CapacityHarnessFactory> harnesses() {
    std::vector<CapacityHarnessFactory> factories;
    for (const MakeDevice& make : devices()) {
        factories.emplace_back([make] { return std::make_unique<Harness>(make); });
    }
    return factories;
}

}  // namespace
}  // namespace vcity::adapters

namespace vcity::ports::testing {
INSTANTIATE_TEST_SUITE_P(Device, CapacityContract, ::testing::ValuesIn(vcity::adapters::harnesses()));
}  // namespace vcity::ports::testing

namespace vcity::adapters {
namespace {

class EveryDevice : public ::testing::TestWithParam<MakeDevice> {};
INSTANTIATE_TEST_SUITE_P(Device, EveryDevice, ::testing::ValuesIn(devices()));

TEST_P(EveryDevice, ComputesChainsAsTheDefinitionDoes) {
    for (const CapacityChainShape& shape :
         {CapacityChainShape{16, 16, 16, 1, 1}, {32, 16, 1, 3, 2}, {80, 48, 12, 2, 3}, {48, 144, 144, 2, 1}}) {
        const std::unique_ptr<Device> device = GetParam()();
        PlainDevice plain;
        const auto matrix = capacity::chain_matrix(shape, key_of(1));
        const auto state = capacity::chain_start(shape, key_of(1));
        ASSERT_TRUE(device->chain_begin(shape, matrix, state).has_value());
        ASSERT_TRUE(plain.chain_begin(shape, matrix, state).has_value());
        for (std::uint32_t segment = 0; segment < shape.segments; ++segment) {
            const auto digests = device->chain_advance();
            ASSERT_TRUE(digests.has_value()) << digests.error().message;
            EXPECT_EQ(*digests, *plain.chain_advance());
        }
        for (std::uint32_t block = 0; block < shape.blocks(); ++block) {
            EXPECT_EQ(*device->chain_block(shape.segments, block), *plain.chain_block(shape.segments, block));
        }
        const std::vector<std::int8_t> columns(state.begin(), state.begin() + shape.rows * 5);
        EXPECT_EQ(*device->chain_multiply(columns), *plain.chain_multiply(columns));
    }
}

TEST_P(EveryDevice, SweepsAsTheDefinitionDoes) {
    const CapacityStoreShape shape{77, 2064};
    const std::unique_ptr<Device> device = GetParam()();
    PlainDevice plain;
    Bytes data(shape.bytes());
    capacity::KeyStream{key_of(1)}.read(0, data);
    std::fill_n(data.begin(), 5000, std::uint8_t{0x80});
    for (Device* each : {device.get(), static_cast<Device*>(&plain)}) {
        ASSERT_TRUE(each->store_begin(shape).has_value());
        ASSERT_TRUE(each->store_write(0, ByteView{data}.first(1000)).has_value());
        ASSERT_TRUE(each->store_write(1000, ByteView{data}.subspan(1000)).has_value());
    }
    for (const std::uint32_t rows : {1U, 2U, 3U, 4U, 5U, 63U, 77U}) {
        std::vector<std::int8_t> x = capacity::sweep_vector(key_of(2), rows);
        x[0] = 127;
        EXPECT_EQ(*device->store_sweep(77 - rows, x), *plain.store_sweep(77 - rows, x)) << rows;
    }
}

Task<void> note_answer(DeviceProver* prover, CapacityChainChallenge challenge, std::vector<Errc>* refused) {
    const auto commitment = co_await prover->run_chain(challenge);
    if (!commitment) refused->push_back(commitment.error().code);
}

Task<int> two_at_once(TaskGroup* group, DeviceProver* prover, std::vector<Errc>* refused) {
    const CapacityChainChallenge challenge{key_of(1), 0, {64, 64, 16, 2, 2}, {}};
    group->spawn(note_answer(prover, challenge, refused));
    group->spawn(note_answer(prover, challenge, refused));
    const auto joined = co_await group->join(TimePoint::max());
    co_return joined ? 0 : 1;
}

TEST(DeviceProver, RefusesASecondCallForACardThatComputes) {
    AsioRuntime runtime;
    DeviceProver prover{&runtime, find_devices({})};
    TaskGroup group{&runtime};
    std::vector<Errc> refused;

    EXPECT_EQ(runtime.run_to_completion(two_at_once(&group, &prover, &refused)), 0);
    EXPECT_EQ(refused, std::vector<Errc>{Errc::kConflict});
}

}  // namespace
}  // namespace vcity::adapters
