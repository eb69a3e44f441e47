// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/directory.hpp"

#include <gtest/gtest.h>

#include "sim/runtime.hpp"

namespace vcity::scheduler {
namespace {

NodeRecord a_record(std::uint8_t number) {
    NodeRecord record;
    record.identity.bytes.fill(number);
    record.active = true;
    return record;
}

NodeAnnouncement an_announcement(std::uint32_t slots) {
    ModelOffer offer;
    offer.model = "m";
    offer.slots = slots;
    NodeAnnouncement announcement;
    announcement.offers.push_back(offer);
    return announcement;
}

class DirectoryTest : public ::testing::Test {
  protected:
    sim::SimRuntime world_{1};
    Directory directory_{&world_};
    NodeRecord node_ = a_record(1);
};

TEST_F(DirectoryTest, OffersWhatConnectedNodesAnnounced) {
    directory_.connect(node_, 5);
    EXPECT_TRUE(directory_.offers().entries.empty());

    ASSERT_TRUE(directory_.announce(node_.identity, an_announcement(3)).has_value());
    directory_.occupy(node_.identity, JobId{});

    ASSERT_EQ(directory_.offers().entries.size(), 1U);
    EXPECT_EQ(directory_.offers().entries.front().free_slots, 2U);
    directory_.disconnect(node_.identity, 5);
    EXPECT_TRUE(directory_.offers().entries.empty());
    EXPECT_FALSE(directory_.candidates().front().is_active);
}

TEST_F(DirectoryTest, ANewSessionReplacesTheOld) {
    EXPECT_EQ(directory_.connect(node_, 5), kNoSession);
    EXPECT_EQ(directory_.connect(node_, 6), 5U);

    directory_.disconnect(node_.identity, 5);

    EXPECT_EQ(directory_.session_of(node_.identity), 6U);
}

TEST_F(DirectoryTest, LeasesOutliveTheSession) {
    directory_.connect(node_, 5);
    directory_.occupy(node_.identity, JobId{});
    directory_.disconnect(node_.identity, 5);
    directory_.connect(node_, 6);

    EXPECT_EQ(directory_.find(node_.identity)->leases.size(), 1U);
}

TEST_F(DirectoryTest, RefusesAnnouncementsOutOfBounds) {
    directory_.connect(node_, 5);

    EXPECT_FALSE(directory_.announce(node_.identity, an_announcement(0)).has_value());
    NodeAnnouncement wordy = an_announcement(1);
    wordy.hardware.region = std::string(32, 'x');
    EXPECT_FALSE(directory_.announce(node_.identity, wordy).has_value());
    NodeAnnouncement many = an_announcement(1);
    many.offers.resize(17, many.offers.front());
    EXPECT_FALSE(directory_.announce(node_.identity, many).has_value());
    NodeAnnouncement nameless = an_announcement(1);
    nameless.offers.front().model.clear();
    EXPECT_FALSE(directory_.announce(node_.identity, nameless).has_value());
}

TEST_F(DirectoryTest, FailuresFadeWithSuccess) {
    directory_.connect(node_, 5);
    for (int count = 0; count < 5; ++count) directory_.note_failure(node_.identity);

    directory_.note_success(node_.identity);

    EXPECT_EQ(directory_.find(node_.identity)->failures, 2U);
}

}  // namespace
}  // namespace vcity::scheduler
