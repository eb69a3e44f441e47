// SPDX-License-Identifier: Apache-2.0
#include "attest/intel/collateral.hpp"

#include <limits>

#include <fmt/format.h>

#include "attest/encoding.hpp"
#include "codec/json.hpp"

namespace vcity::attest {
namespace {

using codec::Json;

constexpr std::size_t kTextBytesMax = 256U << 10U;
constexpr std::size_t kCollateralBytesMax = 1U << 20U;
constexpr std::size_t kLevelsMax = 256;
constexpr std::size_t kAdvisoriesMax = 256;
constexpr std::size_t kSignatureBytes = 64;
constexpr codec::JsonLimits kLimits{.bytes_max = kCollateralBytesMax, .depth_max = 16, .values_max = 50'000};

Error malformed(std::string_view name) {
    return make_error(Errc::kInvalid, fmt::format("collateral: {} is missing or not valid", name));
}

Result<std::string> text_of(const Json& parent, std::string_view name) {
    const Json* value = parent.find(name);
    if (value == nullptr || !value->is_string()) return malformed(name);
    return *value->get_string();
}

Result<std::uint64_t> number_of(const Json& parent, std::string_view name, std::uint64_t max) {
    const Json* value = parent.find(name);
    std::uint64_t number = 0;
    if (value == nullptr || !value->get_u64(&number) || number > max) return malformed(name);
    return number;
}

Result<Bytes> hex_of(const Json& parent, std::string_view name, std::size_t size) {
    TRY(const std::string text, text_of(parent, name));
    const Result<Bytes> bytes = parse_plain_hex(text, size);
    if (!bytes || bytes->size() != size) return malformed(name);
    return *bytes;
}

Result<UnixMillis> time_of(const Json& parent, std::string_view name) {
    TRY(const std::string text, text_of(parent, name));
    return parse_timestamp(text);
}

Result<const codec::JsonArray*> array_of(const Json& parent, std::string_view name, std::size_t max) {
    const Json* value = parent.find(name);
    if (value == nullptr || !value->is_array() || value->get_array()->size() > max) return malformed(name);
    return value->get_array();
}

Result<TcbStatus> status_of(const Json& level) {
    TRY(const std::string text, text_of(level, "tcbStatus"));
    for (const TcbStatus status : {TcbStatus::kUpToDate, TcbStatus::kSwHardeningNeeded, TcbStatus::kConfigurationNeeded,
                                   TcbStatus::kConfigurationAndSwHardeningNeeded, TcbStatus::kOutOfDate,
                                   TcbStatus::kOutOfDateConfigurationNeeded, TcbStatus::kRevoked}) {
        if (text == to_string(status)) return status;
    }
    return malformed("tcbStatus");
}

Result<std::vector<std::string>> advisories_of(const Json& level) {
    std::vector<std::string> ids;
    if (level.find("advisoryIDs") == nullptr) return ids;
    TRY(const codec::JsonArray* values, array_of(level, "advisoryIDs", kAdvisoriesMax));
    for (const Json& value : *values) {
        if (!value.is_string() || value.get_string()->size() > 64) return malformed("advisoryIDs");
        ids.push_back(*value.get_string());
    }
    return ids;
}

Result<std::array<std::uint8_t, 16>> components_of(const Json& tcb, std::string_view name) {
    TRY(const codec::JsonArray* values, array_of(tcb, name, 16));
    if (values->size() != 16) return malformed(name);
    std::array<std::uint8_t, 16> svn{};
    for (std::size_t i = 0; i < svn.size(); ++i) {
        TRY(const std::uint64_t value, number_of((*values)[i], "svn", 255));
        svn[i] = static_cast<std::uint8_t>(value);
    }
    return svn;
}

Result<TcbLevel> parse_level(const Json& json, bool is_tdx) {
    const Json* tcb = json.find("tcb");
    if (tcb == nullptr) return malformed("tcb");
    TcbLevel level;
    TRY(level.sgx_svn, components_of(*tcb, "sgxtcbcomponents"));
    if (is_tdx) {
        TRY(level.tdx_svn, components_of(*tcb, "tdxtcbcomponents"));
    }
    TRY(const std::uint64_t pce_svn, number_of(*tcb, "pcesvn", 0xffff));
    level.pce_svn = static_cast<std::uint16_t>(pce_svn);
    TRY(level.status, status_of(json));
    TRY(level.advisories, advisories_of(json));
    return level;
}

Result<std::vector<IsvLevel>> parse_isv_levels(const Json& json) {
    TRY(const codec::JsonArray* values, array_of(json, "tcbLevels", kLevelsMax));
    std::vector<IsvLevel> levels;
    for (const Json& value : *values) {
        const Json* tcb = value.find("tcb");
        if (tcb == nullptr) return malformed("tcb");
        IsvLevel level;
        TRY(const std::uint64_t isv_svn, number_of(*tcb, "isvsvn", 0xffff));
        level.isv_svn = static_cast<std::uint16_t>(isv_svn);
        TRY(level.status, status_of(value));
        TRY(level.advisories, advisories_of(value));
        levels.push_back(std::move(level));
    }
    return levels;
}

Result<TdxModuleIdentity> parse_module(const Json& json) {
    TdxModuleIdentity module;
    TRY(module.mr_signer, hex_of(json, "mrsigner", 48));
    TRY(module.attributes, hex_of(json, "attributes", 8));
    TRY(module.attributes_mask, hex_of(json, "attributesMask", 8));
    return module;
}

Result<void> parse_modules(const Json& json, TcbInfo* info) {
    const Json* module = json.find("tdxModule");
    if (module == nullptr) return malformed("tdxModule");
    TRY(info->module, parse_module(*module));
    if (json.find("tdxModuleIdentities") == nullptr) return {};
    TRY(const codec::JsonArray* values, array_of(json, "tdxModuleIdentities", kLevelsMax));
    for (const Json& value : *values) {
        TRY(TdxModuleIdentity identity, parse_module(value));
        TRY(identity.id, text_of(value, "id"));
        TRY(identity.levels, parse_isv_levels(value));
        info->module_identities.push_back(std::move(identity));
    }
    return {};
}

Result<SignedText> signed_member(const Json& json, const std::string& name) {
    SignedText result;
    TRY(result.text, text_of(json, name));
    TRY(result.signature, hex_of(json, name + "_signature", kSignatureBytes));
    return result;
}

Result<Bytes> list_member(const Json& json, std::string_view name) {
    TRY(const std::string text, text_of(json, name));
    return parse_plain_hex(text);
}

}  // namespace

Result<SignedText> split_signed_text(std::string_view response, std::string_view member) {
    const std::string head = fmt::format("{{\"{}\":", member);
    constexpr std::string_view kMiddle = ",\"signature\":\"";
    constexpr std::string_view kTail = "\"}";
    const std::size_t around = head.size() + kMiddle.size() + 2 * kSignatureBytes + kTail.size();
    if (response.size() > kTextBytesMax || response.size() <= around) return malformed(member);
    const std::size_t signature_at = response.size() - kTail.size() - 2 * kSignatureBytes;
    const std::size_t middle_at = signature_at - kMiddle.size();
    if (!response.starts_with(head) || !response.ends_with(kTail) ||
        response.substr(middle_at, kMiddle.size()) != kMiddle) {
        return malformed(member);
    }
    SignedText result;
    TRY(result.signature, parse_plain_hex(response.substr(signature_at, 2 * kSignatureBytes), kSignatureBytes));
    result.text = response.substr(head.size(), middle_at - head.size());
    return result;
}

Result<IntelCollateral> parse_intel_collateral(std::string_view json) {
    TRY(const Json root, codec::parse_json(json, kLimits));
    IntelCollateral collateral;
    TRY(collateral.tcb_info, signed_member(root, "tcb_info"));
    TRY(collateral.qe_identity, signed_member(root, "qe_identity"));
    TRY(collateral.signing_chain, text_of(root, "tcb_info_issuer_chain"));
    TRY(const std::string identity_chain, text_of(root, "qe_identity_issuer_chain"));
    if (identity_chain != collateral.signing_chain) return malformed("qe_identity_issuer_chain");
    TRY(collateral.root_crl, list_member(root, "root_ca_crl"));
    TRY(collateral.pck_crl, list_member(root, "pck_crl"));
    return collateral;
}

Result<TcbInfo> parse_tcb_info(std::string_view json) {
    if (json.size() > kTextBytesMax) return malformed("tcbInfo");
    TRY(const Json root, codec::parse_json(json, kLimits));
    TcbInfo info;
    TRY(const std::string id, text_of(root, "id"));
    if (id != "TDX" && id != "SGX") return malformed("id");
    info.is_tdx = id == "TDX";
    TRY(const std::uint64_t version, number_of(root, "version", 3));
    TRY(const std::uint64_t type, number_of(root, "tcbType", 0));
    if (version != 3 || type != 0) return malformed("version");
    TRY(info.issued, time_of(root, "issueDate"));
    TRY(info.next_update, time_of(root, "nextUpdate"));
    TRY(info.fmspc, hex_of(root, "fmspc", 6));
    TRY(info.pce_id, hex_of(root, "pceId", 2));
    TRY(info.evaluation_number, number_of(root, "tcbEvaluationDataNumber", std::numeric_limits<std::uint32_t>::max()));
    if (info.is_tdx) {
        TRY_OK(parse_modules(root, &info));
    }
    TRY(const codec::JsonArray* levels, array_of(root, "tcbLevels", kLevelsMax));
    for (const Json& value : *levels) {
        TRY(TcbLevel level, parse_level(value, info.is_tdx));
        info.levels.push_back(std::move(level));
    }
    return info;
}

Result<QeIdentity> parse_qe_identity(std::string_view json) {
    if (json.size() > kTextBytesMax) return malformed("enclaveIdentity");
    TRY(const Json root, codec::parse_json(json, kLimits));
    QeIdentity identity;
    TRY(const std::string id, text_of(root, "id"));
    if (id != "QE" && id != "TD_QE") return malformed("id");
    identity.is_tdx = id == "TD_QE";
    TRY(const std::uint64_t version, number_of(root, "version", 2));
    if (version != 2) return malformed("version");
    TRY(identity.issued, time_of(root, "issueDate"));
    TRY(identity.next_update, time_of(root, "nextUpdate"));
    TRY(identity.evaluation_number,
        number_of(root, "tcbEvaluationDataNumber", std::numeric_limits<std::uint32_t>::max()));
    TRY(identity.misc_select, hex_of(root, "miscselect", 4));
    TRY(identity.misc_select_mask, hex_of(root, "miscselectMask", 4));
    TRY(identity.attributes, hex_of(root, "attributes", 16));
    TRY(identity.attributes_mask, hex_of(root, "attributesMask", 16));
    TRY(identity.mr_signer, hex_of(root, "mrsigner", 32));
    TRY(const std::uint64_t product, number_of(root, "isvprodid", 0xffff));
    identity.isv_product = static_cast<std::uint16_t>(product);
    TRY(identity.levels, parse_isv_levels(root));
    return identity;
}

}  // namespace vcity::attest
