// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>

#include "async/runtime.hpp"
#include "ports/blobs.hpp"

namespace vcity::sim {

// What a FakeBlobs has kept; outlives it as a disk does its process.
struct FakeBlobDisk {
    std::map<Hash, std::shared_ptr<const Bytes>> files;
    std::uint64_t bytes_max = 1ULL << 30U;
    bool is_broken = false;  // everything fails with kUnavailable

    std::uint64_t used() const;
};

class FakeBlobs final : public ports::BlobStore {
  public:
    explicit FakeBlobs(FakeBlobDisk* disk) : disk_{disk} {}

    Task<Result<std::unique_ptr<ports::BlobDraft>>> draft() override;
    Task<Result<std::unique_ptr<ports::FileSource>>> open(Hash sha256) override;
    Task<Result<void>> erase(Hash sha256) override;
    Task<Result<std::vector<ports::FileDigest>>> list(Hash after, std::size_t limit) override;
    Task<Result<std::uint64_t>> bytes_free() override;

  private:
    FakeBlobDisk* disk_;
};

}  // namespace vcity::sim
