// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/vcai.hpp"
#include "model/request.hpp"
#include "model/unit.hpp"

namespace vcity {

// What an identity does in the network. The first three are registered on chain with a stake; a gateway is known to a
// scheduler by its address only. The numbers are those of NodeRegistry.sol and of the LinkHello signature.
enum class Role : std::uint8_t { kCompute = 0, kScheduler = 1, kVerifier = 2, kGateway = 3 };
std::string_view to_string(Role role);

// Stable: data-centre machines for long jobs. Flexible: home and edge machines that come and go.
enum class NodeKind : std::uint8_t { kStable = 0, kFlexible = 1 };
std::string_view to_string(NodeKind kind);

struct Hardware {
    std::string gpu_model;  // at most 31 bytes (a bytes32 on chain); "cpu" when there is none
    std::uint16_t gpu_count = 0;
    std::uint32_t vram_mib = 0;  // of all cards together
    std::string region;          // at most 31 bytes, e.g. "eu-central"

    bool operator==(const Hardware&) const = default;
};

// What the chain knows of an identity.
struct NodeRecord {
    Address identity;
    Role role = Role::kCompute;
    NodeKind kind = NodeKind::kFlexible;
    Hardware hardware;
    std::string did_document_uri;
    Vcai stake;
    bool active = false;
};

// Prices in micro-dollars per million tokens.
struct TokenPrices {
    std::uint64_t input = 0;
    std::uint64_t output = 0;

    bool operator==(const TokenPrices&) const = default;
};

// The tiers a node can serve in.
struct AuditTiers {
    bool sketch = true;
    bool served = true;

    constexpr bool has(AuditTier tier) const { return tier == AuditTier::kSketch ? sketch : served; }
    bool operator==(const AuditTiers&) const = default;
};

// One model a node serves and on which terms.
struct ModelOffer {
    std::string model;  // e.g. "vcity/mini-bilingual"
    Hash model_root;    // weights root
    TokenPrices prices;
    std::uint32_t context_tokens_max = 0;
    std::uint32_t slots = 0;  // requests it runs at the same time
    AuditTiers tiers;

    bool operator==(const ModelOffer&) const = default;
};

// What a node says of itself when it connects.
struct NodeAnnouncement {
    NodeKind kind = NodeKind::kFlexible;
    Hardware hardware;
    std::vector<ModelOffer> offers;
    std::string software_version;
    Hash monitor_key{};              // keccak-256 of the public key of its monitor; zero: it has none
    std::vector<UnitOffer> units{};  // for work of customers; empty: models only

    bool operator==(const NodeAnnouncement&) const = default;
};

}  // namespace vcity
