// SPDX-License-Identifier: Apache-2.0
#include "base/check.hpp"
#include "services/gateway/tunnels/tunnel_api.hpp"

// Whatever a client asks for is bounded, and what is asked of the step is part of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string target =
        "/v1/jobs/job-" + std::string(64, '0') + "/ports/" + std::string{reinterpret_cast<const char*>(data), size};
    const auto place = vcity::gateway::parse_tunnel_path(target);
    if (!place || !*place) return 0;
    const vcity::TunnelTarget& wanted = (*place)->target;
    CHECK((*place)->group.size() <= 32 && !(*place)->group.empty());
    CHECK(wanted.command.size() <= vcity::kTunnelArgumentsMax);
    for (const std::string& word : wanted.command) CHECK(word.size() <= vcity::kTunnelArgumentBytesMax);
    CHECK((wanted.kind == vcity::TunnelKind::kPort) == (wanted.port != 0));
    CHECK((*place)->rest.empty() || target.ends_with((*place)->rest));
    CHECK(target.starts_with((*place)->prefix));
    return 0;
}
