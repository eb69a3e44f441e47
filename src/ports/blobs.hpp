// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "ports/files.hpp"

namespace vcity::ports {

// A file on its way into a store. Without keep() nothing of it is there afterwards.
class BlobDraft {
  public:
    virtual ~BlobDraft() = default;
    // kExhausted: there is no room; the draft is of no more use.
    virtual Task<Result<void>> write(Bytes bytes) = 0;
    // It is in the store from now on, durably, under the hash of what was written. Once, and nothing may follow.
    virtual Task<Result<FileDigest>> keep() = 0;
};

// Files by what is in them: each is there once, whole, and never changes. Owned by one role, called on its runtime; who
// may have a file and for how long is the owner's business. Calls may be repeated.
class BlobStore {
  public:
    virtual ~BlobStore() = default;
    // kExhausted: there is no room for anything.
    virtual Task<Result<std::unique_ptr<BlobDraft>>> draft() = 0;
    // kNotFound. What was opened can be read to its end, even if it is erased meanwhile.
    virtual Task<Result<std::unique_ptr<FileSource>>> open(Hash sha256) = 0;
    // Also when it is not there.
    virtual Task<Result<void>> erase(Hash sha256) = 0;
    // Those with a greater hash, ascending, at most limit.
    virtual Task<Result<std::vector<FileDigest>>> list(Hash after, std::size_t limit) = 0;
    // That may still be written.
    virtual Task<Result<std::uint64_t>> bytes_free() = 0;
};

}  // namespace vcity::ports
