// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_bwrap/cgroup.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/check.hpp"

namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;

// Ordinary folders and files in place of the kernel's.
class CgroupTest : public testing::Test {
  protected:
    CgroupTest() {
        std::string name = (fs::temp_directory_path() / "vcity-cgroup-XXXXXX").string();
        CHECK(::mkdtemp(name.data()) != nullptr);
        root = name;
    }
    ~CgroupTest() override { fs::remove_all(root); }

    void write(const std::string& path, std::string_view text) {
        fs::create_directories((root / path).parent_path());
        std::ofstream{root / path} << text;
    }
    std::string read(const fs::path& path) {
        std::ifstream file{path};
        return {std::istreambuf_iterator<char>{file}, {}};
    }

    fs::path root;
};

TEST_F(CgroupTest, FindsItsOwnGroupsOfVersion1) {
    fs::create_directories(root / "memory/machine/agent");
    fs::create_directories(root / "pids");
    const auto place = find_cgroups(root.string(), "8:pids:/\n4:cpu,memory:/machine/agent\n0::/\n");
    ASSERT_TRUE(place.has_value());
    EXPECT_EQ(place->memory_folder, (root / "memory/machine/agent").string());
    EXPECT_EQ(place->pids_folder, (root / "pids").string());
    EXPECT_FALSE(place->is_unified);
}

TEST_F(CgroupTest, TakesTheMountedGroupWhereAContainerHidesItsPath) {
    fs::create_directories(root / "memory");
    const auto place = find_cgroups(root.string(), "4:memory:/outside/of/here\n");
    ASSERT_TRUE(place.has_value());
    EXPECT_EQ(place->memory_folder, (root / "memory").string());
    EXPECT_EQ(place->pids_folder, "");
}

TEST_F(CgroupTest, HandsControllersOnInVersion2) {
    write("service/cgroup.controllers", "cpu memory pids\n");
    write("service/cgroup.subtree_control", "");
    write("cgroup.controllers", "cpu memory pids\n");
    const auto place = find_cgroups(root.string(), "0::/service\n");
    ASSERT_TRUE(place.has_value());
    EXPECT_TRUE(place->is_unified);
    EXPECT_EQ(place->memory_folder, (root / "service").string());
    EXPECT_EQ(read(root / "service/cgroup.subtree_control"), "+memory +pids");
}

TEST_F(CgroupTest, FindsTheSamePlaceAfterItHasMovedAside) {
    write("service/agent/cgroup.procs", "");
    write("service/cgroup.subtree_control", "memory pids\n");
    write("cgroup.controllers", "cpu memory pids\n");
    const auto place = find_cgroups(root.string(), "0::/service/agent\n");
    ASSERT_TRUE(place.has_value());
    EXPECT_EQ(place->memory_folder, (root / "service").string());
}

TEST_F(CgroupTest, DoesWithoutWhereThereIsNone) {
    EXPECT_EQ(find_cgroups(root.string(), ""), std::nullopt);
    EXPECT_EQ(find_cgroups(root.string(), "nonsense\n4:memory\n::::\n0::/x\n"), std::nullopt);
    write("cgroup.controllers", "cpu\n");
    EXPECT_EQ(find_cgroups(root.string(), "0::/\n"), std::nullopt) << "without a memory controller";
}

TEST_F(CgroupTest, RefusesToStartWithoutItsLimits) {
    fs::create_directories(root / "memory");
    const auto room = std::make_shared<CgroupRoom>(
        CgroupPlace{.memory_folder = (root / "memory").string(), .pids_folder = {}, .is_unified = false}, 7);
    // A folder that is no control group has no such file.
    const auto group = Cgroup::make(room, {.memory_bytes_max = 1, .processes_max = 1});
    ASSERT_FALSE(group.has_value());
    EXPECT_EQ(group.error().code, Errc::kUnavailable);
    EXPECT_TRUE(fs::is_empty(root / "memory")) << "nothing is left";
}

TEST_F(CgroupTest, RemovesWhatAgentsThatAreGoneLeft) {
    fs::create_directories(root / "memory/vcity-sandbox-4194305-1-1");
    fs::create_directories(root / ("memory/vcity-sandbox-" + std::to_string(::getpid()) + "-1-1"));
    fs::create_directories(root / "memory/vcity-sandbox-x");
    fs::create_directories(root / "memory/other");
    const CgroupRoom room{{.memory_folder = (root / "memory").string(), .pids_folder = {}, .is_unified = false}, 7};
    EXPECT_FALSE(fs::exists(root / "memory/vcity-sandbox-4194305-1-1"));
    EXPECT_EQ(std::distance(fs::directory_iterator{root / "memory"}, fs::directory_iterator{}), 3);
}

}  // namespace
}  // namespace vcity::adapters
