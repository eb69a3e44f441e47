// SPDX-License-Identifier: Apache-2.0
#include "placement/index/state_table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.hpp"

namespace vcity::placement {
namespace {

constexpr std::uint8_t kUnknown = 0xfe;       // in GpuChoice::gpu: not asked yet
constexpr std::uint64_t kIdleLookups = 4096;  // a class unused for so many lookups gives way
constexpr std::size_t kHints = 256;
constexpr std::size_t kDeadShare = 8;  // unused states are dropped when they are one in so many

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
    return hash ^ (hash >> 32);
}

std::uint64_t hash_of(const GpuRequest& request) {
    std::uint64_t hash = mix(request.models, (std::uint64_t{request.gpus} << 16) | request.gpu_milli);
    return mix(hash, (std::uint64_t{request.cpu_milli} << 32) ^ request.memory_mib);
}

}  // namespace

StateTable::StateTable(const PackingPolicy* policy, std::size_t models, std::size_t states_max, std::size_t classes)
    : policy_{policy},
      classes_max_{classes},
      states_(states_max),
      choices_(states_max * classes, GpuChoice{0, kUnknown}),
      buckets_(std::bit_ceil(states_max * 3 / 2 + 1), kNone),
      rows_(models * kRowsPerModel),
      floors_(classes * models * (kRowsPerModel / kLaneStep)),
      seen_(classes * rows_.size(), kNone),
      unsettled_(classes * models, 0),
      classes_(classes),
      class_hints_(kHints, 0) {
    free_.reserve(states_max);
    for (std::size_t state = states_max; state-- > 0;) free_.push_back(static_cast<std::uint32_t>(state));
    for (std::size_t index = 0; index < classes; ++index) reset_floors(index);
}

void StateTable::mark_unsettled(std::uint32_t row) {
    const std::size_t models = rows_.size() / kRowsPerModel;
    for (std::size_t at = row / kRowsPerModel; at < unsettled_.size(); at += models) {
        unsettled_[at] |= 1ULL << (row % kRowsPerModel);
    }
}

void StateTable::add_stateless(std::uint32_t row) {
    if (rows_[row].stateless++ == 0) mark_unsettled(row);
}

StateTable::Key StateTable::key_of(std::uint32_t row, const GpuState& state) {
    const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(state.left_milli);
    return {words[0], words[1], std::uint64_t{state.cpu_left_milli} << 32U | state.memory_left_mib,
            std::uint64_t{row} << 8U | state.gpus};
}

GpuState StateTable::state_of(const Key& key) {
    GpuState state;
    state.model = static_cast<std::uint8_t>(row_of(key) / kRowsPerModel);
    state.gpus = static_cast<std::uint8_t>(key.row);
    state.left_milli = std::bit_cast<GpuMilli>(std::array{key.low, key.high});
    state.cpu_left_milli = static_cast<std::uint32_t>(key.left >> 32U);
    state.memory_left_mib = static_cast<std::uint32_t>(key.left);
    return state;
}

std::size_t StateTable::bucket_of(const Key& key) const {
    const std::size_t mask = buckets_.size() - 1;
    // Two halves side by side: the multiplications do not wait for each other.
    std::size_t bucket = (mix(key.low, key.left) ^ mix(key.high + 1, key.row) * 3) & mask;
    while (buckets_[bucket] != kNone) {
        if (states_[buckets_[bucket]].key == key) break;
        bucket = (bucket + 1) & mask;
    }
    return bucket;
}

void StateTable::link(std::uint32_t state) {
    Row& row = rows_[row_of(states_[state].key)];
    states_[state].next_in_row = row.newest;
    row.newest = state;
    mark_unsettled(row_of(states_[state].key));
}

std::uint32_t StateTable::acquire(std::uint32_t row, const GpuState& rounded) {
    const Key key = key_of(row, rounded);
    std::size_t bucket = bucket_of(key);
    std::uint32_t state = buckets_[bucket];
    if (state == kNone) {
        if (free_.empty()) {
            drop_unused();
            if (free_.empty()) return kNone;
            bucket = bucket_of(key);
        }
        state = free_.back();
        free_.pop_back();
        states_[state] = State{key, kNone, 0};
        const auto first = choices_.begin() + static_cast<std::ptrdiff_t>(state * classes_max_);
        std::fill_n(first, classes_max_, GpuChoice{0, kUnknown});
        buckets_[bucket] = state;
        link(state);
    }
    if (states_[state].units++ == 0) ++in_use_;
    return state;
}

void StateTable::release(std::uint32_t state) {
    CHECK(states_[state].units > 0);
    if (--states_[state].units == 0) --in_use_;
}

// Unused states stay until room is needed: most come back soon, with their answers.
void StateTable::drop_unused() {
    if ((states_.size() - in_use_) * kDeadShare < states_.size()) return;
    relink_used();
}

