// SPDX-License-Identifier: Apache-2.0
#include "wire/wire.hpp"

#include <limits>

#include <gtest/gtest.h>

#include "wire/testing/random_values.hpp"

namespace vcity::wire {
namespace {

using testing::RandomValues;

constexpr std::uint64_t kSeeds = 20;

TEST(Message, EveryKindReadsBack) {
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        const std::vector<Message> messages = RandomValues{seed}.every_message();
        ASSERT_EQ(messages.size(), std::variant_size_v<Message>);
        for (std::size_t index = 0; index < messages.size(); ++index) {
            ASSERT_EQ(messages[index].index(), index);
            const auto parsed = parse_message(encode(messages[index]));
            ASSERT_TRUE(parsed) << index << ": " << parsed.error().message;
            EXPECT_TRUE(*parsed == messages[index]) << index;
        }
    }
}

TEST(WorkerMessage, EveryKindReadsBack) {
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        const std::vector<WorkerMessage> messages = RandomValues{seed}.every_worker_message();
        ASSERT_EQ(messages.size(), std::variant_size_v<WorkerMessage>);
        for (std::size_t index = 0; index < messages.size(); ++index) {
            ASSERT_EQ(messages[index].index(), index);
            const auto parsed = parse_worker_message(encode(messages[index]));
            ASSERT_TRUE(parsed) << index << ": " << parsed.error().message;
            EXPECT_TRUE(*parsed == messages[index]) << index;
        }
    }
}

TEST(Records, ReadBack) {
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
        RandomValues random{seed};
        const SignedReceipt receipt = random.receipt();
        const Batch batch = random.batch();
        const JobOrder order = random.order();
        const Lease lease = random.lease();
        const SignedVerdict verdict = random.verdict();
        const WorkOrder work_order = random.work_order();
        const StepWork step_work = random.step_work();
        EXPECT_EQ(parse_receipt(encode(receipt)).value(), receipt);
        EXPECT_EQ(parse_batch(encode(batch)).value(), batch);
        EXPECT_EQ(parse_job_order(encode(order)).value(), order);
        EXPECT_EQ(parse_lease(encode(lease)).value(), lease);
        EXPECT_EQ(parse_verdict(encode(verdict)).value(), verdict);
        EXPECT_EQ(parse_work_order(encode(work_order)).value(), work_order);
        EXPECT_EQ(parse_step_work(encode(step_work)).value(), step_work);
    }
}

TEST(Message, NoTruncationOfItIsTheSameMessage) {
    for (const Message& message : RandomValues{3}.every_message()) {
        const Bytes bytes = encode(message);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            const auto parsed = parse_message(ByteView{bytes}.first(size));
            EXPECT_FALSE(parsed && *parsed == message);
        }
    }
}

TEST(Message, RefusesBytesThatAreNoMessage) {
    EXPECT_FALSE(parse_message({}));
    EXPECT_FALSE(parse_message(Bytes{0xff}));
    EXPECT_FALSE(parse_message(Bytes(100, 0xff)));
    EXPECT_EQ(parse_message(Bytes{0x0a, 0x00}).error().code, Errc::kCorrupt);
    EXPECT_FALSE(parse_message(Bytes(kFrameBytesMax + 1, 0)));
    EXPECT_FALSE(parse_worker_message({}));
}

