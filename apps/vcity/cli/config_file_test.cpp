// SPDX-License-Identifier: Apache-2.0
#include "cli/config_file.hpp"

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/settings.hpp"

namespace vcity::cli {
namespace {

using Words = std::vector<std::string>;

class ConfigFile : public testing::Test {
  protected:
    ConfigFile() : path_{testing::TempDir() + "/config_file_" + std::to_string(::getpid()) + ".toml"} {}
    ~ConfigFile() override { std::filesystem::remove(path_); }

    Result<Words> read(std::string_view text, Words words) {
        EXPECT_TRUE(write_file(path_, text, 0600));
        words.insert(words.end(), {"--config", path_});
        return with_config_file(std::move(words));
    }

    std::string path_;
};

TEST_F(ConfigFile, BecomesWordsOfTheCommandLine) {
    const auto words = read(
        "model = \"/m\"\nunit-cores = 2\naccept-commands = true\nother = false\n"
        "scheduler = [\"ws://a\", \"ws://b\"]\n",
        {"node", "run"});
    ASSERT_TRUE(words.has_value()) << words.error().message;
    EXPECT_EQ(*words, (Words{"node", "run", "--accept-commands", "--model", "/m", "--scheduler", "ws://a",
                             "--scheduler", "ws://b", "--unit-cores", "2"}));
}

TEST_F(ConfigFile, IsBeatenByTheCommandLine) {
    EXPECT_EQ(read("model = \"/m\"\n", {"node", "run", "--model", "/other"}).value(),
              (Words{"node", "run", "--model", "/other"}));
    EXPECT_EQ(read("model = \"/m\"\n", {"node", "run", "--model=/other"}).value(),
              (Words{"node", "run", "--model=/other"}));
}

TEST_F(ConfigFile, IsAlsoNamedWithAnEqualsSign) {
    ASSERT_TRUE(write_file(path_, "slots = 3\n", 0600));
    EXPECT_EQ(with_config_file({"gateway", "run", "--config=" + path_}).value(),
              (Words{"gateway", "run", "--slots", "3"}));
}

TEST_F(ConfigFile, OfOtherCommandsIsLeftAlone) {
    const Words words{"chain", "deploy", "--config", "settings.json"};
    EXPECT_EQ(with_config_file(words).value(), words);
    EXPECT_EQ(with_config_file({"node", "run"}).value(), (Words{"node", "run"}));
}

TEST_F(ConfigFile, ErrorsNameFileAndLine) {
    const auto broken = read("model = \"/m\"\nmodel = oops\n", {"node", "run"});
    ASSERT_FALSE(broken.has_value());
    EXPECT_NE(broken.error().message.find(path_ + ":2"), std::string::npos) << broken.error().message;
    const auto table = read("\n\n[section]\nx = 1\n", {"node", "run"});
    ASSERT_FALSE(table.has_value());
    EXPECT_NE(table.error().message.find("section"), std::string::npos) << table.error().message;
    EXPECT_EQ(with_config_file({"node", "run", "--config", "/nowhere"}).error().code, Errc::kNotFound);
    EXPECT_EQ(with_config_file({"node", "run", "--config"}).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace vcity::cli
