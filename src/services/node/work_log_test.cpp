// SPDX-License-Identifier: Apache-2.0
#include "services/node/work_log.hpp"

#include <gtest/gtest.h>

#include "ports/testing/harness.hpp"
#include "services/node/lease_record.hpp"
#include "services/node/steps/step_record.hpp"
#include "sim/fakes/store.hpp"
#include "wire/wire.hpp"
#include "work/plan.hpp"

namespace vcity::node {
namespace {

class WorkLogTest : public testing::Test, public ports::testing::TaskRunner {
  protected:
    Runtime& runtime() override { return process; }
    void run(Task<void> task) override {
        process.spawn(std::move(task));
        world.run_until(world.now() + std::chrono::seconds{5}, 200'000);
    }
    void put(std::string key, Bytes value) {
        ports::StoreChange change;
        change.puts.push_back({std::move(key), std::move(value)});
        ASSERT_TRUE(ports::testing::await(*this, store.commit(std::move(change))));
    }
    static UsageReceipt bill(std::uint32_t number, bool is_step) {
        UsageReceipt receipt;
        receipt.job_id.bytes[0] = static_cast<std::uint8_t>(number >> 8U);
        receipt.job_id.bytes[1] = static_cast<std::uint8_t>(number & 0xffU);
        receipt.amount = Usd{number};
        if (is_step) receipt.model_root = work::command_root();
        return receipt;
    }
    Result<WorkPage> page(std::string after) {
        return ports::testing::await(*this, read_work(&process, &store, std::move(after)));
    }

    sim::SimRuntime world{1};
    sim::SimProcess process{&world, "node"};
    sim::FakeDisk disk{&world};
    sim::FakeStore store{&process, &disk};
};

TEST_F(WorkLogTest, TellsWhatWaitsAndWhatIsAcknowledged) {
    LeaseRecord waiting;
    waiting.is_finished = true;
    waiting.finished.receipt.receipt = bill(1, false);
    put(lease_key(bill(1, false).job_id), encode(waiting));
    LeaseRecord running;
    running.lease.job_id = bill(2, false).job_id;
    put(lease_key(running.lease.job_id), encode(running));
    SignedReceipt kept;
    kept.receipt = bill(3, true);
    put(receipt_key(kept.receipt.job_id), wire::encode(kept));
    put(origin_key(kept.receipt.job_id), encode(WorkOrigin{.unit = 4, .gpu_mask = 3}));

    const Result<WorkPage> found = page("");
    ASSERT_TRUE(found.has_value()) << found.error().message;
    EXPECT_EQ(found->next, "");
    ASSERT_EQ(found->entries.size(), 2U) << "what runs is not earned";
    EXPECT_EQ(found->entries[0].receipt.amount, Usd{1});
    EXPECT_FALSE(found->entries[0].is_acknowledged);
    EXPECT_FALSE(found->entries[0].is_step);
    EXPECT_TRUE(found->entries[1].is_acknowledged);
    EXPECT_TRUE(found->entries[1].is_step);
    EXPECT_EQ(found->entries[1].origin, (WorkOrigin{.unit = 4, .gpu_mask = 3}));
}

TEST_F(WorkLogTest, GoesOnWhereAPageEnded) {
    ports::StoreChange change;
    for (std::uint32_t number = 1; number <= kWorkPageMax + 5; ++number) {
        SignedReceipt kept;
        kept.receipt = bill(number, false);
        change.puts.push_back({receipt_key(kept.receipt.job_id), wire::encode(kept)});
    }
    ASSERT_TRUE(ports::testing::await(*this, store.commit(std::move(change))));
    const WorkPage first = page("").value();
    EXPECT_EQ(first.entries.size(), kWorkPageMax);
    ASSERT_FALSE(first.next.empty());
    const WorkPage second = page(first.next).value();
    EXPECT_EQ(second.entries.size(), 5U);
    EXPECT_EQ(second.entries.back().receipt.amount, Usd{kWorkPageMax + 5});
    EXPECT_EQ(second.next, "");
}

TEST_F(WorkLogTest, RefusesAPlaceThatIsNone) {
    EXPECT_EQ(page("lease/").error().code, Errc::kInvalid);
    EXPECT_EQ(page("receipt/" + std::string(400, 'x')).error().code, Errc::kInvalid);
}

TEST(WorkOrigin, IsReadAsItWasWritten) {
    const WorkOrigin origin{.unit = 7, .gpu_mask = 0x80000001};
    EXPECT_EQ(parse_work_origin(encode(origin)).value(), origin);
    EXPECT_EQ(parse_work_origin(ByteView{encode(origin)}.first(5)).error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace vcity::node
