// SPDX-License-Identifier: Apache-2.0
#include "routing/prefix_index.hpp"

#include <algorithm>
#include <bit>

#include "base/check.hpp"

namespace vcity::routing {
namespace {

// Bounds the walk past holders that a deeper block has shown already.
constexpr std::size_t kStepsPerHolder = 3;

// The finaliser of splitmix64 (Steele, Lea and Flood 2014).
std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111eb;
    return value ^ (value >> 31U);
}

}  // namespace

PrefixIndex::PrefixIndex(std::uint32_t entries_max)
    : mask_{std::bit_ceil(std::max(entries_max, 2U)) - 1},
      entries_(entries_max),
      pair_buckets_(std::size_t{mask_} + 1, kNone),
      blocks_(entries_max),
      block_buckets_(std::size_t{mask_} + 1, kNone) {
    CHECK(entries_max < 1U << 31U);
    free_entries_.reserve(entries_max);
    free_blocks_.reserve(entries_max);
    for (std::uint32_t i = entries_max; i-- > 0;) {
        free_entries_.push_back(i);
        free_blocks_.push_back(i);
    }
}

std::uint32_t PrefixIndex::pair_bucket(std::uint64_t block, ReplicaId replica) const {
    return static_cast<std::uint32_t>(mix(block + 0x9e3779b97f4a7c15 * (std::uint64_t{replica} + 1))) & mask_;
}

std::uint32_t PrefixIndex::block_bucket(std::uint64_t block) const {
    return static_cast<std::uint32_t>(mix(block)) & mask_;
}

std::uint32_t PrefixIndex::find_entry(std::uint64_t block, ReplicaId replica) const {
    std::uint32_t at = pair_buckets_[pair_bucket(block, replica)];
    while (at != kNone && (entries_[at].block != block || entries_[at].replica != replica)) {
        at = entries_[at].bucket_next;
    }
    return at;
}

std::uint32_t PrefixIndex::find_block(std::uint64_t block) const {
    std::uint32_t at = block_buckets_[block_bucket(block)];
    while (at != kNone && blocks_[at].name != block) at = blocks_[at].bucket_next;
    return at;
}

void PrefixIndex::add(ReplicaId replica, std::uint32_t blocks_max) {
    if (replica >= queues_.size()) queues_.resize(std::size_t{replica} + 1);
    remove(replica);
    queues_[replica].size_max = blocks_max;
}

void PrefixIndex::remove(ReplicaId replica) {
    if (replica >= queues_.size()) return;
    while (queues_[replica].oldest != kNone) erase(queues_[replica].oldest);
    queues_[replica].size_max = 0;
}

void PrefixIndex::touch(ReplicaId replica, std::span<const std::uint64_t> blocks) {
    if (replica >= queues_.size()) return;
    const Queue& queue = queues_[replica];
    blocks = blocks.first(std::min<std::size_t>(blocks.size(), queue.size_max));
    // The beginning last, so that it is the newest and no prefix ever loses its beginning before its end.
    for (std::size_t i = blocks.size(); i-- > 0;) {
        const std::uint32_t known = find_entry(blocks[i], replica);
        if (known == kNone) {
            insert(replica, blocks[i]);
            continue;
        }
        unlink_queue(known);
        link_newest(known);
    }
}

void PrefixIndex::insert(ReplicaId replica, std::uint64_t block) {
    Queue& queue = queues_[replica];
    if (queue.size == queue.size_max || free_entries_.empty()) {
        if (queue.oldest == kNone) return;
        erase(queue.oldest);
    }
    const std::uint32_t at = free_entries_.back();
    free_entries_.pop_back();
    ++used_;
    entries_[at] = Entry{.block = block, .replica = replica};
    std::uint32_t& bucket = pair_buckets_[pair_bucket(block, replica)];
    entries_[at].bucket_next = bucket;
    bucket = at;
    link_newest(at);
    link_holder(at);
}

