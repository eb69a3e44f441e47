// SPDX-License-Identifier: Apache-2.0
#include "services/node/steps/step_record.hpp"

#include <gtest/gtest.h>

namespace vcity::node {
namespace {

StepRecord a_running_step() {
    StepRecord record;
    record.lease.job_id.bytes.fill(0xab);
    record.lease.fencing_token = 7;
    record.lease.attempt = 3;
    record.lease.expires_at = UnixMillis{123};
    return record;
}

StepRecord a_finished_step() {
    StepRecord record = a_running_step();
    record.is_finished = true;
    record.receipt.receipt.job_id = record.lease.job_id;
    record.receipt.receipt.amount = Usd{5};
    record.exit_code = 7;
    record.output = std::string{"not text: \xff\0\n", 13};
    record.files.resize(2);
    record.files[0].name = "a/b.txt";
    record.files[0].bytes = 9;
    record.files[1].sha256.bytes.fill(1);
    return record;
}

StepRecord an_adoptable_step() {
    StepRecord record = a_running_step();
    record.heritage.emplace();
    record.heritage->grant.lease = record.lease;
    record.heritage->grant.work.setup.image = "registry.example/image:1";
    record.heritage->grant.work.command = {"/bin/true"};
    record.heritage->scheduler.bytes.fill(3);
    record.heritage->started_at = UnixMillis{1'700'000'000'000};
    record.heritage->volume = "/state/steps/ab-1";
    return record;
}

TEST(StepRecord, GivesBackWhatWasWritten) {
    for (const StepRecord& record : {a_running_step(), an_adoptable_step(), a_finished_step()}) {
        const Result<StepRecord> parsed = parse_step_record(encode(record));
        ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
        EXPECT_EQ(*parsed, record);
    }
}

TEST(StepRecord, KeepsANegativeExitCode) {
    StepRecord record = a_finished_step();
    record.exit_code = -1;
    EXPECT_EQ(parse_step_record(encode(record)).value().exit_code, -1);
}

TEST(StepRecord, RefusesEveryTruncationAndWhatFollows) {
    Bytes bytes = encode(a_finished_step());
    const Bytes adoptable = encode(an_adoptable_step());
    for (std::size_t size = 0; size < adoptable.size(); ++size) {
        EXPECT_FALSE(parse_step_record(ByteView{adoptable}.first(size)).has_value()) << size;
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(parse_step_record(ByteView{bytes}.first(size)).has_value()) << size;
    }
    bytes.push_back(0);
    EXPECT_FALSE(parse_step_record(bytes).has_value());
}

TEST(StepRecord, HasAKeyOfItsOwn) {
    EXPECT_TRUE(step_key(a_running_step().lease.job_id).starts_with("step/0xabab"));
}

}  // namespace
}  // namespace vcity::node
