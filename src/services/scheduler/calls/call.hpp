// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "model/job.hpp"
#include "routing/router.hpp"

namespace vcity::scheduler {

// A model call that wants a node.
struct Call {
    const JobOrder* order = nullptr;  // outlives the call
    std::vector<Address> excluded;    // nodes that failed it, or have it
    // What is known of the prompt without its model's tokenizer.
    std::uint32_t tokens = 0;
    std::vector<std::uint64_t> blocks;
};

// A node for it, one slot taken.
struct Picked {
    Address node;
    ModelOffer offer;
    Hash monitor_key;  // as announced; zero: none
    PlacementReason reason;
    routing::Choice choice;
    std::uint64_t pool = 0;      // that it was chosen from
    std::uint32_t uncached = 0;  // tokens that the node has to compute, as far as is known
    routing::Nanos away = 0;     // of the expected time what it takes to reach the node
    bool is_trial = false;       // a newcomer that would not have been chosen for its record: the result is audited
};

// A token of text of the kind we see is about this many bytes; the real number is learned as a node's speed.
inline constexpr std::size_t kBytesPerToken = 4;
inline constexpr std::size_t kBlockBytes = 256;
inline constexpr std::uint32_t kBlockTokens = kBlockBytes / kBytesPerToken;
inline constexpr std::size_t kBlocksMax = 256;

// Names of the first kBlocksMax whole blocks of the prompt's text, each one's of everything up to its end: equal names
// mean equal beginnings, but for collisions, which cost time and nothing else. The salt keeps them a secret of the
// process, so that nobody can prepare collisions.
std::vector<std::uint64_t> prompt_blocks(const ModelRequest& request, std::uint64_t salt);
std::uint32_t prompt_tokens(const ModelRequest& request);

}  // namespace vcity::scheduler
