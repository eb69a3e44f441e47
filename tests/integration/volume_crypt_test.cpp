// SPDX-License-Identifier: Apache-2.0
// Encrypted volumes with the real gocryptfs. Run as "volume_crypt_test --hold FOLDER" the program makes a volume there,
// writes the canary into it, says so and waits to be killed.
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/volume_folder/crypt_volumes.hpp"
#include "adapters/volume_folder/own_mounts.hpp"
#include "adapters/volume_folder/volumes.hpp"
#include "ports/testing/volume_contract.hpp"

namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ports::testing::await;

const std::string kCanary = "the-canary-sings-of-what-a-customer-owns";
const std::string kCanaryName = "canary-name-of-a-customer.txt";

std::string make_folder() {
    std::string pattern = (fs::temp_directory_path() / "vcity-crypt-XXXXXX").string();
    return ::mkdtemp(pattern.data());
}

// Empty when it cannot be read, as of a process that ends meanwhile.
std::string content(const fs::path& path) {
    std::ifstream stream{path, std::ios::binary};
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

// Whether the text is in the name or the bytes of anything below the folder, on this file system only.
bool is_found(const fs::path& folder, const std::string& text) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator{folder}) {
        if (entry.path().string().find(text) != std::string::npos) return true;
        if (entry.is_regular_file() && content(entry.path()).find(text) != std::string::npos) return true;
    }
    return false;
}

bool is_mounted_below(const std::string& folder) {
    return content("/proc/self/mountinfo").find(" " + folder) != std::string::npos;
}

std::vector<std::string> programs_over(const std::string& folder) {
    std::vector<std::string> lines;
    for (const fs::directory_entry& entry : fs::directory_iterator{"/proc"}) {
        const std::string line = content(entry.path() / "cmdline");
        if (line.find("gocryptfs") != std::string::npos && line.find(folder) != std::string::npos)
            lines.push_back(line);
    }
    return lines;
}

// Lets the runner's tasks go on meanwhile.
template <class Condition>
bool comes_true(ports::testing::TaskRunner* runner, Condition condition) {
    const TimePoint deadline = runner->runtime().now() + 20s;
    while (!condition()) {
        if (runner->runtime().now() > deadline) return false;
        runner->run(runner->runtime().sleep_until(runner->runtime().now() + 10ms));
    }
    return true;
}

void write_canary(const std::string& folder) {
    fs::create_directories(folder + "/out/deep");
    std::ofstream{folder + "/out/deep/" + kCanaryName} << kCanary;
}

class CryptHarness final : public ports::testing::OnRuntime<ports::testing::VolumeHarness, AsioRuntime> {
  public:
    CryptHarness() {
        Result<std::unique_ptr<CryptVolumes>> made = CryptVolumes::make_at(&runtime(), root_ + "/steps");
        EXPECT_TRUE(made.has_value()) << made.error().message;
        volumes_ = *std::move(made);
    }
    ~CryptHarness() override {
        EXPECT_TRUE(comes_true(this, [this] { return is_gone(); })) << "no mount, no program and no file is left";
        fs::remove_all(root_);
    }
    ports::Volumes& volumes() override { return *volumes_; }
    std::string root() const { return root_; }
    std::string leave_behind() override {
        const std::string folder = root_ + "/steps/left-" + std::to_string(++left_);
        fs::create_directories(folder + "/cipher");
        fs::create_directories(folder + "/files");
        return folder + "/files";
    }
    bool adopts() const override { return false; }
    bool is_gone() const {
        return !is_mounted_below(root_) && programs_over(root_).empty() && fs::is_empty(root_ + "/steps");
    }

  private:
    std::string root_ = make_folder();
    int left_ = 0;
    std::unique_ptr<CryptVolumes> volumes_;
};

class VolumeCryptTest : public testing::Test {
  protected:
    std::unique_ptr<ports::Volume> make() {
        auto made = await(harness, harness.volumes().make("step", 1U << 20U));
        EXPECT_TRUE(made.has_value()) << made.error().message;
        return *std::move(made);
    }
    // Where the ciphertext is.
    static fs::path disk_of(const ports::Volume& volume) { return fs::path{volume.path()}.parent_path() / "cipher"; }

    CryptHarness harness;
};

TEST_F(VolumeCryptTest, WhatAJobWritesIsNotFoundOnTheDisk) {
    const auto volume = make();
    write_canary(volume->path());
    EXPECT_EQ(content(volume->path() + "/out/deep/" + kCanaryName), kCanary);
    EXPECT_TRUE(is_found(volume->path(), kCanary)) << "the search finds what is there";
    EXPECT_FALSE(is_found(disk_of(*volume), kCanary));
    EXPECT_FALSE(is_found(disk_of(*volume), kCanaryName));
    EXPECT_FALSE(is_found(disk_of(*volume), "out"));
}

TEST_F(VolumeCryptTest, PlainFoldersHoldWhatTheSearchLooksFor) {
    const auto plain = FolderVolumes::make_at(&harness.runtime(), harness.root() + "/plain").value();
    const auto volume = await(harness, plain->make("step", 1U << 20U)).value();
    write_canary(volume->path());
    EXPECT_TRUE(is_found(harness.root() + "/plain", kCanary));
    EXPECT_TRUE(is_found(harness.root() + "/plain", kCanaryName));
}

TEST_F(VolumeCryptTest, TheKeyIsNoWordOfAProgram) {
    const auto volume = make();
    const std::vector<std::string> lines = programs_over(harness.root());
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_NE(lines[0].find("-masterkey=stdin"), std::string::npos);
    const std::string folder = fs::path{volume->path()}.parent_path().string();
    EXPECT_EQ(lines[0].substr(lines[0].find("--" + std::string{'\0'})),
              std::string{"--"} + '\0' + folder + "/cipher" + '\0' + folder + "/files" + '\0');
}

