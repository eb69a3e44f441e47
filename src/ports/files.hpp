// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "async/task.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::ports {

// One file to read, anywhere in it. What is read may change meanwhile: whoever needs it to stay must check its hash.
class FileSource {
  public:
    virtual ~FileSource() = default;
    virtual std::uint64_t size() const = 0;  // when it was opened
    // 1..max bytes from the offset, or none at the end. kUnavailable: it cannot be read.
    virtual Task<Result<Bytes>> read(std::uint64_t offset, std::size_t max) = 0;
};

// One new file to write, front to back. Without close() nothing of it is there afterwards.
class FileSink {
  public:
    virtual ~FileSink() = default;
    // kExhausted: there is no room.
    virtual Task<Result<void>> write(Bytes bytes) = 0;
    // It is there from now on, whole, in place of one that had its name.
    virtual Task<Result<void>> close() = 0;
};

// Of the whole source, however long it has become. What read() says.
struct FileDigest {
    Hash sha256;
    std::uint64_t bytes = 0;
};
Task<Result<FileDigest>> digest_of(FileSource* source);

}  // namespace vcity::ports
