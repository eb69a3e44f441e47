// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace vcity::routing {

using ReplicaId = std::uint32_t;

// Which replica probably holds which prefix of prompts in its cache: a mirror of what each replica was sent, with the
// same bound as its cache and the same order of eviction (least recently used, the end of a prefix before its
// beginning). A block is named by the hash of its tokens and all tokens before it, so that equal names mean equal
// prefixes. All memory is taken at the construction and when a replica is added.
class PrefixIndex {
  public:
    // entries_max: pairs of (block, replica) in all, below 2^31.
    explicit PrefixIndex(std::uint32_t entries_max);

    // blocks_max: what its cache holds. A replica that is there loses its blocks.
    void add(ReplicaId replica, std::uint32_t blocks_max);
    void remove(ReplicaId replica);

    // The replica computes a prompt of these blocks, the first one first, and keeps as many of the first ones as fit.
    void touch(ReplicaId replica, std::span<const std::uint64_t> blocks);

    struct Holder {
        ReplicaId replica = 0;
        std::uint32_t blocks = 0;  // of the prompt's first ones

        bool operator==(const Holder&) const = default;
    };
    // Up to holders->size() replicas that hold most of this prompt's beginning, the longest first; of equal ones the
    // newest holder first. Returns how many; short prefixes are left out when the walk to them would be long.
    std::size_t find(std::span<const std::uint64_t> blocks, std::span<Holder> holders) const;
    // How many of the first blocks this replica holds.
    std::uint32_t held(ReplicaId replica, std::span<const std::uint64_t> blocks) const;

    std::uint32_t entries() const { return used_; }

  private:
    static constexpr std::uint32_t kNone = ~0U;

    // A (block, replica) pair: member of its pair's bucket, of its block's holders and of its replica's queue.
    struct alignas(32) Entry {
        std::uint64_t block = 0;
        ReplicaId replica = 0;
        std::uint32_t bucket_next = kNone;
        std::uint32_t holder_before = kNone;
        std::uint32_t holder_after = kNone;
        std::uint32_t newer = kNone;
        std::uint32_t older = kNone;
    };
    struct Block {
        std::uint64_t name = 0;
        std::uint32_t bucket_next = kNone;
        std::uint32_t first = kNone;  // the newest holder
    };
    struct Queue {
        std::uint32_t newest = kNone;
        std::uint32_t oldest = kNone;
        std::uint32_t size = 0;
        std::uint32_t size_max = 0;
    };

    std::uint32_t pair_bucket(std::uint64_t block, ReplicaId replica) const;
    std::uint32_t block_bucket(std::uint64_t block) const;
    std::uint32_t find_entry(std::uint64_t block, ReplicaId replica) const;
    std::uint32_t find_block(std::uint64_t block) const;
    void insert(ReplicaId replica, std::uint64_t block);
    void erase(std::uint32_t entry);
    void link_holder(std::uint32_t entry);
    void unlink_holder(std::uint32_t entry);
    void link_newest(std::uint32_t entry);
    void unlink_queue(std::uint32_t entry);

    std::uint32_t mask_ = 0;
    std::uint32_t used_ = 0;
    std::vector<Entry> entries_;
    std::vector<std::uint32_t> free_entries_;
    std::vector<std::uint32_t> pair_buckets_;
    std::vector<Block> blocks_;
    std::vector<std::uint32_t> free_blocks_;
    std::vector<std::uint32_t> block_buckets_;
    std::vector<Queue> queues_;
};

}  // namespace vcity::routing
