// SPDX-License-Identifier: Apache-2.0
#include "adapters/volume_folder/volumes.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "ports/testing/volume_contract.hpp"

namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;

class FolderHarness final : public ports::testing::OnRuntime<ports::testing::VolumeHarness, AsioRuntime> {
  public:
    FolderHarness() {
        std::string pattern = (fs::temp_directory_path() / "vcity-volumes-XXXXXX").string();
        root_ = ::mkdtemp(pattern.data());
        Result<std::unique_ptr<FolderVolumes>> made = FolderVolumes::make_at(&runtime(), root_.string() + "/steps");
        EXPECT_TRUE(made.has_value());
        volumes_ = *std::move(made);
    }
    // Volumes that have just ended are being removed meanwhile.
    ~FolderHarness() override {
        std::error_code ignored;
        fs::remove_all(root_, ignored);
    }
    ports::Volumes& volumes() override { return *volumes_; }
    fs::path root() const { return root_; }
    std::string leave_behind() override {
        const fs::path folder = fs::canonical(root_) / "steps" / ("left-" + std::to_string(++left_));
        fs::create_directories(folder / "in");
        std::ofstream{folder / "in" / "a"} << "kept";
        return folder.string();
    }

  private:
    fs::path root_;
    int left_ = 0;
    std::unique_ptr<FolderVolumes> volumes_;
};

class VolumeFolderTest : public testing::Test {
  protected:
    template <class T>
    T run(Task<T> task) {
        return ports::testing::await(harness, std::move(task));
    }
    FolderHarness harness;
    std::unique_ptr<ports::Volume> volume = run(harness.volumes().make("step", 1U << 20U)).value();
};

TEST_F(VolumeFolderTest, NamesThatLeaveItAreRefused) {
    for (const std::string name : {"/etc/passwd", "../up", "a/../../up", "", ".", "a/", "a//b"}) {
        EXPECT_EQ(run(volume->open(name)).error().code, Errc::kInvalid) << name;
        EXPECT_EQ(run(volume->create(name)).error().code, Errc::kInvalid) << name;
    }
    EXPECT_EQ(run(harness.volumes().make("a/b", 1)).error().code, Errc::kInvalid);
}

TEST_F(VolumeFolderTest, LinksThatTheJobMadeLeadNowhere) {
    const fs::path secret = harness.root() / "secret";
    std::ofstream{secret} << "the host's";
    const fs::path inside = volume->path();
    fs::create_directories(inside / "out");
    fs::create_symlink(secret, inside / "out" / "link");
    fs::create_directory_symlink(harness.root(), inside / "folder");
    EXPECT_EQ(run(volume->open("out/link")).error().code, Errc::kNotFound);
    EXPECT_EQ(run(volume->open("folder/secret")).error().code, Errc::kNotFound);
    EXPECT_TRUE(run(volume->list("out", 10, 4)).value().empty());
    EXPECT_FALSE(run(volume->create("folder/planted")).has_value());
    EXPECT_FALSE(fs::exists(harness.root() / "planted"));
    fs::create_directory_symlink("/etc", inside / "etc");
    EXPECT_TRUE(run(volume->list("etc", 1000, 4)).value().empty());
}

TEST_F(VolumeFolderTest, PipesAndFoldersAreNoFiles) {
    const fs::path inside = volume->path();
    ASSERT_EQ(::mkfifo((inside / "pipe").c_str(), 0666), 0);
    EXPECT_EQ(run(volume->open("pipe")).error().code, Errc::kNotFound);
    EXPECT_TRUE(run(volume->make_folder("folder")).has_value());
    EXPECT_EQ(run(volume->open("folder")).error().code, Errc::kNotFound);
}

TEST_F(VolumeFolderTest, OnlyTheAgentEntersTheRoot) {
    const fs::perms root = fs::status(fs::path{volume->path()}.parent_path()).permissions();
    EXPECT_EQ(root & (fs::perms::group_all | fs::perms::others_all), fs::perms::none);
}

}  // namespace

std::unique_ptr<ports::testing::VolumeHarness> make_harness() {
    return std::make_unique<FolderHarness>();
}

}  // namespace vcity::adapters

namespace vcity::ports::testing {

INSTANTIATE_TEST_SUITE_P(Folder, VolumeContract, ::testing::Values(VolumeHarnessFactory{adapters::make_harness}));

}  // namespace vcity::ports::testing
