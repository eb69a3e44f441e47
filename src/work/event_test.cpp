// SPDX-License-Identifier: Apache-2.0
#include "work/event.hpp"

#include <gtest/gtest.h>

#include "work/work_test_orders.hpp"

namespace vcity::work {
namespace {

std::vector<Event> one_of_each() {
    StepGroup group = a_group("two", 3);
    group.needs = {"one"};
    group.is_gang = true;
    group.environment = {"A=1"};
    group.inputs = {{"a", {1, 2}}, {"b", {}, "https://example.org/b", a_file("b").sha256, 7}};
    group.takes = {"one"};
    group.setup.image = "docker.io/library/python:3.12";
    group.setup.egress = Egress::kPublic;
    group.setup.egress_hosts = {"example.org"};
    group.setup.ports = {{"web", 8080}};
    group.setup.keeps_files = true;
    group.setup.checkpoint_seconds = 60;
    group.setup.is_service = true;
    group.ask.gpus = 1;
    group.ask.gpu_models = {"H100"};
    WorkOrder order = an_order({a_group("one"), group});
    order.spec.kind = NodeKind::kFlexible;
    order.spec.hourly_max = Usd{5};
    order.spec.regions = {"eu"};
    order.quote_id = 3;
    LeaseTerms terms;
    terms.step = 1;
    terms.fencing_token = UINT64_MAX;
    terms.node.bytes.fill(3);
    terms.is_spot = true;
    terms.reason = "cheapest";
    const UnixMillis at{77};
    return {
        {at, Submitted{std::make_shared<const WorkOrder>(order), {Usd{1}, Usd{2}}}},
        {at, Leased{terms}},
        {at, GangLeased{{terms, terms}}},
        {at, Started{1, 9}},
        {at, Finished{1, 9, -1, Usd{3}, 5, {}, true, {a_file("a/b.txt"), a_file("c")}}},
        {at, AttemptFailed{1, 9, Fault::kPreempted, Errc::kTimeout, "late"}},
        {at, GivenUp{1, Errc::kInvalid, "no"}},
        {at, Stopped{WorkState::kCancelled, Errc::kDenied, "by its customer"}},
        {at, Checkpointed{1, 9, 2, {a_file("weights.bin")}}},
        {at, Unreachable{1, 9, 12'345}},
    };
}

TEST(WorkEvent, EveryEventComesBackFromItsBytes) {
    const std::vector<Event> events = one_of_each();
    ASSERT_EQ(events.size(), std::variant_size_v<Change>);
    for (const Event& event : events) {
        const Result<Event> parsed = parse_event(encode(event));
        ASSERT_TRUE(parsed.has_value()) << event.change.index();
        EXPECT_TRUE(*parsed == event) << event.change.index();
    }
}

TEST(WorkEvent, CutOrLongerBytesAreNoEvent) {
    for (const Event& event : one_of_each()) {
        Bytes bytes = encode(event);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            EXPECT_EQ(parse_event(ByteView{bytes}.first(size)).error().code, Errc::kCorrupt);
        }
        bytes.push_back(0);
        EXPECT_EQ(parse_event(bytes).error().code, Errc::kCorrupt);
    }
}

TEST(WorkEvent, UnknownVersionsNumbersAndEnumeratorsAreRefused) {
    const Bytes stopped = encode(one_of_each()[7]);
    constexpr std::size_t kChangeAt = 9;
    for (const std::size_t at : {std::size_t{0}, kChangeAt, kChangeAt + 1, kChangeAt + 2}) {
        Bytes bytes = stopped;
        bytes[at] = 0xff;
        EXPECT_EQ(parse_event(bytes).error().code, Errc::kCorrupt) << at;
    }
}

TEST(WorkEvent, ACountBeyondTheInputAllocatesNothing) {
    Bytes bytes = encode({UnixMillis{1}, GangLeased{}});
    std::fill(bytes.end() - 4, bytes.end(), std::uint8_t{0xff});
    EXPECT_EQ(parse_event(bytes).error().code, Errc::kCorrupt);
}

TEST(WorkEvent, ReasonsAreCutBetweenCharacters) {
    EXPECT_EQ(shorten(std::string(600, 'x')).size(), kReasonBytesMax);
    std::string text(kReasonBytesMax - 1, 'x');
    text += "\xc3\xa9";  // two bytes
    EXPECT_EQ(shorten(text).size(), kReasonBytesMax - 1);
    EXPECT_EQ(shorten("short"), "short");
    Bytes bytes = encode({UnixMillis{1}, GivenUp{0, Errc::kInvalid, std::string(600, 'x')}});
    EXPECT_EQ(std::get<GivenUp>(parse_event(bytes)->change).reason.size(), kReasonBytesMax);
}

}  // namespace
}  // namespace vcity::work
