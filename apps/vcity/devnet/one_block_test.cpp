// SPDX-License-Identifier: Apache-2.0
#include "devnet/one_block.hpp"

#include <gtest/gtest.h>

#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

// A chain that makes a block during each of its first `busy` readings, and answers those from the new block.
class BusyChain {
  public:
    explicit BusyChain(int busy) : busy_{busy} {}

    Task<Result<std::uint64_t>> head() { co_return head_; }
    Task<Result<std::uint64_t>> read(std::uint64_t block) {
        ++readings_;
        asked_ = block;
        if (readings_ <= busy_) ++head_;
        co_return head_;
    }
    Result<std::uint64_t> read_one() {
        adapters::AsioRuntime runtime;
        auto head = [this] { return this->head(); };
        auto read = [this](std::uint64_t block) { return this->read(block); };
        return wiring::run_task(&runtime, read_one_block<std::uint64_t>(head, read));
    }
    int readings() const { return readings_; }
    std::uint64_t asked() const { return asked_; }

  private:
    int busy_;
    int readings_ = 0;
    std::uint64_t head_ = 7;
    std::uint64_t asked_ = 0;
};

TEST(OneBlock, AReadingDuringWhichABlockWasMadeIsTakenAgain) {
    BusyChain chain{2};

    const Result<std::uint64_t> value = chain.read_one();

    ASSERT_TRUE(value);
    EXPECT_EQ(*value, 9u);
    EXPECT_EQ(chain.asked(), 9u);
    EXPECT_EQ(chain.readings(), 3);
}

TEST(OneBlock, AQuietChainIsReadOnce) {
    BusyChain chain{0};

    ASSERT_TRUE(chain.read_one());

    EXPECT_EQ(chain.readings(), 1);
}

TEST(OneBlock, AChainThatNeverRestsIsAnError) {
    BusyChain chain{kOneBlockTries};

    const Result<std::uint64_t> value = chain.read_one();

    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().code, Errc::kUnavailable);
}

}  // namespace
}  // namespace vcity::cli
