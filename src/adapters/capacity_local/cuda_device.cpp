// SPDX-License-Identifier: Apache-2.0
#include "adapters/capacity_local/cuda_device.hpp"

#ifdef VCITY_HAS_CUDA

#include <array>

#include "adapters/capacity_local/kernels.hpp"
#include "base/check.hpp"
#include "capacity/chain.hpp"

namespace vcity::adapters {
namespace {

Result<void> checked(const char* failed) {
    if (failed == nullptr) return {};
    const Errc code = failed == kernels::kOutOfMemory ? Errc::kExhausted : Errc::kUnavailable;
    return make_error(code, std::string{"CUDA: "} + failed);
}

struct CloseCard {
    void operator()(kernels::Card* card) const { kernels::card_close(card); }
};
using CardHandle = std::unique_ptr<kernels::Card, CloseCard>;

class CudaDevice final : public capacity::Device {
  public:
    explicit CudaDevice(CardHandle card) : card_{std::move(card)} {}

    CapacityCard card() override {
        std::array<char, 256> name{};
        CapacityCard card;
        kernels::card_info(card_.get(), name.data(), &card.memory_bytes, &card.memory_bytes_free);
        name.back() = 0;
        card.name = name.data();
        return card;
    }

    Result<void> chain_begin(const CapacityChainShape& shape,
                             std::span<const std::int8_t> matrix,
                             std::span<const std::int8_t> state) override {
        shape_ = shape;
        segments_ = 0;
        const kernels::Sizes sizes{shape.rows, shape.columns, shape.block_columns, shape.segments, shape.steps};
        return checked(kernels::chain_begin(card_.get(), sizes, matrix.data(), state.data()));
    }

    Result<std::vector<Hash>> chain_advance() override {
        CHECK(segments_ < shape_.segments);
        const std::size_t chunks = (shape_.block_bytes() + capacity::kChunkBytes - 1) / capacity::kChunkBytes;
        static_assert(sizeof(Hash) == Hash::kSize);
        std::vector<Hash> digests(chunks * shape_.blocks());
        // Every block's partner is at the same distance.
        const std::uint32_t distance = capacity::partner_block(shape_, segments_, 0);
        TRY_OK(checked(kernels::chain_advance(card_.get(), segments_, distance, digests.front().bytes.data())));
        ++segments_;
        return digests;
    }

    Result<std::vector<std::int8_t>> chain_block(std::uint32_t state, std::uint32_t block) override {
        std::vector<std::int8_t> out(shape_.block_bytes());
        TRY_OK(checked(kernels::chain_block(card_.get(), state, block, out.data())));
        return out;
    }

    Result<std::vector<std::int32_t>> chain_multiply(std::span<const std::int8_t> columns) override {
        std::vector<std::int32_t> products(columns.size());
        const auto count = static_cast<std::uint32_t>(columns.size() / shape_.rows);
        TRY_OK(checked(kernels::chain_multiply(card_.get(), columns.data(), count, products.data())));
        return products;
    }

    void chain_end() override { kernels::chain_end(card_.get()); }

    Result<void> store_begin(const CapacityStoreShape& shape) override {
        store_ = shape;
        return checked(kernels::store_begin(card_.get(), shape.rows, shape.columns));
    }
    Result<void> store_write(std::uint64_t offset, ByteView data) override {
        return checked(kernels::store_write(card_.get(), offset, data.data(), data.size()));
    }
    Result<std::vector<std::int64_t>> store_sweep(std::uint32_t first_row, std::span<const std::int8_t> x) override {
        std::vector<std::int64_t> sums(store_.columns);
        const auto rows = static_cast<std::uint32_t>(x.size());
        TRY_OK(checked(kernels::store_sweep(card_.get(), first_row, x.data(), rows, sums.data())));
        return sums;
    }
    void store_end() override { kernels::store_end(card_.get()); }

  private:
    CardHandle card_;
    CapacityChainShape shape_;
    std::uint32_t segments_ = 0;
    CapacityStoreShape store_;
};

}  // namespace

std::vector<std::unique_ptr<capacity::Device>> find_cuda_devices() {
    std::vector<std::unique_ptr<capacity::Device>> devices;
    for (int index = 0; index < kernels::card_count(); ++index) {
        kernels::Card* card = nullptr;
        if (kernels::card_open(index, &card) == nullptr) {
            devices.push_back(std::make_unique<CudaDevice>(CardHandle{card}));
        }
    }
    return devices;
}

}  // namespace vcity::adapters

#else

namespace vcity::adapters {

std::vector<std::unique_ptr<capacity::Device>> find_cuda_devices() {
    return {};
}

}  // namespace vcity::adapters

#endif
