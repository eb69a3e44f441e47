// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/files/multipart.hpp"

#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "base/check.hpp"

namespace {

// What the parts hold, and whether they were read to their end.
std::string read(std::string_view body, std::size_t piece_bytes) {
    using vcity::gateway::MultipartEvent;
    vcity::gateway::MultipartReader reader{"b"};
    std::string text;
    std::size_t bytes = 0;
    for (std::size_t at = 0; at < body.size(); at += piece_bytes) {
        const auto events = reader.feed(body.substr(at, piece_bytes));
        if (!events) return "";
        for (const MultipartEvent& event : *events) {
            if (event.kind == MultipartEvent::Kind::kPart) text += "(" + event.name + event.filename.value_or("-");
            if (event.kind == MultipartEvent::Kind::kEnd) text += ")";
            text += event.bytes;
            bytes += event.bytes.size();
        }
    }
    CHECK(bytes <= body.size());
    return text;
}

}  // namespace

// However a body is cut, its parts are the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = vcity::as_text({data, size});
    const std::string whole = read(text, size + 1);
    if (!whole.empty()) CHECK(read(text, 1) == whole && read(text, 7) == whole);
    (void)vcity::gateway::multipart_boundary(text);
    return 0;
}
