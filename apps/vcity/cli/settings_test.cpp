// SPDX-License-Identifier: Apache-2.0
#include "cli/settings.hpp"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace vcity::cli {
namespace {

class ReadFile : public testing::Test {
  protected:
    ReadFile() : path_{testing::TempDir() + "read-file-" + std::to_string(::getpid())} {}
    ~ReadFile() override { std::filesystem::remove(path_); }

    void holds(std::string_view content) { ASSERT_TRUE(write_file(path_, content, 0600).has_value()); }

    std::string path_;
};

TEST_F(ReadFile, ATextIsWithoutItsLastLineEnd) {
    holds("secret\n");
    EXPECT_EQ(read_file(path_).value(), "secret");
    holds("two\n\n");
    EXPECT_EQ(read_file(path_).value(), "two\n");
}

TEST_F(ReadFile, BytesAreAllOfThem) {
    const std::string packed{"\x9c\x0e\x42\x00\x0a", 5};
    holds(packed);
    EXPECT_EQ(read_bytes(path_).value(), packed);
}

TEST_F(ReadFile, WhatIsTooLargeIsRefused) {
    holds("12345");
    EXPECT_EQ(read_bytes(path_, 5).value(), "12345");
    EXPECT_EQ(read_bytes(path_, 4).error().code, Errc::kInvalid);
    EXPECT_EQ(read_file(path_, 4).error().code, Errc::kInvalid);
    EXPECT_EQ(read_file(path_ + "-not").error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace vcity::cli