TEST_F(VolumeCryptTest, AnEndedVolumeLeavesNothingEvenWhileAFileIsOpen) {
    auto volume = make();
    write_canary(volume->path());
    std::ifstream open{volume->path() + "/out/deep/" + kCanaryName};
    volume.reset();
    EXPECT_TRUE(comes_true(&harness, [this] { return harness.is_gone(); }));
}

TEST_F(VolumeCryptTest, TwoVolumesEncryptTheSameDifferently) {
    const auto one = make();
    const auto other = make();
    for (const auto* volume : {one.get(), other.get()}) write_canary(volume->path());
    std::vector<std::string> names[2];
    for (const auto& entry : fs::directory_iterator{disk_of(*one)}) names[0].push_back(entry.path().filename());
    for (const auto& entry : fs::directory_iterator{disk_of(*other)}) names[1].push_back(entry.path().filename());
    ASSERT_EQ(names[0].size(), 2U) << "a folder and gocryptfs.diriv";
    std::ranges::sort(names[0]);
    std::ranges::sort(names[1]);
    EXPECT_NE(names[0], names[1]);
}

TEST_F(VolumeCryptTest, AMountThatCannotBeMadeIsAnErrorAndLeavesNothing) {
    const std::string steps = harness.root() + "/steps";
    fs::remove(steps);
    EXPECT_FALSE(await(harness, harness.volumes().make("step", 1U << 20U)).has_value());
    fs::create_directory(steps);
    EXPECT_EQ(await(harness, harness.volumes().make("a/b", 1)).error().code, Errc::kInvalid);
    EXPECT_EQ(await(harness, harness.volumes().make("step", ~0ULL)).error().code, Errc::kExhausted);
}

TEST_F(VolumeCryptTest, TheTrialOfANodePasses) {
    EXPECT_TRUE(await(harness, try_volumes(&harness.runtime(), &harness.volumes())).has_value());
}

// As an agent that holds a volume and dies.
class Holder {
  public:
    explicit Holder(const std::string& root) {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe(ends.data()), 0);
        child_ = ::fork();
        if (child_ == 0) {
            ::dup2(ends[1], STDOUT_FILENO);
            ::execl("/proc/self/exe", "volume_crypt_test", "--hold", root.c_str(), nullptr);
            ::_exit(1);
        }
        ::close(ends[1]);
        std::array<char, 512> text{};
        const ssize_t got = ::read(ends[0], text.data(), text.size());
        path_ = std::string{text.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
        ::close(ends[0]);
    }
    void kill() const {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    const std::string& path() const { return path_; }

  private:
    pid_t child_ = 0;
    std::string path_;
};

TEST_F(VolumeCryptTest, AfterAKilledAgentTheKeyIsGoneAndTheNextAgentRemovesTheRest) {
    const std::string root = harness.root() + "/other";
    const Holder holder{root};
    const bool is_seen = content(holder.path() + "/out/deep/" + kCanaryName) == kCanary;
    ASSERT_EQ(is_seen, ::geteuid() == 0) << "an ordinary user's mounts are its own, in any case";
    ASSERT_EQ(programs_over(root).size(), 1U);
    holder.kill();
    EXPECT_TRUE(comes_true(&harness, [&root] { return programs_over(root).empty(); }))
        << "gocryptfs ends with its agent";
    EXPECT_TRUE(content(holder.path() + "/out/deep/" + kCanaryName).empty());
    EXPECT_FALSE(is_found(fs::path{holder.path()}.parent_path() / "cipher", kCanary));
    const auto next = CryptVolumes::make_at(&harness.runtime(), root).value();
    EXPECT_EQ(await(harness, next->adopt(holder.path())).error().code, Errc::kNotFound);
    EXPECT_EQ(await(harness, next->sweep({holder.path()})).value(), 1U);
    EXPECT_FALSE(is_mounted_below(root));
    EXPECT_TRUE(fs::is_empty(root));
}

int hold(const std::string& root) {
    const bool may_mount = ::geteuid() == 0 || enter_own_mounts();
    if (!may_mount) return 1;
    class Plain final : public ports::testing::OnRuntime<ports::testing::TaskRunner, AsioRuntime> {};
    Plain runner;
    const auto volumes = CryptVolumes::make_at(&runner.runtime(), root).value();
    const auto volume = await(runner, volumes->make("held", 1U << 20U)).value();
    write_canary(volume->path());
    const std::string path = volume->path();
    if (::write(STDOUT_FILENO, path.data(), path.size()) < 0) return 1;
    while (true) ::pause();
}

}  // namespace

std::unique_ptr<ports::testing::VolumeHarness> make_harness() {
    return std::make_unique<CryptHarness>();
}

int main_of_test(int count, char** words) {
    if (count == 3 && std::string{words[1]} == "--hold") return hold(words[2]);
    const Result<void> entered = enter_own_mounts();
    if (!entered) {
        std::fprintf(stderr, "%s\n", entered.error().message.c_str());
        return 1;
    }
    ::testing::InitGoogleTest(&count, words);
    return RUN_ALL_TESTS();
}

}  // namespace vcity::adapters

namespace vcity::ports::testing {

INSTANTIATE_TEST_SUITE_P(Crypt, VolumeContract, ::testing::Values(VolumeHarnessFactory{adapters::make_harness}));

}  // namespace vcity::ports::testing

int main(int count, char** words) {
    return vcity::adapters::main_of_test(count, words);
}
