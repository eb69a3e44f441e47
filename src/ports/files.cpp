// SPDX-License-Identifier: Apache-2.0
#include "ports/files.hpp"

#include "crypto/sha256.hpp"

namespace vcity::ports {
namespace {

constexpr std::size_t kPartBytes = 256U << 10U;

}  // namespace

Task<Result<FileDigest>> digest_of(FileSource* source) {
    crypto::Sha256 hash;
    FileDigest digest;
    while (true) {
        CO_TRY(const Bytes part, co_await source->read(digest.bytes, kPartBytes));
        if (part.empty()) break;
        hash.update(part);
        digest.bytes += part.size();
    }
    digest.sha256 = hash.finish();
    co_return digest;
}

}  // namespace vcity::ports
