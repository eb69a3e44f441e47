// SPDX-License-Identifier: Apache-2.0
#include "operator/service_unit.hpp"

#include <gtest/gtest.h>

namespace vcity::cli {
namespace {

ServiceOptions options(std::string user) {
    return {.program = "/usr/bin/vcity", .config = "/s/node.toml", .state = "/s", .user = std::move(user)};
}

TEST(ServiceUnit, OfTheSystemRunsAsItsOwnUserWithoutPrivileges) {
    const std::string text = service_unit(options("vcity"));
    for (const char* line : {"ExecStart=/usr/bin/vcity node run --config /s/node.toml\n", "User=vcity\n",
                             "Restart=always\n", "RestartSec=3\n", "NoNewPrivileges=yes\n", "ProtectSystem=strict\n",
                             "CapabilityBoundingSet=\n", "ReadWritePaths=/s\n", "WantedBy=multi-user.target\n"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << text;
    }
}

TEST(ServiceUnit, LeavesASandboxWhatItNeeds) {
    const std::string text = service_unit(options("vcity"));
    for (const char* word : {"RestrictNamespaces", "ProtectKernelTunables", "ProtectKernelLogs", "ProtectProc",
                             "PrivateDevices", "PrivateUsers", "MemoryDenyWriteExecute"}) {
        EXPECT_EQ(text.find(word), std::string::npos) << word;
    }
}

TEST(ServiceUnit, OfAUserNamesNoUser) {
    const std::string text = service_unit(options(""));
    EXPECT_EQ(text.find("\nUser="), std::string::npos);
    EXPECT_NE(text.find("WantedBy=default.target\n"), std::string::npos);
}

}  // namespace
}  // namespace vcity::cli
