// SPDX-License-Identifier: Apache-2.0
// What a hostile RPC server or a damaged file may hold: JSON-RPC values, logs, contract answers, revert data and
// deployment files. Nothing may crash, and what is accepted must be in range.
#include <cstdint>
#include <string_view>

#include "adapters/chain_evm/contracts.hpp"
#include "adapters/chain_evm/deploy.hpp"
#include "adapters/chain_evm/logs.hpp"
#include "adapters/chain_evm/revert.hpp"
#include "adapters/chain_evm/rpc_parse.hpp"
#include "base/check.hpp"

namespace vcity::adapters {
namespace {

void read_as_json(std::string_view text) {
    const Result<Deployment> deployment = parse_deployment(text);
    if (deployment) CHECK(parse_deployment(format_deployment(*deployment)).value() == *deployment);
    (void)parse_artifacts(text);
    const auto json = codec::parse_json(text);
    if (!json) return;
    (void)parse_rpc_block(*json);
    (void)parse_rpc_receipt(*json);
    (void)parse_rpc_u64(*json);
    (void)parse_rpc_u128(*json);
    (void)parse_rpc_failure(*json);
    const Result<EvmLog> log = parse_rpc_log(*json);
    if (!log) return;
    Deployment ours;
    ours.registry = ours.escrow = ours.settlement = log->address;
    (void)decode_logs(ours, {*log});
}

void read_as_answer(ByteView bytes) {
    const auto node = decode_node(Address{}, bytes);
    if (node && *node) CHECK((*node)->role != Role::kGateway);
    (void)decode_cap(bytes);
    (void)decode_batch(bytes);
    (void)decode_challenge_window(bytes);
    (void)decode_domain(bytes);
    (void)decode_u64(bytes);
    (void)decode_bool(bytes);
    CHECK(!describe_revert(bytes, "").empty());
}

}  // namespace
}  // namespace vcity::adapters

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const vcity::ByteView bytes{data, size};
    vcity::adapters::read_as_json(vcity::as_text(bytes));
    vcity::adapters::read_as_answer(bytes);
    return 0;
}
