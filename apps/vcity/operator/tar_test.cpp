// SPDX-License-Identifier: Apache-2.0
#include "operator/tar.hpp"

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/settings.hpp"
#include "operator/node_folder.hpp"

namespace vcity::cli {
namespace {

TEST(Tar, IsReadByTheSystemsOwnProgram) {
    const std::string path = testing::TempDir() + "/tar_" + std::to_string(::getpid()) + ".tar";
    const std::string big(1500, 'x');
    const auto archive = make_tar({{"a/one.txt", "hello\n"}, {"empty", ""}, {"big", big}}, 1'700'000'000);
    ASSERT_TRUE(archive.has_value());
    EXPECT_EQ(archive->size() % 512, 0U);
    ASSERT_TRUE(write_file(path, *archive, 0600));
    EXPECT_EQ(run_program({"tar", "tf", path}).value(), "a/one.txt\nempty\nbig");
    EXPECT_EQ(run_program({"tar", "xOf", path, "a/one.txt"}).value(), "hello");
    EXPECT_EQ(run_program({"tar", "xOf", path, "big"}).value(), big);
    std::filesystem::remove(path);
}

TEST(Tar, RefusesNamesThatDoNotFit) {
    EXPECT_EQ(make_tar({{std::string(101, 'n'), ""}}, 0).error().code, Errc::kInvalid);
    EXPECT_EQ(make_tar({{"/etc/passwd", ""}}, 0).error().code, Errc::kInvalid);
    EXPECT_EQ(make_tar({{"", ""}}, 0).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace vcity::cli
