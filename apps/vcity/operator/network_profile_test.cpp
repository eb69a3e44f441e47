// SPDX-License-Identifier: Apache-2.0
#include "operator/network_profile.hpp"

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/settings.hpp"

namespace vcity::cli {
namespace {

class NetworkFile : public testing::Test {
  protected:
    NetworkFile() : path_{testing::TempDir() + "/network_" + std::to_string(::getpid()) + ".json"} {}
    ~NetworkFile() override { std::filesystem::remove(path_); }
    Result<NetworkProfile> load(std::string_view text) {
        EXPECT_TRUE(write_file(path_, text, 0600));
        return load_network(path_);
    }
    std::string path_;
};

TEST_F(NetworkFile, IsReadWithItsDeploymentBesideIt) {
    const auto network = load(R"({"rpc":"http://r","scheduler_links":["ws://s/link"],"scheduler":"0xab","other":1})");
    ASSERT_TRUE(network.has_value()) << network.error().message;
    EXPECT_EQ(network->rpc, "http://r");
    EXPECT_EQ(network->scheduler, "0xab");
    EXPECT_EQ(network->scheduler_links, std::vector<std::string>{"ws://s/link"});
    EXPECT_EQ(network->deployment, std::filesystem::path{path_}.parent_path() / "deployment.json");
    EXPECT_EQ(network->gateway, "");
}

TEST_F(NetworkFile, ErrorsNameTheFileAndTheField) {
    const std::vector<std::pair<std::string, std::string>> bad = {
        {"{", path_},
        {R"({"scheduler_links":["ws://s"]})", "rpc"},
        {R"({"rpc":5,"scheduler_links":["ws://s"]})", "rpc"},
        {R"({"rpc":"http://r"})", "scheduler_links"},
        {R"({"rpc":"http://r","scheduler_links":[]})", "scheduler_links"},
        {R"({"rpc":"http://r","scheduler_links":["http://s"]})", "scheduler_links"},
        {R"({"rpc":"http://r","scheduler_links":["ws://s"],"gateway":7})", "gateway"},
    };
    for (const auto& [text, word] : bad) {
        const auto network = load(text);
        ASSERT_FALSE(network.has_value()) << text;
        EXPECT_EQ(network.error().code, Errc::kInvalid);
        EXPECT_NE(network.error().message.find(path_), std::string::npos) << network.error().message;
        EXPECT_NE(network.error().message.find(word), std::string::npos) << network.error().message;
    }
}

TEST(FindNetwork, TakesTheOneThatIsNamed) {
    EXPECT_EQ(find_network("/some/where.json").value(), "/some/where.json");
}

}  // namespace
}  // namespace vcity::cli
