// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/state/room.hpp"

#include <string>

#include <gtest/gtest.h>

#include "sim/runtime.hpp"

namespace vcity::gateway {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPatience = 250ms;

class RoomTest : public ::testing::Test {
  public:
    // Enters, stays for so long and leaves; notes its name when it is in, or "-name" when it was refused.
    Task<void> visit(std::string name, Duration stay) {
        const std::optional<Room::Seat> seat = co_await room.enter();
        log += seat ? name : "-" + name;
        if (!seat) co_return;
        most = std::max(most, room.taken());
        const TimePoint until = world.now() + stay;
        co_await world.sleep_until(until);
    }
    void start(std::string name, Duration stay) {
        world.spawn(visit(std::move(name), stay));
        pass(0ms);
    }
    void pass(Duration duration) { world.run_until(world.now() + duration, 100'000); }

    sim::SimRuntime world{1};
    Room room{&world, 2, 3, kPatience};
    std::string log;
    std::size_t most = 0;
};

TEST_F(RoomTest, WhoeverFindsRoomEntersAtOnce) {
    start("a", 1s);
    start("b", 1s);
    EXPECT_EQ(log, "ab");
    EXPECT_EQ(room.taken(), 2U);
    pass(2s);
    EXPECT_EQ(room.taken(), 0U);
}

TEST_F(RoomTest, SeatsGoToThoseWhoHaveWaitedLongest) {
    start("a", 100ms);
    start("b", 120ms);
    start("c", 50ms);
    start("d", 50ms);
    EXPECT_EQ(log, "ab");
    EXPECT_EQ(room.waiting(), 2U);
    pass(110ms);
    // A seat that is handed on is not free for those who come later.
    start("e", 50ms);
    EXPECT_EQ(log, "abc");
    pass(1s);
    EXPECT_EQ(log, "abcde");
    EXPECT_EQ(most, 2U);
    EXPECT_EQ(room.taken(), 0U);
    EXPECT_EQ(room.waiting(), 0U);
}

TEST_F(RoomTest, WhoHasWaitedInVainIsRefusedAndLeavesTheLine) {
    start("a", 10s);
    start("b", 10s);
    start("c", 1s);
    pass(kPatience - 1ms);
    EXPECT_EQ(log, "ab");
    pass(2ms);
    EXPECT_EQ(log, "ab-c");
    EXPECT_EQ(room.waiting(), 0U);
    pass(10s);
    EXPECT_EQ(room.taken(), 0U);
}

TEST_F(RoomTest, AFullLineRefusesAtOnce) {
    for (const char* name : {"a", "b", "c", "d", "e"}) start(name, 10s);
    start("f", 1s);
    EXPECT_EQ(log, "ab-f");
    EXPECT_EQ(room.waiting(), 3U);
    pass(20s);
    for (const char* name : {"-c", "-d", "-e"}) EXPECT_NE(log.find(name), std::string::npos) << log;
    EXPECT_EQ(room.taken(), 0U);
}

}  // namespace
}  // namespace vcity::gateway
