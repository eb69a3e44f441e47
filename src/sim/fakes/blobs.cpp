// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/blobs.hpp"

#include <algorithm>
#include <utility>

#include "crypto/sha256.hpp"

namespace vcity::sim {
namespace {

Result<void> check(const FakeBlobDisk& disk, std::uint64_t more) {
    if (disk.is_broken) return make_error(Errc::kUnavailable, "the disk is gone");
    if (disk.used() + more > disk.bytes_max) return make_error(Errc::kExhausted, "the disk is full");
    return {};
}

class Source final : public ports::FileSource {
  public:
    explicit Source(std::shared_ptr<const Bytes> bytes) : bytes_{std::move(bytes)} {}
    std::uint64_t size() const override { return bytes_->size(); }
    Task<Result<Bytes>> read(std::uint64_t offset, std::size_t max) override {
        const std::size_t begin = std::min<std::uint64_t>(offset, bytes_->size());
        const std::size_t count = std::min(max, bytes_->size() - begin);
        const auto first = bytes_->begin() + static_cast<std::ptrdiff_t>(begin);
        co_return Bytes(first, first + static_cast<std::ptrdiff_t>(count));
    }

  private:
    std::shared_ptr<const Bytes> bytes_;
};

class Draft final : public ports::BlobDraft {
  public:
    explicit Draft(FakeBlobDisk* disk) : disk_{disk} {}
    Task<Result<void>> write(Bytes bytes) override {
        CO_TRY_OK(check(*disk_, bytes_.size() + bytes.size()));
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        co_return Result<void>{};
    }
    Task<Result<ports::FileDigest>> keep() override {
        CO_TRY_OK(check(*disk_, bytes_.size()));
        const ports::FileDigest digest{crypto::sha256(bytes_), bytes_.size()};
        disk_->files[digest.sha256] = std::make_shared<const Bytes>(std::move(bytes_));
        co_return digest;
    }

  private:
    FakeBlobDisk* disk_;
    Bytes bytes_;
};

}  // namespace

std::uint64_t FakeBlobDisk::used() const {
    std::uint64_t bytes = 0;
    for (const auto& [sha256, content] : files) bytes += content->size();
    return bytes;
}

Task<Result<std::unique_ptr<ports::BlobDraft>>> FakeBlobs::draft() {
    CO_TRY_OK(check(*disk_, 1));
    std::unique_ptr<ports::BlobDraft> made = std::make_unique<Draft>(disk_);
    co_return made;
}

Task<Result<std::unique_ptr<ports::FileSource>>> FakeBlobs::open(Hash sha256) {
    CO_TRY_OK(check(*disk_, 0));
    const auto found = disk_->files.find(sha256);
    if (found == disk_->files.end()) co_return make_error(Errc::kNotFound, "no such file");
    std::unique_ptr<ports::FileSource> source = std::make_unique<Source>(found->second);
    co_return source;
}

Task<Result<void>> FakeBlobs::erase(Hash sha256) {
    CO_TRY_OK(check(*disk_, 0));
    disk_->files.erase(sha256);
    co_return Result<void>{};
}

Task<Result<std::vector<ports::FileDigest>>> FakeBlobs::list(Hash after, std::size_t limit) {
    CO_TRY_OK(check(*disk_, 0));
    std::vector<ports::FileDigest> page;
    for (auto at = disk_->files.upper_bound(after); at != disk_->files.end() && page.size() < limit; ++at) {
        page.push_back({at->first, at->second->size()});
    }
    co_return page;
}

Task<Result<std::uint64_t>> FakeBlobs::bytes_free() {
    co_return disk_->bytes_max - std::min(disk_->bytes_max, disk_->used());
}

}  // namespace vcity::sim
