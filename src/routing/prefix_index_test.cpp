// SPDX-License-Identifier: Apache-2.0
#include "routing/prefix_index.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace vcity::routing {
namespace {

using Prompt = std::vector<std::uint64_t>;

TEST(PrefixIndex, FindsTheLongestPrefixAndItsNewestHolder) {
    PrefixIndex index{100};
    for (ReplicaId replica = 0; replica < 3; ++replica) index.add(replica, 10);
    index.touch(0, Prompt{1, 2, 3});
    index.touch(1, Prompt{1, 2, 30});
    index.touch(2, Prompt{1, 20});
    std::array<PrefixIndex::Holder, 4> holders;
    ASSERT_EQ(index.find(Prompt{1, 2, 3, 4}, holders), 3U);
    EXPECT_EQ(holders[0], (PrefixIndex::Holder{0, 3}));
    EXPECT_EQ(holders[1], (PrefixIndex::Holder{1, 2}));
    EXPECT_EQ(holders[2], (PrefixIndex::Holder{2, 1}));
    EXPECT_EQ(index.find(Prompt{7}, holders), 0U);
    EXPECT_EQ(index.find(Prompt{}, holders), 0U);
    EXPECT_EQ(index.find(Prompt{1, 2, 3}, std::span{holders}.first(1)), 1U);
    EXPECT_EQ(index.held(1, Prompt{1, 2, 3}), 2U);
    EXPECT_EQ(index.held(9, Prompt{1, 2, 3}), 0U);
}

TEST(PrefixIndex, ForgetsTheEndOfTheOldestPromptFirst) {
    PrefixIndex index{100};
    index.add(0, 4);
    index.touch(0, Prompt{1, 2});
    index.touch(0, Prompt{5, 6});
    index.touch(0, Prompt{7});
    EXPECT_EQ(index.held(0, Prompt{1, 2}), 1U);
    EXPECT_EQ(index.held(0, Prompt{5, 6}), 2U);
    index.touch(0, Prompt{10, 11, 12, 13, 14});  // more than it can keep
    EXPECT_EQ(index.held(0, Prompt{10, 11, 12, 13, 14}), 4U);
    EXPECT_EQ(index.entries(), 4U);
}

TEST(PrefixIndex, RemovingAReplicaFreesItsEntries) {
    PrefixIndex index{4};
    index.add(0, 4);
    index.add(1, 4);
    index.touch(0, Prompt{1, 2, 3, 4});
    index.touch(1, Prompt{1, 2});  // no room left, and nothing of its own to give up
    EXPECT_EQ(index.held(1, Prompt{1, 2}), 0U);
    index.remove(0);
    EXPECT_EQ(index.entries(), 0U);
    index.touch(1, Prompt{1, 2});
    EXPECT_EQ(index.held(1, Prompt{1, 2}), 2U);
    index.touch(0, Prompt{1});  // gone
    EXPECT_EQ(index.entries(), 2U);
}

// Least recently used, in the plainest form.
struct PlainCache {
    std::size_t size_max = 0;
    std::deque<std::uint64_t> blocks;  // the newest first

    void touch(Prompt prompt) {
        if (prompt.size() > size_max) prompt.resize(size_max);
        for (std::size_t i = prompt.size(); i-- > 0;) {
            std::erase(blocks, prompt[i]);
            blocks.push_front(prompt[i]);
        }
        while (blocks.size() > size_max) blocks.pop_back();
    }
    std::uint32_t held(const Prompt& prompt) const {
        std::uint32_t count = 0;
        while (count < prompt.size() && std::ranges::find(blocks, prompt[count]) != blocks.end()) ++count;
        return count;
    }
};

TEST(PrefixIndex, IsLikePlainCachesUnderRandomPrompts) {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        std::mt19937_64 random{seed};
        PrefixIndex index{200};
        std::map<ReplicaId, PlainCache> plain;
        for (ReplicaId replica = 0; replica < 5; ++replica) {
            plain[replica].size_max = random() % 12;
            index.add(replica, static_cast<std::uint32_t>(plain[replica].size_max));
        }
        const auto prompt = [&] {
            Prompt blocks;
            std::uint64_t name = 0;
            for (std::uint64_t i = random() % 8; i > 0; --i) blocks.push_back(name = name * 4 + 1 + random() % 3);
            return blocks;
        };
        for (int round = 0; round < 300; ++round) {
            const auto replica = static_cast<ReplicaId>(random() % 5);
            const Prompt touched = prompt();
            index.touch(replica, touched);
            plain[replica].touch(touched);
            const Prompt asked = prompt();
            std::uint32_t longest = 0;
            for (const auto& [id, cache] : plain) {
                ASSERT_EQ(index.held(id, asked), cache.held(asked)) << seed;
                longest = std::max(longest, cache.held(asked));
            }
            std::array<PrefixIndex::Holder, 8> holders;
            const std::size_t found = index.find(asked, holders);
            ASSERT_EQ(found > 0 ? holders[0].blocks : 0, longest) << seed;
            for (std::size_t i = 0; i < found; ++i) {
                EXPECT_EQ(holders[i].blocks, plain[holders[i].replica].held(asked));
            }
        }
    }
}

}  // namespace
}  // namespace vcity::routing