void PrefixIndex::erase(std::uint32_t entry) {
    unlink_queue(entry);
    unlink_holder(entry);
    std::uint32_t* link = &pair_buckets_[pair_bucket(entries_[entry].block, entries_[entry].replica)];
    while (*link != entry) link = &entries_[*link].bucket_next;
    *link = entries_[entry].bucket_next;
    free_entries_.push_back(entry);
    --used_;
}

void PrefixIndex::link_holder(std::uint32_t entry) {
    const std::uint64_t name = entries_[entry].block;
    std::uint32_t block = find_block(name);
    if (block == kNone) {
        block = free_blocks_.back();  // there are as many as entries
        free_blocks_.pop_back();
        std::uint32_t& bucket = block_buckets_[block_bucket(name)];
        blocks_[block] = {.name = name, .bucket_next = bucket, .first = kNone};
        bucket = block;
    }
    const std::uint32_t first = blocks_[block].first;
    entries_[entry].holder_before = kNone;
    entries_[entry].holder_after = first;
    if (first != kNone) entries_[first].holder_before = entry;
    blocks_[block].first = entry;
}

void PrefixIndex::unlink_holder(std::uint32_t entry) {
    const Entry& gone = entries_[entry];
    if (gone.holder_after != kNone) entries_[gone.holder_after].holder_before = gone.holder_before;
    if (gone.holder_before != kNone) {
        entries_[gone.holder_before].holder_after = gone.holder_after;
        return;
    }
    const std::uint32_t block = find_block(gone.block);
    blocks_[block].first = gone.holder_after;
    if (gone.holder_after != kNone) return;
    std::uint32_t* link = &block_buckets_[block_bucket(gone.block)];
    while (*link != block) link = &blocks_[*link].bucket_next;
    *link = blocks_[block].bucket_next;
    free_blocks_.push_back(block);
}

void PrefixIndex::link_newest(std::uint32_t entry) {
    Queue& queue = queues_[entries_[entry].replica];
    entries_[entry].newer = kNone;
    entries_[entry].older = queue.newest;
    if (queue.newest != kNone) entries_[queue.newest].newer = entry;
    queue.newest = entry;
    if (queue.oldest == kNone) queue.oldest = entry;
    ++queue.size;
}

void PrefixIndex::unlink_queue(std::uint32_t entry) {
    const Entry& gone = entries_[entry];
    Queue& queue = queues_[gone.replica];
    if (gone.newer == kNone) queue.newest = gone.older;
    if (gone.newer != kNone) entries_[gone.newer].older = gone.older;
    if (gone.older == kNone) queue.oldest = gone.newer;
    if (gone.older != kNone) entries_[gone.older].newer = gone.newer;
    --queue.size;
}

std::uint32_t PrefixIndex::held(ReplicaId replica, std::span<const std::uint64_t> blocks) const {
    // What a replica holds of a prompt is a prefix of it, so a bisection finds its end.
    std::size_t low = 0;
    std::size_t high = blocks.size();
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (find_entry(blocks[middle], replica) != kNone) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return static_cast<std::uint32_t>(low);
}

std::size_t PrefixIndex::find(std::span<const std::uint64_t> blocks, std::span<Holder> holders) const {
    std::size_t low = 0;
    std::size_t high = blocks.size();
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (find_block(blocks[middle]) != kNone) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    std::size_t count = 0;
    std::size_t steps = kStepsPerHolder * holders.size();
    for (std::size_t depth = low; depth > 0 && count < holders.size() && steps > 0; --depth) {
        const std::uint32_t block = find_block(blocks[depth - 1]);
        for (std::uint32_t at = blocks_[block].first; at != kNone && count < holders.size() && steps > 0;
             at = entries_[at].holder_after) {
            --steps;
            const ReplicaId replica = entries_[at].replica;
            const auto known = holders.first(count);
            if (std::ranges::find(known, replica, &Holder::replica) != known.end()) continue;
            holders[count++] = {replica, static_cast<std::uint32_t>(depth)};
        }
    }
    return count;
}

}  // namespace vcity::routing
