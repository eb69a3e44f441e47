// SPDX-License-Identifier: Apache-2.0
#include "tunnels/tunnel_client.hpp"

#include <gtest/gtest.h>

namespace vcity::wiring {
namespace {

TEST(TunnelUrl, NamesTheStepAndWhatIsWantedOfIt) {
    TunnelName name{.job = "job-1", .group = "main", .index = 2, .end = "8888", .arguments = {}};
    EXPECT_EQ(tunnel_url("http://gw:8080", name, 80, 24), "ws://gw:8080/v1/jobs/job-1/ports/main/2/8888");
    EXPECT_EQ(tunnel_url("https://gw", name, 80, 24), "wss://gw/v1/jobs/job-1/ports/main/2/8888");
    name.end = "shell";
    name.arguments = {"sh", "-c", "a&b c"};
    name.has_terminal = true;
    EXPECT_EQ(tunnel_url("http://gw", name, 100, 30),
              "ws://gw/v1/jobs/job-1/ports/main/2/shell?tty=1&columns=100&rows=30&arg=sh&arg=-c&arg=a%26b%20c");
    name.job = "../admin?";
    name.end = "ssh";
    EXPECT_EQ(tunnel_url("http://gw", name, 1, 1), "ws://gw/v1/jobs/..%2Fadmin%3F/ports/main/2/ssh");
}

}  // namespace
}  // namespace vcity::wiring
