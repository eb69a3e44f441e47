// SPDX-License-Identifier: Apache-2.0
#include "adapters/blobs_fs/blobs.hpp"

#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "ports/testing/blob_contract.hpp"

namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;
using ports::testing::await;
using ports::testing::BlobContract;
using ports::testing::BlobHarness;
using ports::testing::BlobHarnessFactory;

class FolderBlobHarness final : public ports::testing::OnRuntime<BlobHarness, AsioRuntime> {
  public:
    FolderBlobHarness() { reopen(); }
    ~FolderBlobHarness() override { fs::remove_all(folder); }
    ports::BlobStore& blobs() override { return *blobs_; }
    void reopen() override { open(0); }
    void fill_up() override { open(UINT64_MAX); }
    void open(std::uint64_t reserved) {
        blobs_ = FolderBlobs::make(&runtime(), {.folder = folder, .disk_bytes_reserved = reserved}).value();
    }

    std::string folder = [] {
        std::string name = (fs::temp_directory_path() / "vcity-blobs-XXXXXX").string();
        return std::string{::mkdtemp(name.data())};
    }();

  private:
    std::unique_ptr<FolderBlobs> blobs_;
};

std::unique_ptr<BlobHarness> make_harness() {
    return std::make_unique<FolderBlobHarness>();
}

INSTANTIATE_TEST_SUITE_P(Folder, BlobContract, ::testing::Values(BlobHarnessFactory{make_harness}));

TEST(FolderBlobs, RemovesDraftsThatADeadProcessLeft) {
    FolderBlobHarness harness;
    std::ofstream{harness.folder + "/drafts/123"} << "half of it";
    harness.reopen();
    EXPECT_FALSE(fs::exists(harness.folder + "/drafts/123"));
}

TEST(FolderBlobs, ShowsNothingThatHasNoHashForItsName) {
    FolderBlobHarness harness;
    std::ofstream{harness.folder + "/ab/notes.txt"} << "not ours";
    fs::create_symlink("/etc/passwd", harness.folder + "/ab/" + std::string(64, 'a'));
    EXPECT_TRUE(await(harness, harness.blobs().list({}, 10)).value().empty());
    Hash aaa;
    aaa.bytes.fill(0xaa);
    EXPECT_FALSE(await(harness, harness.blobs().open(aaa)).has_value());
}

TEST(FolderBlobs, NeedsAFolderThatCanBeMade) {
    AsioRuntime runtime;
    EXPECT_FALSE(FolderBlobs::make(&runtime, {.folder = "/proc/nowhere", .disk_bytes_reserved = 0}).has_value());
}

}  // namespace
}  // namespace vcity::adapters
