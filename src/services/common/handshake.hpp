// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>

#include "async/runtime.hpp"
#include "model/chain.hpp"
#include "ports/chain.hpp"
#include "ports/link.hpp"
#include "ports/signer.hpp"

namespace vcity::services {

// The first three frames of every link: the server sends a random challenge, the peer answers with its address, its
// role and a signature over both and the challenge (EIP-712, domain "Vcity Link"), the server welcomes or rejects it.
// The challenge makes a recorded hello useless; the freshness bound keeps a delayed one from being used late.
inline constexpr std::chrono::seconds kHelloFreshness{60};
inline constexpr std::chrono::seconds kHandshakeTimeout{10};
inline constexpr std::uint32_t kProtocolVersion = 1;

// Who is on the other end, proved.
struct LinkPeer {
    Address address;
    Role role = Role::kCompute;
    std::string software_version;
    std::optional<NodeRecord> record;  // what the chain knows of it; none for a gateway
};

// What the server needs to judge a hello. The pointers must outlive the handshake.
struct PeerPolicy {
    const Deployment* deployment = nullptr;
    Address self;
    ports::ChainReader* chain = nullptr;
    const std::set<Address>* gateways = nullptr;  // gateways are not on chain
    std::uint64_t epoch = 0;                      // of this process among those that act for self
};

// kDenied: not who it says, or not allowed; kUnavailable: the chain cannot be asked now. The peer has been told either.
Task<Result<LinkPeer>> authenticate_peer(Runtime* runtime, ports::Connection* connection, PeerPolicy policy);

struct Introduction {
    const Deployment* deployment = nullptr;
    ports::Signer* signer = nullptr;
    Role role = Role::kCompute;
    std::string software_version;
    Duration patience = kHandshakeTimeout;  // for each of the server's two frames
};

// In place of a challenge: whoever the peer wants to talk to is not here now.
Task<void> turn_away(ports::Connection* connection, std::string reason);

// kDenied: rejected for good, as far as the server can tell; kUnavailable: try again later.
Task<Result<LinkWelcome>> introduce(Runtime* runtime, ports::Connection* connection, Introduction introduction);

}  // namespace vcity::services
