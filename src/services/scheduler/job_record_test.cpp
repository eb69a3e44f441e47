// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/job_record.hpp"

#include <gtest/gtest.h>

namespace vcity::scheduler {
namespace {

JobRecord a_record() {
    JobRecord record;
    record.job_id.bytes.fill(1);
    record.client.bytes.fill(2);
    record.quote = Usd{500};
    record.deadline = UnixMillis{99};
    record.trace_id = "trace";
    record.state = JobState::kDelivered;
    record.lease.job_id = record.job_id;
    record.lease.fencing_token = 7;
    record.lease.node.bytes.fill(3);
    record.placement.text = "the only one";
    record.excluded.push_back(Address{});
    record.receipt.receipt.job_id = record.job_id;
    record.receipt.receipt.amount = Usd{400};
    record.receipt.node_signature.bytes.fill(4);
    record.audit = AuditState::kAccepted;
    record.verdict.verdict.node = record.lease.node;
    record.verdict.reason = "fine";
    return record;
}

TEST(JobRecord, GivesBackWhatWasWritten) {
    const Result<JobRecord> read = parse_job_record(encode(a_record()));

    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(*read, a_record());
    EXPECT_EQ(*parse_job_record(encode(JobRecord{})), JobRecord{});
}

TEST(JobRecord, RefusesEveryTruncation) {
    const Bytes bytes = encode(a_record());

    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(parse_job_record(ByteView{bytes}.first(size)).has_value()) << size;
    }
}

TEST(JobOutput, KeepsThePieces) {
    JobOutput output;
    output.pieces = {{"a", 1}, {"", 2}, {"bc", 0}};

    EXPECT_EQ(*parse_job_output(encode(output)), output);
    EXPECT_EQ(output.text(), "abc");
    EXPECT_FALSE(parse_job_output(Bytes{1, 2, 3}).has_value());
}

TEST(CapRecord, GivesBackWhatWasWritten) {
    CapRecord record;
    record.cap.cap.limit = Usd{9};
    record.cap.cap.nonce = 5;
    record.charged = Usd{3};

    EXPECT_EQ(*parse_cap_record(encode(record)), record);
}

TEST(StoreKeys, SortBatchesByIndex) {
    EXPECT_LT(batch_key(kBatchPrefix, 9), batch_key(kBatchPrefix, 10));
    EXPECT_LT(batch_key(kBatchPrefix, 10), batch_key(kBatchPrefix, UINT64_MAX));
}

}  // namespace
}  // namespace vcity::scheduler
