// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "ports/testing/harness.hpp"
#include "ports/volume.hpp"

namespace vcity::ports::testing {

class VolumeHarness : public TaskRunner {
  public:
    virtual Volumes& volumes() = 0;
    // Leaves a volume with the file in/a, which holds "kept", as an agent does whose process is killed. Its path.
    virtual std::string leave_behind() = 0;
    // Whether its volumes can outlive their agent.
    virtual bool adopts() const { return true; }
};

using VolumeHarnessFactory = std::function<std::unique_ptr<VolumeHarness>()>;

// What every Volumes must do. Include it in one file of a test program and instantiate it with a factory.
class VolumeContract : public ::testing::TestWithParam<VolumeHarnessFactory> {
  protected:
    static constexpr std::uint64_t kBytes = 1U << 20U;

    template <class T>
    T run(Task<T> task) {
        return await(*harness, std::move(task));
    }
    std::unique_ptr<Volume> make() {
        auto made = run(harness->volumes().make("volume", kBytes));
        EXPECT_TRUE(made.has_value()) << made.error().message;
        return made ? *std::move(made) : nullptr;
    }
    static Task<Result<void>> put(Volume* volume, std::string name, std::string text) {
        CO_TRY(const std::unique_ptr<FileSink> sink, co_await volume->create(std::move(name)));
        Bytes bytes{text.begin(), text.end()};
        CO_TRY_OK(co_await sink->write(std::move(bytes)));
        co_return co_await sink->close();
    }
    static Task<Result<std::string>> get(Volume* volume, std::string name) {
        CO_TRY(const std::unique_ptr<FileSource> source, co_await volume->open(std::move(name)));
        std::string text;
        while (true) {
            CO_TRY(const Bytes part, co_await source->read(text.size(), 3));
            if (part.empty()) break;
            text += as_text(part);
        }
        EXPECT_EQ(text.size(), source->size());
        co_return text;
    }
    static Task<Result<void>> begin(Volume* volume, std::string name) {
        CO_TRY(const std::unique_ptr<FileSink> sink, co_await volume->create(std::move(name)));
        co_return co_await sink->write(Bytes(10));
    }

    std::unique_ptr<VolumeHarness> harness = GetParam()();
};

TEST_P(VolumeContract, AFileThatWasClosedCanBeRead) {
    const auto volume = make();
    ASSERT_TRUE(run(put(volume.get(), "in/frames/0/a.txt", "hello, world")).has_value());
    EXPECT_EQ(run(get(volume.get(), "in/frames/0/a.txt")).value(), "hello, world");
    ASSERT_TRUE(run(put(volume.get(), "in/frames/0/a.txt", "again")).has_value());
    EXPECT_EQ(run(get(volume.get(), "in/frames/0/a.txt")).value(), "again") << "in place of the first";
    EXPECT_EQ(run(get(volume.get(), "in/frames/0/b.txt")).error().code, Errc::kNotFound);
}

TEST_P(VolumeContract, AFileThatWasNotClosedIsNotThere) {
    const auto volume = make();
    ASSERT_TRUE(run(begin(volume.get(), "out/a")).has_value());
    EXPECT_EQ(run(get(volume.get(), "out/a")).error().code, Errc::kNotFound);
    EXPECT_TRUE(run(volume->list("out", 10, 4)).value().empty());
}

TEST_P(VolumeContract, ListsWhatLiesBelowAFolderInOrder) {
    const auto volume = make();
    EXPECT_TRUE(run(volume->list("out", 10, 4)).value().empty()) << "no such folder";
    for (const char* name : {"out/b", "out/a/z", "other"}) {
        ASSERT_TRUE(run(put(volume.get(), name, "four")).has_value());
    }
    const std::vector<VolumeFile> expected{{"a/z", 4}, {"b", 4}};
    EXPECT_EQ(run(volume->list("out", 10, 4)).value(), expected);
    EXPECT_EQ(run(volume->list("out", 1, 4)).error().code, Errc::kExhausted);
    EXPECT_EQ(run(volume->list("out", 10, 1)).error().code, Errc::kExhausted);
}

TEST_P(VolumeContract, VolumesShareNothingAndCountWhatTheyHold) {
    const auto one = make();
    const auto other = make();
    EXPECT_NE(one->path(), other->path());
    const std::uint64_t empty = run(one->used()).value();
    ASSERT_TRUE(run(put(one.get(), "a", std::string(100'000, 'x'))).has_value());
    EXPECT_EQ(run(get(other.get(), "a")).error().code, Errc::kNotFound);
    EXPECT_GE(run(one->used()).value(), empty + 100'000);
}

TEST_P(VolumeContract, WhatAnEarlierAgentLeftIsAdoptedOrSweptAway) {
    const std::string adopted = harness->leave_behind();
    const std::string kept = harness->leave_behind();
    const std::string swept = harness->leave_behind();
    if (!harness->adopts()) {
        EXPECT_EQ(run(harness->volumes().adopt(adopted)).error().code, Errc::kNotFound);
        EXPECT_EQ(run(harness->volumes().sweep({})).value(), 3U);
        return;
    }
    auto volume = run(harness->volumes().adopt(adopted));
    ASSERT_TRUE(volume.has_value()) << volume.error().message;
    EXPECT_EQ((*volume)->path(), adopted);
    EXPECT_EQ(run(get(volume->get(), "in/a")).value(), "kept");
    EXPECT_EQ(run(harness->volumes().sweep({adopted, kept})).value(), 1U);
    EXPECT_EQ(run(harness->volumes().adopt(swept)).error().code, Errc::kNotFound);
    EXPECT_EQ(run(get(volume->get(), "in/a")).value(), "kept");
    EXPECT_TRUE(run(harness->volumes().adopt(kept)).has_value());
    for (const std::string& path : {std::string{}, std::string{"/"}, adopted + "/in", adopted + "/.."}) {
        EXPECT_EQ(run(harness->volumes().adopt(path)).error().code, Errc::kNotFound) << path;
    }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(VolumeContract);

}  // namespace vcity::ports::testing
