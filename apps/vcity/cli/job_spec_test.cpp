// SPDX-License-Identifier: Apache-2.0
#include "cli/job_spec.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "services/gateway/work/work_request.hpp"

namespace vcity::cli {
namespace {

class JobSpecTest : public ::testing::Test {
  public:
    JobSpecTest() { std::filesystem::create_directories(folder); }
    ~JobSpecTest() override { std::filesystem::remove_all(folder); }

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream{folder / name} << text;
        return (folder / name).string();
    }

    std::filesystem::path folder =
        std::filesystem::temp_directory_path() /
        ("vcity-job-spec-" + std::string{::testing::UnitTest::GetInstance()->current_test_info()->name()});
};

TEST_F(JobSpecTest, FlagsBecomeAnOrderThatTheGatewayTakes) {
    JobFlags flags;
    flags.command = {"sh", "-c", "cat data.txt"};
    flags.environment = {"A=b=c"};
    flags.inputs = {write("data.txt", "hello")};
    flags.accelerators = "H100:2";
    flags.budget = "0.50";
    const Result<codec::Json> spec = make_job_spec(flags);
    ASSERT_TRUE(spec) << spec.error().message;
    const auto order = gateway::parse_work_request(*spec);
    ASSERT_TRUE(order) << order.error().message;
    const StepGroup& group = order->spec.groups.front();
    EXPECT_EQ(group.command, (std::vector<std::string>{"/usr/bin/env", "sh", "-c", "cat data.txt"}));
    EXPECT_EQ(group.environment, std::vector<std::string>{"A=b=c"});
    EXPECT_EQ(as_text(group.inputs.front().content), "hello");
    EXPECT_EQ(group.ask.gpus, 2U);
    EXPECT_EQ(order->budget, Usd{500'000});
}

TEST_F(JobSpecTest, FilesNextToTheSpecTakeTheirPlace) {
    write("input.bin", std::string{"\0\1", 2});
    const std::string path =
        write("spec.json", R"({"budget":1,"steps":[{"run":"true","inputs":{"a":{"file":"input.bin"},"b":"text"}}]})");
    const Result<codec::Json> spec = load_job_spec(path);
    ASSERT_TRUE(spec) << spec.error().message;
    const auto order = gateway::parse_work_request(*spec);
    ASSERT_TRUE(order) << order.error().message;
    EXPECT_EQ(order->spec.groups.front().inputs.front().content, (Bytes{0, 1}));
}

TEST_F(JobSpecTest, LargeFilesAreUploadedOnceAndIdsStay) {
    write("large.bin", std::string((4U << 20U) + 1, 'x'));
    write("small.bin", "small");
    const std::string path = write("spec.json", R"({"budget":1,"steps":[
        {"run":"true","inputs":{"a":{"file":"large.bin"},"b":{"file":"small.bin"},"c":{"file":"file-known"}}},
        {"run":"true","inputs":{"a":{"file":"large.bin"}}}]})");
    std::vector<std::string> uploaded;
    const Result<codec::Json> spec = load_job_spec(path, [&](const std::string& file) -> Result<std::string> {
        uploaded.push_back(file);
        return "file-new";
    });
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(uploaded, std::vector<std::string>{(folder / "large.bin").string()});
    const std::string text = codec::dump_json(*spec);
    EXPECT_NE(text.find(R"("a":{"file":"file-new"},"b":{"base64":"c21hbGw="},"c":{"file":"file-known"})"),
              std::string::npos)
        << text;
    EXPECT_EQ(load_job_spec(path).error().code, Errc::kInvalid);
}

TEST_F(JobSpecTest, SaysWhatIsWrongWithFilesAndVariables) {
    EXPECT_EQ(load_job_spec((folder / "none.json").string()).error().code, Errc::kNotFound);
    EXPECT_EQ(load_job_spec(write("broken.json", "{")).error().code, Errc::kInvalid);
    EXPECT_EQ(load_job_spec(write("lost.json", R"({"steps":[{"inputs":{"a":{"file":"none"}}}]})")).error().code,
              Errc::kNotFound);
    JobFlags flags;
    flags.command = {"/bin/true"};
    flags.environment = {"A"};
    EXPECT_EQ(make_job_spec(flags).error().code, Errc::kInvalid);
}

TEST_F(JobSpecTest, TheExampleIsAnOrder) {
    const Result<codec::Json> spec = load_job_spec(VCITY_SOURCE_DIR "/docs/examples/array.json");
    ASSERT_TRUE(spec) << spec.error().message;
    const auto order = gateway::parse_work_request(*spec);
    EXPECT_TRUE(order) << order.error().message;
}

}  // namespace
}  // namespace vcity::cli
