// SPDX-License-Identifier: Apache-2.0
#include "attest/roots.hpp"

#include "base/check.hpp"
#include "codec/hex.hpp"

namespace vcity::attest {
namespace {

Hash pin(std::string_view hex) {
    const Result<Hash> hash = codec::parse_fixed<Hash>(hex);
    CHECK(hash.has_value());
    return *hash;
}

}  // namespace

TrustAnchors vendor_anchors() {
    return {
        .intel = {pin("0x44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3")},
        .amd = {pin("0x69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd"),
                pin("0x4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1"),
                pin("0x1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a")},
        .nvidia_device = {pin("0x102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48")},
        .nvidia_reference = {pin("0x12977b5115acb0381179279fffeb5a8c4d264971ebb32298023a465fa41df5d1")},
    };
}

}  // namespace vcity::attest
