// SPDX-License-Identifier: Apache-2.0
#include "services/node/lease_record.hpp"

#include <gtest/gtest.h>

namespace vcity::node {
namespace {

LeaseRecord a_finished_record() {
    LeaseRecord record;
    record.lease.job_id.bytes.fill(1);
    record.lease.fencing_token = 7;
    record.is_finished = true;
    record.finished.receipt.receipt.job_id = record.lease.job_id;
    record.finished.reason = FinishReason::kLength;
    for (std::uint64_t sequence = 0; sequence < 3; ++sequence) {
        TokenChunk chunk;
        chunk.job_id = record.lease.job_id;
        chunk.fencing_token = record.lease.fencing_token;
        chunk.sequence = sequence;
        chunk.text = "word ";
        chunk.tokens = 1;
        record.chunks.push_back(chunk);
    }
    return record;
}

TEST(LeaseRecord, GivesBackWhatWasWritten) {
    const Result<LeaseRecord> finished = parse_lease_record(encode(a_finished_record()));
    ASSERT_TRUE(finished.has_value()) << finished.error().message;
    EXPECT_EQ(*finished, a_finished_record());

    LeaseRecord running;
    running.lease = a_finished_record().lease;
    EXPECT_EQ(*parse_lease_record(encode(running)), running);
}

TEST(LeaseRecord, RefusesEveryTruncation) {
    const Bytes bytes = encode(a_finished_record());

    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(parse_lease_record(ByteView{bytes}.first(size)).has_value()) << size;
    }
}

}  // namespace
}  // namespace vcity::node
