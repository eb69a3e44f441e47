// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_oci/gpu.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace vcity::adapters {
namespace {

constexpr const char* kSpecification = R"({"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": [
    {"name": "0", "containerEdits": {"deviceNodes": [{"path": "/dev/nvidia0"},
                                                     {"path": "/dev/nvidiactl", "hostPath": "/dev/host-ctl"}]}},
    {"name": "1", "containerEdits": {"deviceNodes": [{"path": "/dev/nvidia1"}]}}]})";

TEST(DeviceNodes, AreThoseOfTheNamedDevice) {
    const std::vector<DeviceNode> expected{{"/dev/nvidia0", "/dev/nvidia0"}, {"/dev/nvidiactl", "/dev/host-ctl"}};
    EXPECT_EQ(device_nodes_in(kSpecification, "nvidia.com/gpu=0").value(), expected);
    EXPECT_TRUE(device_nodes_in(kSpecification, "nvidia.com/gpu=2").value().empty());
    EXPECT_TRUE(device_nodes_in(kSpecification, "amd.com/gpu=0").value().empty());
}

TEST(DeviceNodes, RefuseWhatIsNoSpecification) {
    for (const char* text : {"", "{}", R"({"kind": "a/b"})", R"({"kind": "a/b", "devices": {}})"}) {
        EXPECT_FALSE(device_nodes_in(text, "a/b=0").has_value()) << text;
    }
    const char* relative =
        R"({"kind":"a/b","devices":[{"name":"0","containerEdits":{"deviceNodes":[{"path":"../x"}]}}]})";
    EXPECT_FALSE(device_nodes_in(relative, "a/b=0").has_value());
}

TEST(DeviceNodes, MustBeInTheContainerWhatTheyAreOnTheHost) {
    const auto self = static_cast<std::uint64_t>(::getpid());
    EXPECT_TRUE(check_device_nodes(self, {{"/dev/null", "/dev/null"}}).has_value());
    EXPECT_FALSE(check_device_nodes(self, {{"/dev/null", "/dev/zero"}}).has_value());
    EXPECT_FALSE(check_device_nodes(self, {{"/dev/no-such-device", "/dev/null"}}).has_value());
}

}  // namespace
}  // namespace vcity::adapters
