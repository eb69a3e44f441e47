// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::checkpoint {

// A file mapped for reading as long as this lives. The file must not be truncated meanwhile.
class MappedFile {
  public:
    static Result<MappedFile> open(const std::filesystem::path& path);
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    ByteView bytes() const { return {data_, size_}; }

  private:
    MappedFile(const std::uint8_t* data, std::size_t size) : data_{data}, size_{size} {}

    const std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0;
};

// A whole file of at most bytes_max bytes; kNotFound or kInvalid otherwise, with the file's name.
Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t bytes_max);

}  // namespace vcity::checkpoint
