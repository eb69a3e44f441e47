// SPDX-License-Identifier: Apache-2.0
#include "placement/index/unit_ids.hpp"

#include <bit>
#include <cstring>

namespace vcity::placement {
namespace {

// Ids are hashes of keys, but a stranger can search for keys: mix all of it.
std::uint64_t hash_of(const UnitId& id) {
    std::uint64_t words[3] = {};
    std::memcpy(words, id.node.bytes.data(), Address::kSize);
    std::uint64_t hash = id.unit;
    for (const std::uint64_t word : words) {
        hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
        hash ^= hash >> 29;
    }
    return hash;
}

}  // namespace

std::size_t UnitIds::bucket_of(const UnitId& id) const {
    const std::size_t mask = buckets_.size() - 1;
    std::size_t bucket = hash_of(id) & mask;
    while (buckets_[bucket] != kNone && ids_[buckets_[bucket]] != id) bucket = (bucket + 1) & mask;
    return bucket;
}

std::uint32_t UnitIds::slot_of(const UnitId& id) const {
    return buckets_.empty() ? kNone : buckets_[bucket_of(id)];
}

void UnitIds::insert(std::uint32_t slot, const UnitId& id) {
    if (slot >= ids_.size()) ids_.resize(slot + std::size_t{1});
    reserve(ids_.size());
    ids_[slot] = id;
    buckets_[bucket_of(id)] = slot;
}

// Closes the gap, so that no search stops short.
void UnitIds::erase(std::uint32_t slot) {
    const std::size_t mask = buckets_.size() - 1;
    std::size_t hole = bucket_of(ids_[slot]);
    for (std::size_t next = (hole + 1) & mask; buckets_[next] != kNone; next = (next + 1) & mask) {
        const std::size_t home = hash_of(ids_[buckets_[next]]) & mask;
        if (((next - home) & mask) < ((next - hole) & mask)) continue;
        buckets_[hole] = buckets_[next];
        hole = next;
    }
    buckets_[hole] = kNone;
    ids_[slot] = {};
}

void UnitIds::reserve(std::size_t units) {
    if (units > ids_.capacity()) ids_.reserve(units);
    if (units * 4 <= buckets_.size() * 3) return;
    const std::vector<std::uint32_t> before = std::move(buckets_);
    buckets_.assign(std::bit_ceil(units * 4 / 3 + 2), kNone);
    for (const std::uint32_t slot : before) {
        if (slot != kNone) buckets_[bucket_of(ids_[slot])] = slot;
    }
}

std::size_t UnitIds::bytes() const {
    return ids_.capacity() * sizeof(UnitId) + buckets_.capacity() * sizeof(std::uint32_t);
}

}  // namespace vcity::placement
