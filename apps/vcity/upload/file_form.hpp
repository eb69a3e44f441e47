// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "ports/http.hpp"

namespace vcity::upload {

// A multipart/form-data body (RFC 7578) with one file and OpenAI's purpose, in pieces. Borrows the content. name: none
// of its characters may end the quotes that it stands in; others are replaced by '_'.
class FileForm final : public ports::HttpBody {
  public:
    FileForm(std::string_view name, std::string_view purpose, ByteView content);

    std::string content_type() const;
    std::uint64_t bytes() const override;
    Task<Result<std::string>> read() override;

  private:
    std::string head_;
    std::string tail_;
    ByteView content_;
    std::size_t sent_ = 0;
    int part_ = 0;
};

}  // namespace vcity::upload