void StateTable::relink_used() {
    std::ranges::fill(buckets_, kNone);
    for (Row& row : rows_) row.newest = kNone;
    free_.clear();
    for (std::size_t index = 0; index < classes_max_; ++index) reset_floors(index);
    for (std::size_t index = states_.size(); index-- > 0;) {
        const auto state = static_cast<std::uint32_t>(index);
        if (states_[index].units == 0) {
            free_.push_back(state);
            continue;
        }
        buckets_[bucket_of(states_[index].key)] = state;
        link(state);
    }
}

void StateTable::replace_policy(const PackingPolicy* policy) {
    policy_ = policy;
    relink_used();
    for (std::size_t state = 0; state < states_.size(); ++state) {
        if (states_[state].units == 0) continue;
        const auto first = choices_.begin() + static_cast<std::ptrdiff_t>(state * classes_max_);
        std::fill_n(first, classes_max_, GpuChoice{0, kUnknown});
    }
}

void StateTable::reset_class(std::size_t index) {
    for (std::size_t at = index; at < choices_.size(); at += classes_max_) choices_[at] = GpuChoice{0, kUnknown};
    reset_floors(index);
}

// Back to "no state seen", with everything there is to be looked at again.
void StateTable::reset_floors(std::size_t index) {
    const std::size_t models = rows_.size() / kRowsPerModel;
    for (std::size_t row = 0; row < rows_.size(); ++row) {
        seen_[index * rows_.size() + row] = kNone;
        floor_at(index, row) = kPenaltyMax;
        if (rows_[row].newest == kNone && rows_[row].stateless == 0) continue;
        unsettled_[index * models + row / kRowsPerModel] |= 1ULL << (row % kRowsPerModel);
    }
}

int StateTable::class_of(const GpuRequest& rounded) {
    ++tick_;
    std::uint8_t& hint = class_hints_[hash_of(rounded) % kHints];
    if (hint >= classes_.size() || !classes_[hint].is_taken || classes_[hint].request != rounded) {
        const auto known =
            std::ranges::find_if(classes_, [&](const Class& one) { return one.is_taken && one.request == rounded; });
        if (known != classes_.end()) {
            hint = static_cast<std::uint8_t>(known - classes_.begin());
        } else {
            const auto oldest = std::ranges::min_element(classes_, {}, &Class::used_at);
            if (oldest == classes_.end()) return kNoClass;
            if (oldest->is_taken) {
                if (tick_ - oldest->used_at < kIdleLookups) return kNoClass;
                reset_class(static_cast<std::size_t>(oldest - classes_.begin()));
            }
            oldest->request = rounded;
            oldest->is_taken = true;
            hint = static_cast<std::uint8_t>(oldest - classes_.begin());
        }
    }
    classes_[hint].used_at = tick_;
    return hint;
}

GpuChoice StateTable::choice(std::uint32_t state, int request_class) {
    const auto index = static_cast<std::size_t>(request_class);
    GpuChoice& known = choices_[state * classes_max_ + index];
    if (known.gpu == kUnknown) {
        known = policy_->choose(state_of(states_[state].key), classes_[index].request);
        CHECK(known.penalty <= kPenaltyMax && known.gpu != kUnknown);
    }
    return known;
}

float StateTable::floor(std::size_t model, int request_class, ClassMask classes, const LaneKernels& kernels) {
    if (request_class == kNoClass) return 0;
    const auto index = static_cast<std::size_t>(request_class);
    if ((unsettled_[index * (rows_.size() / kRowsPerModel) + model] & classes) != 0)
        settle_floors(model, index, classes);
    return kernels.least_in(&floor_at(index, model * kRowsPerModel), kRowsPerModel, classes);
}

void StateTable::settle_floors(std::size_t model, std::size_t index, ClassMask classes) {
    ClassMask& unsettled = unsettled_[index * (rows_.size() / kRowsPerModel) + model];
    for (ClassMask rest = unsettled & classes; rest != 0; rest &= rest - 1) {
        const std::size_t row = model * kRowsPerModel + static_cast<std::size_t>(std::countr_zero(rest));
        std::uint32_t& seen = seen_[index * rows_.size() + row];
        float& floor = floor_at(index, row);
        for (std::uint32_t state = rows_[row].newest; state != seen; state = states_[state].next_in_row) {
            floor = std::min(floor, static_cast<float>(choice(state, static_cast<int>(index)).penalty));
        }
        seen = rows_[row].newest;
        if (rows_[row].stateless > 0) floor = 0;
    }
    unsettled &= ~classes;
}

std::size_t StateTable::bytes() const {
    return states_.capacity() * sizeof(State) + choices_.capacity() * sizeof(GpuChoice) +
           (buckets_.capacity() + free_.capacity()) * sizeof(std::uint32_t) + rows_.capacity() * sizeof(Row) +
           floors_.capacity() * sizeof(Lanes) + seen_.capacity() * sizeof(std::uint32_t) +
           unsettled_.capacity() * sizeof(ClassMask) + classes_.capacity() * sizeof(Class) + class_hints_.capacity();
}

}  // namespace vcity::placement
