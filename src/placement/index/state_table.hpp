// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "placement/unit_record.hpp"

namespace vcity::placement {

// Keeps the answers of a packing policy. Units in equal rounded states of one row share a state; requests of equal
// rounded shape share a request class; the answer for a (state, class) pair is asked of the policy once. A floor, the
// least penalty of any state that a row has held, bounds the search. Part of the index; allocates only when made.
class StateTable {
  public:
    static constexpr std::uint32_t kNone = UINT32_MAX;
    static constexpr int kNoClass = -1;
    static constexpr std::size_t kStatesMax = UINT16_MAX;  // so that kNone stays apart when cut to sixteen bits

    StateTable(const PackingPolicy* policy, std::size_t models, std::size_t states_max, std::size_t classes);

    // Another policy, which rounds as the one before does: the states stand, the kept answers are forgotten.
    void replace_policy(const PackingPolicy* policy);

    // The state of a unit that enters the row, counted once more; kNone when the table is full of states in use, and
    // then the caller asks the policy itself.
    std::uint32_t acquire(std::uint32_t row, const GpuState& rounded);
    void release(std::uint32_t state);
    // For the units without a state.
    void add_stateless(std::uint32_t row);
    void remove_stateless(std::uint32_t row) { --rows_[row].stateless; }

    // The class of the request, or kNoClass while all classes are taken by requests in use.
    int class_of(const GpuRequest& rounded);

    void prefetch(std::uint32_t state, int request_class) const {
        __builtin_prefetch(choices_.data() + state * classes_max_ + static_cast<std::size_t>(request_class));
    }
    // Of a request that is in the class.
    GpuChoice choice(std::uint32_t state, int request_class);
    // No state that these rows of the model hold has a smaller penalty. Zero where a row holds units without a state,
    // and for kNoClass.
    float floor(std::size_t model, int request_class, ClassMask classes, const LaneKernels& kernels);

    std::size_t bytes() const;
    std::size_t states_in_use() const { return in_use_; }

  private:
    // A state and its row in four words, which are compared and hashed at once.
    struct Key {
        std::uint64_t low = 0;  // left_milli
        std::uint64_t high = 0;
        std::uint64_t left = 0;  // CPU, memory
        std::uint64_t row = 0;   // and the GPUs of the unit

        bool operator==(const Key& other) const {
            return ((low ^ other.low) | (high ^ other.high) | (left ^ other.left) | (row ^ other.row)) == 0;
        }
    };
    struct State {
        Key key;
        std::uint32_t next_in_row = kNone;  // the one that came before it
        std::uint32_t units = 0;
    };
    struct Row {
        std::uint32_t newest = kNone;
        std::uint32_t stateless = 0;
    };
    struct Class {
        GpuRequest request;
        std::uint64_t used_at = 0;
        bool is_taken = false;
    };

    static Key key_of(std::uint32_t row, const GpuState& state);
    static GpuState state_of(const Key& key);
    static std::uint32_t row_of(const Key& key) { return static_cast<std::uint32_t>(key.row >> 8U); }
    std::size_t bucket_of(const Key& key) const;
    void link(std::uint32_t state);
    void mark_unsettled(std::uint32_t row);
    void settle_floors(std::size_t model, std::size_t index, ClassMask classes);
    float& floor_at(std::size_t index, std::size_t row) {
        return floors_[(index * rows_.size() + row) / kLaneStep].values[row % kLaneStep];
    }
    void drop_unused();
    void relink_used();
    void reset_class(std::size_t index);
    void reset_floors(std::size_t index);

    const PackingPolicy* policy_;
    std::size_t classes_max_;
    std::vector<State> states_;
    std::vector<GpuChoice> choices_;  // [state][class]
    std::vector<std::uint32_t> buckets_;
    std::vector<std::uint32_t> free_;
    std::vector<Row> rows_;
    std::vector<Lanes> floors_;         // [class][row]
    std::vector<std::uint32_t> seen_;   // [class][row]: states from this one on are in the floor
    std::vector<ClassMask> unsettled_;  // [class][model]: rows with states that are not
    std::vector<Class> classes_;
    std::vector<std::uint8_t> class_hints_;  // by hash of the request
    std::uint64_t tick_ = 0;
    std::size_t in_use_ = 0;
};

}  // namespace vcity::placement
