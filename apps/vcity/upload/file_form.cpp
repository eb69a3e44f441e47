// SPDX-License-Identifier: Apache-2.0
#include "upload/file_form.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "cli/keys.hpp"
#include "codec/hex.hpp"

namespace vcity::upload {
namespace {

constexpr std::size_t kPieceBytes = 256U << 10U;
constexpr std::size_t kBoundaryBytes = 16;

std::string boundary_of(const std::string& head) {
    return head.substr(2, head.find('\r') - 2);
}

}  // namespace

FileForm::FileForm(std::string_view name, std::string_view purpose, ByteView content) : content_{content} {
    // Random, so that no content can hold it.
    const std::string boundary = "vcity-" + codec::to_hex(cli::random_bytes(kBoundaryBytes)).substr(2);
    std::string safe{name};
    std::ranges::replace_if(
        safe,
        [](char character) {
            return character == '"' || character == '\\' || static_cast<unsigned char>(character) < ' ';
        },
        '_');
    head_ = fmt::format(
        "--{0}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{1}\r\n"
        "--{0}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{2}\"\r\n"
        "Content-Type: application/octet-stream\r\n\r\n",
        boundary, purpose, safe);
    tail_ = fmt::format("\r\n--{}--\r\n", boundary);
}

std::string FileForm::content_type() const {
    return "multipart/form-data; boundary=" + boundary_of(head_);
}

std::uint64_t FileForm::bytes() const {
    return head_.size() + content_.size() + tail_.size();
}

Task<Result<std::string>> FileForm::read() {
    if (part_ == 0) {
        part_ = 1;
        co_return head_;
    }
    if (sent_ < content_.size()) {
        const ByteView piece = content_.subspan(sent_, std::min(kPieceBytes, content_.size() - sent_));
        sent_ += piece.size();
        co_return std::string{as_text(piece)};
    }
    if (part_ == 1) {
        part_ = 2;
        co_return tail_;
    }
    co_return std::string{};
}

}  // namespace vcity::upload
