// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_oci/frames.hpp"

#include <algorithm>

namespace vcity::adapters {

Result<std::vector<FramePart>> FrameDecoder::add(ByteView bytes) {
    std::vector<FramePart> parts;
    while (!bytes.empty()) {
        if (left_ == 0) {
            header_[header_size_++] = bytes.front();
            bytes = bytes.subspan(1);
            if (header_size_ < kHeaderBytes) continue;
            const bool is_frame = header_[0] <= 2 && header_[1] == 0 && header_[2] == 0 && header_[3] == 0;
            if (!is_frame) {
                header_size_ = 0;
                return make_error(Errc::kCorrupt, "container engine: malformed frame of output");
            }
            for (std::size_t index = 4; index < kHeaderBytes; ++index) left_ = left_ << 8U | header_[index];
            header_size_ = left_ == 0 ? 0 : kHeaderBytes;
            continue;
        }
        const std::size_t size = std::min<std::size_t>(left_, bytes.size());
        parts.push_back({static_cast<FrameKind>(header_[0]),
                         Bytes{bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}});
        bytes = bytes.subspan(size);
        left_ -= static_cast<std::uint32_t>(size);
        if (left_ == 0) header_size_ = 0;
    }
    return parts;
}

}  // namespace vcity::adapters
