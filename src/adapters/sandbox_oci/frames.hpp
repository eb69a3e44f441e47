// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::adapters {

enum class FrameKind : std::uint8_t { kInput = 0, kOutput = 1, kError = 2 };

struct FramePart {
    FrameKind kind = FrameKind::kOutput;
    Bytes bytes;  // not empty; a frame may come in parts

    bool operator==(const FramePart&) const = default;
};

// Takes apart what an engine sends for a program without a terminal: frames of one byte for the kind, three zero
// bytes, the length (u32, big endian), then so many bytes. Holds back at most a header.
class FrameDecoder {
  public:
    // kCorrupt: no frame begins like this; nothing can be decoded afterwards.
    Result<std::vector<FramePart>> add(ByteView bytes);

  private:
    static constexpr std::size_t kHeaderBytes = 8;

    std::array<std::uint8_t, kHeaderBytes> header_{};
    std::size_t header_size_ = 0;
    std::uint32_t left_ = 0;
};

}  // namespace vcity::adapters