// What one request costs on the link for its receipt; there is nothing per token.
TEST(Message, AReceiptTakesAtMostThreeHundredBytes) {
    RandomValues random{7};
    JobFinished finished{random.fixed<Hash>(),
                         random.fixed<JobId>(),
                         random.fixed<Address>(),
                         1U << 30U,
                         {131'072, 131'072},
                         Usd{1'000'000'000},
                         random.fixed<Hash>(),
                         random.fixed<Hash>(),
                         UnixMillis{1'800'000'000'000},
                         UnixMillis{1'800'000'900'000},
                         random.fixed<Signature>(),
                         FinishReason::kStop};
    const std::size_t receipt_bytes = encode(Message{finished}).size();

    RecordProperty("receipt_bytes", std::to_string(receipt_bytes));
    EXPECT_LE(receipt_bytes, 300U);
    EXPECT_GT(receipt_bytes, 250U);
}

TEST(Message, NamesTheFieldThatIsWrong) {
    // A JobCancel whose job id has one byte.
    const auto short_id = parse_message(Bytes{0xba, 0x01, 0x03, 0x0a, 0x01, 0x00});
    ASSERT_FALSE(short_id);
    EXPECT_EQ(short_id.error().message, "job_id has 1 bytes, expected 32");
}

TEST(Message, BoundsTheBytesOfAProofOfCapacity) {
    CapacityQuestion question{};
    question.body.resize(kCapacityBodyMax);
    EXPECT_TRUE(parse_message(encode(Message{question})));
    question.body.push_back(0);
    EXPECT_FALSE(parse_message(encode(Message{question})));
    CapacityReply reply{};
    reply.body.resize(kCapacityBodyMax + 1);
    EXPECT_FALSE(parse_message(encode(Message{reply})));
}

TEST(Message, BoundsWhatAJobMayCarry) {
    StepGrant grant{};
    grant.work.command.assign(256, "x");
    grant.work.inputs = {{"in", Bytes(256U << 10U)}};
    EXPECT_TRUE(parse_message(encode(Message{grant})));
    grant.work.command.emplace_back("x");
    EXPECT_FALSE(parse_message(encode(Message{grant})));
    grant.work.command.clear();
    grant.work.inputs[0].content.push_back(0);
    EXPECT_FALSE(parse_message(encode(Message{grant})));

    StepOutput output{};
    output.bytes.resize(kStepOutputBytesMax);
    EXPECT_TRUE(parse_message(encode(Message{output})));
    output.bytes.push_back(0);
    EXPECT_FALSE(parse_message(encode(Message{output})));

    WorkAccepted accepted{};
    accepted.steps.resize(4096);
    EXPECT_TRUE(parse_message(encode(Message{accepted})));
    accepted.steps.emplace_back();
    EXPECT_FALSE(parse_message(encode(Message{accepted})));

    WorkSubmit submit{};
    submit.order.spec.groups.resize(64);
    EXPECT_TRUE(parse_message(encode(Message{submit})));
    submit.order.spec.groups.emplace_back();
    EXPECT_FALSE(parse_message(encode(Message{submit})));
}

TEST(Message, RefusesValuesOutOfRange) {
    RandomValues random{1};
    OpenRequest most{random.fixed<JobId>(), random.fixed<Hash>(), random.fixed<Hash>(), {}};
    most.question.cells.resize(kOpenedCellsMax);
    most.question.pages.resize(kOpenedPagesMax);
    most.question.sketches.resize(kOpenedSketchesMax);
    EXPECT_TRUE(parse_message(encode(Message{most})));
    OpenRequest many = most;
    many.question.cells.emplace_back();
    EXPECT_FALSE(parse_message(encode(Message{many})));
    many = most;
    many.question.pages.emplace_back();
    EXPECT_FALSE(parse_message(encode(Message{many})));
    many = most;
    many.question.sketches.push_back(1);
    EXPECT_FALSE(parse_message(encode(Message{many})));
    OpenReply reply{};
    reply.opening.sketches.resize(kOpenedSketchesMax + 1);
    EXPECT_FALSE(parse_message(encode(Message{reply})));

    LeaseGrant grant{};
    EXPECT_TRUE(parse_message(encode(Message{grant})));
    grant.request.sampling.temperature = 2.5;
    EXPECT_FALSE(parse_message(encode(Message{grant})));
    grant.request.sampling.temperature = std::numeric_limits<double>::quiet_NaN();
    EXPECT_FALSE(parse_message(encode(Message{grant})));
    grant.request.sampling = {.temperature = 0, .top_p = 0};
    EXPECT_FALSE(parse_message(encode(Message{grant})));
    grant.request.sampling = {};
    grant.request.stop.assign(5, "x");
    EXPECT_FALSE(parse_message(encode(Message{grant})));

    LinkHello hello{};
    hello.role = static_cast<Role>(4);
    EXPECT_FALSE(parse_message(encode(Message{hello})));
    NodeReady ready{};
    ready.announcement.hardware.region = std::string(32, 'x');
    EXPECT_FALSE(parse_message(encode(Message{ready})));
}

TEST(Message, BoundsTextsAndLists) {
    TokenChunk chunk{};
    chunk.text.assign(1U << 20U, 'x');
    EXPECT_TRUE(parse_message(encode(Message{chunk})));
    chunk.text += 'x';
    EXPECT_FALSE(parse_message(encode(Message{chunk})));

    LeaseGrant grant{};
    grant.request.messages.resize(4096);
    EXPECT_TRUE(parse_message(encode(Message{grant})));
    grant.request.messages.resize(4097);
    EXPECT_FALSE(parse_message(encode(Message{grant})));
}

TEST(Message, RepairsTextThatIsNotUtf8) {
    const auto parsed = parse_message(encode(Message{LinkReject{Errc::kDenied, "bad \xff byte"}}));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(std::get<LinkReject>(*parsed).reason, "bad \xef\xbf\xbd byte");
}

TEST(Message, BoundsPartsBeforeAllocatingThem) {
    // 65 fields that this version does not know.
    Bytes unknown;
    for (int index = 0; index < 65; ++index) append(&unknown, Bytes{0xf8, 0x07, 0x01});
    EXPECT_FALSE(parse_message(unknown));
    // OffersReply (field 37, length-delimited) with 20,000 empty entries.
    Bytes entries;
    for (int index = 0; index < 20'000; ++index) append(&entries, Bytes{0x0a, 0x00});
    Bytes frame{0xaa, 0x02, 0xc0, 0xb8, 0x02};
    append(&frame, entries);
    EXPECT_FALSE(parse_message(frame));
}

TEST(Message, IgnoresAFewUnknownFields) {
    Bytes frame = encode(Message{Heartbeat{1, 2}});
    append(&frame, Bytes{0xf8, 0x07, 0x01});
    const auto parsed = parse_message(frame);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(std::get<Heartbeat>(*parsed), (Heartbeat{1, 2}));
}

TEST(Message, RefusesGroups) {
    Bytes frame = encode(Message{Heartbeat{1, 2}});
    append(&frame, Bytes{0xfb, 0x07, 0xfc, 0x07});
    EXPECT_FALSE(parse_message(frame));
}

TEST(Message, SurvivesEveryFlippedBit) {
    for (const Message& message : RandomValues{5}.every_message()) {
        Bytes bytes = encode(message);
        for (std::size_t bit = 0; bit < 8 * bytes.size(); bit += 37) {
            bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
            const auto parsed = parse_message(bytes);
            if (parsed) EXPECT_TRUE(parse_message(encode(*parsed)).value() == *parsed);
            bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        }
    }
}

TEST(Batch, HoldsManyReceipts) {
    RandomValues random{9};
    Batch batch = random.batch();
    batch.receipts.assign(1'000, random.receipt());
    EXPECT_EQ(parse_batch(encode(batch)).value(), batch);
    batch.charges.resize(16'385);
    EXPECT_FALSE(parse_batch(encode(batch)));
}

}  // namespace
}  // namespace vcity::wire
