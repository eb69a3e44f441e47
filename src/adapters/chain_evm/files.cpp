// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "adapters/chain_evm/deploy.hpp"
#include "adapters/chain_evm/file_text.hpp"
#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::adapters {
namespace {

using codec::Json;

constexpr std::size_t kDeploymentBytesMax = 64U << 10U;
constexpr std::size_t kArtifactsBytesMax = 16U << 20U;
constexpr std::size_t kCodeBytesMax = 1U << 20U;

Error in_file(const std::string& path, Error error) {
    error.message = path + ": " + error.message;
    return error;
}

Result<std::uint64_t> number_field(const Json& object, std::string_view name) {
    const Json* value = object.find(name);
    std::uint64_t number = 0;
    if (value == nullptr || !value->get_u64(&number)) {
        return make_error(Errc::kInvalid, "deployment: " + std::string{name} + " must be a number");
    }
    return number;
}

Result<Address> address_field(const Json& object, std::string_view name) {
    const Json* value = object.find(name);
    if (value == nullptr || value->get_string() == nullptr) {
        return make_error(Errc::kInvalid, "deployment: " + std::string{name} + " must be an address");
    }
    Result<Address> address = crypto::parse_address(*value->get_string());
    if (!address)
        return make_error(Errc::kInvalid, "deployment: " + std::string{name} + ": " + address.error().message);
    return address;
}

Result<void> check_names(const Json& object) {
    constexpr std::string_view kNames[] = {"chainId",  "stable",        "registry", "escrow",   "settlement",
                                           "treasury", "accessManager", "block",    "contracts"};
    if (!object.is_object()) return make_error(Errc::kInvalid, "deployment: expected an object");
    for (const auto& [name, value] : *object.get_object()) {
        if (std::ranges::find(kNames, name) == std::end(kNames)) {
            return make_error(Errc::kInvalid, "deployment: unknown field " + name);
        }
    }
    return {};
}

}  // namespace

Result<Deployment> parse_deployment(std::string_view json) {
    TRY(const Json object,
        codec::parse_json(json, {.bytes_max = kDeploymentBytesMax, .depth_max = 4, .values_max = 256}));
    TRY_OK(check_names(object));
    Deployment deployment;
    TRY(deployment.chain_id, number_field(object, "chainId"));
    TRY(deployment.stable, address_field(object, "stable"));
    TRY(deployment.registry, address_field(object, "registry"));
    TRY(deployment.escrow, address_field(object, "escrow"));
    TRY(deployment.settlement, address_field(object, "settlement"));
    TRY(deployment.treasury, address_field(object, "treasury"));
    TRY(deployment.access_manager, address_field(object, "accessManager"));
    TRY(deployment.block, number_field(object, "block"));
    // Files of the first release have no such map.
    const Json* contracts = object.find("contracts");
    if (contracts == nullptr) return deployment;
    if (!contracts->is_object()) return make_error(Errc::kInvalid, "deployment: contracts must be an object");
    for (const auto& [name, value] : *contracts->get_object()) {
        TRY(deployment.contracts[name], address_field(*contracts, name));
    }
    return deployment;
}

std::string format_deployment(const Deployment& deployment) {
    Json object;
    object.set("chainId", deployment.chain_id);
    object.set("stable", crypto::to_checksum_address(deployment.stable));
    object.set("registry", crypto::to_checksum_address(deployment.registry));
    object.set("escrow", crypto::to_checksum_address(deployment.escrow));
    object.set("settlement", crypto::to_checksum_address(deployment.settlement));
    object.set("treasury", crypto::to_checksum_address(deployment.treasury));
    object.set("accessManager", crypto::to_checksum_address(deployment.access_manager));
    object.set("block", deployment.block);
    Json contracts{codec::JsonObject{}};
    for (const auto& [name, address] : deployment.contracts) {
        contracts.set(name, crypto::to_checksum_address(address));
    }
    object.set("contracts", std::move(contracts));
    return codec::dump_json_pretty(object) + "\n";
}

Result<Deployment> load_deployment(const std::string& path) {
    TRY(const std::string text, read_text(path, kDeploymentBytesMax));
    Result<Deployment> deployment = parse_deployment(text);
    if (!deployment) return in_file(path, deployment.error());
    return deployment;
}

Result<void> save_deployment(const std::string& path, const Deployment& deployment) {
    return write_text(path, format_deployment(deployment));
}

Result<Artifacts> parse_artifacts(std::string_view json) {
    TRY(const Json object,
        codec::parse_json(json, {.bytes_max = kArtifactsBytesMax, .depth_max = 32, .values_max = 1'000'000}));
    if (!object.is_object()) return make_error(Errc::kInvalid, "artifacts: expected an object");
    Artifacts artifacts;
    for (const auto& [name, artifact] : *object.get_object()) {
        const Json* code = artifact.find("bytecode");
        if (code == nullptr || code->get_string() == nullptr) {
            return make_error(Errc::kInvalid, "artifacts: no bytecode of " + name);
        }
        Result<Bytes> bytes = codec::parse_hex(*code->get_string(), kCodeBytesMax);
        if (!bytes || bytes->empty()) return make_error(Errc::kInvalid, "artifacts: malformed bytecode of " + name);
        artifacts.emplace(name, *std::move(bytes));
    }
    return artifacts;
}

Result<Artifacts> load_artifacts(const std::string& path) {
    TRY(const std::string text, read_text(path, kArtifactsBytesMax));
    Result<Artifacts> artifacts = parse_artifacts(text);
    if (!artifacts) return in_file(path, artifacts.error());
    return artifacts;
}

}  // namespace vcity::adapters
