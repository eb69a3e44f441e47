// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_oci/frames.hpp"

#include <cstddef>
#include <cstdint>

#include "base/check.hpp"

// Never more bytes out than in, and the same bytes out however they are cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const vcity::ByteView bytes{data, size};
    vcity::adapters::FrameDecoder whole;
    vcity::adapters::FrameDecoder cut;
    const auto at_once = whole.add(bytes);
    std::size_t once_bytes = 0;
    std::size_t cut_bytes = 0;
    if (at_once) {
        for (const auto& part : *at_once) once_bytes += part.bytes.size();
    }
    for (const std::uint8_t& byte : bytes) {
        const auto part = cut.add(vcity::ByteView{&byte, 1});
        if (!part) return 0;
        for (const auto& one : *part) cut_bytes += one.bytes.size();
    }
    CHECK(!at_once || once_bytes == cut_bytes);
    CHECK(once_bytes <= size);
    return 0;
}
