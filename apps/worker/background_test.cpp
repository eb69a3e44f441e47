// SPDX-License-Identifier: Apache-2.0
#include "background.hpp"

#include <atomic>
#include <vector>

#include <gtest/gtest.h>

namespace vcity::worker {
namespace {

TEST(Background, RunsTheWorksOfALaneInTheirOrder) {
    for (const bool threaded : {false, true}) {
        const auto background = threaded ? make_threaded_background(1) : make_inline_background();
        std::vector<int> ran;
        for (int i = 0; i < 100; ++i) background->post(0, [&ran, i] { ran.push_back(i); });

        background->wait(0);

        ASSERT_EQ(ran.size(), 100U);
        for (int i = 0; i < 100; ++i) EXPECT_EQ(ran[static_cast<std::size_t>(i)], i);
    }
}

TEST(Background, WaitsForEachLaneAlone) {
    const auto background = make_threaded_background(2);
    std::atomic<bool> open = false;
    std::atomic<int> ran = 0;

    background->post(0, [&] { open.wait(false); });
    background->post(1, [&] { ++ran; });
    background->wait(1);

    EXPECT_EQ(ran, 1);
    open = true;
    open.notify_all();
    background->wait(0);
}

TEST(Background, RunsWhatWaitsBeforeItEnds) {
    std::atomic<int> ran = 0;
    {
        const auto background = make_threaded_background(3);
        for (std::size_t i = 0; i < 60; ++i) background->post(i % 3, [&] { ++ran; });
    }
    EXPECT_EQ(ran, 60);
}

}  // namespace
}  // namespace vcity::worker
