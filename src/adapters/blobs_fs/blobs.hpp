// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "async/runtime.hpp"
#include "ports/blobs.hpp"

namespace vcity::adapters {

struct FolderBlobsOptions {
    std::string folder;  // made if there is none; nobody else may write in it
    // Of the disk, for others: what would leave less of it is refused.
    std::uint64_t disk_bytes_reserved = 1ULL << 30U;
};

// Files in a folder, at ab/abcd...: two digits of the hash, then all of them. A file is written under drafts/, synced,
// and renamed, so that what has its name is whole. The disk is waited for off the role's thread.
class FolderBlobs final : public ports::BlobStore {
  public:
    // Removes drafts that an earlier process left. kUnavailable: the folder cannot be made or written.
    static Result<std::unique_ptr<FolderBlobs>> make(Runtime* runtime, FolderBlobsOptions options);

    Task<Result<std::unique_ptr<ports::BlobDraft>>> draft() override;
    Task<Result<std::unique_ptr<ports::FileSource>>> open(Hash sha256) override;
    Task<Result<void>> erase(Hash sha256) override;
    Task<Result<std::vector<ports::FileDigest>>> list(Hash after, std::size_t limit) override;
    Task<Result<std::uint64_t>> bytes_free() override;

  private:
    FolderBlobs(Runtime* runtime, FolderBlobsOptions options) : runtime_{runtime}, options_{std::move(options)} {}

    Runtime* runtime_;
    FolderBlobsOptions options_;
};

}  // namespace vcity::adapters
