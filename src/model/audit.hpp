// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"

namespace vcity {

// How much a node commits to while it serves; docs/verification.md says what follows from each.
enum class AuditTier : std::uint8_t {
    kSketch = 0,  // tier A: tokens and a short sketch of each position; the node replays the request when asked
    kServed = 1,  // tier B: everything that ties positions and layers together
};

// Which arithmetic a node uses, where verification has to know it.
enum class KernelClass : std::uint8_t {
    kFloat32 = 0,     // everything in fp32, rounded to nearest
    kFlashBf16 = 1,   // bf16 with fp32 scores; softmax weights rounded to bf16 before they meet the values
    kFlashTensor = 2  // the same on tensor cores, whose fp32 sums lose low bits
};

// One place of a computation that a verifier may ask for: one layer at one token position. The layer number equal to
// the model's layer count names the final norm, the logits and the choice of the next token.
struct Cell {
    std::uint32_t position = 0;
    std::uint32_t layer = 0;

    auto operator<=>(const Cell&) const = default;
};

// One query head at one position. Needs that cell and the pages of its keys and values up to that position.
struct HeadProbe {
    std::uint32_t position = 0;
    std::uint32_t layer = 0;
    std::uint32_t head = 0;

    auto operator<=>(const HeadProbe&) const = default;
};

// Keys and values of one key-value head of one layer at kPagePositions consecutive positions.
struct PageId {
    std::uint32_t layer = 0;
    std::uint32_t kv_head = 0;
    std::uint32_t page = 0;

    auto operator<=>(const PageId&) const = default;
};

// What a verifier asks for. Everything is distinct. A node that has to answer learns no more than this: which heads are
// probed is the verifier's own business.
struct AuditQuestion {
    std::vector<Cell> cells{};
    std::vector<PageId> pages{};
    std::vector<std::uint32_t> sketches{};  // tier A: positions whose served sketch is compared with the replay

    bool operator==(const AuditQuestion&) const = default;
};

inline constexpr std::uint32_t kPagePositions = 32;
inline constexpr std::size_t kOpenedCellsMax = 64;
inline constexpr std::size_t kOpenedPagesMax = 512;
inline constexpr std::size_t kOpenedSketchesMax = 64;

// A cell: bytes that the node committed to (verify/trace/served_leaf.hpp) with their Merkle paths, and what it computed
// from them when it was asked (verify/trace/computed.hpp).
struct OpenedCell {
    Cell cell;
    Bytes data;  // the served values of this cell
    std::vector<Hash> proof{};
    Bytes next{};  // input of the next layer and the digest of its other values; empty for the final cell
    std::vector<Hash> next_proof{};
    Bytes computed{};

    bool operator==(const OpenedCell&) const = default;
};

struct OpenedPage {
    PageId page;
    Bytes data;  // keys, then values
    std::vector<Hash> proof;

    bool operator==(const OpenedPage&) const = default;
};

// Tier A: the served sketch with its path to the receipt's root, and from the replay the two states it is a sketch of,
// each with the digest of its cell's other values and its path to the root of the replay.
struct OpenedSketch {
    std::uint32_t position = 0;
    Bytes data;
    std::vector<Hash> proof;
    Bytes middle;
    std::vector<Hash> middle_proof;
    Bytes last;
    std::vector<Hash> last_proof;

    bool operator==(const OpenedSketch&) const = default;
};

// The node's answer: the header it committed to (leaf 0 of the receipt's tree) and what was asked for, in the order
// asked. In tier A cells and pages belong to the tree of the replay.
struct Opening {
    Bytes header;
    std::vector<Hash> header_proof;
    std::vector<OpenedCell> cells{};
    std::vector<OpenedPage> pages{};
    std::vector<OpenedSketch> sketches{};

    bool operator==(const Opening&) const = default;
};

}  // namespace vcity
