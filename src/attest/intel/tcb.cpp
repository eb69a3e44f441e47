// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "attest/cursor.hpp"
#include "attest/encoding.hpp"
#include "attest/intel/verify.hpp"

namespace vcity::attest {
namespace {

constexpr std::string_view kOidArc = "\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01";  // 1.2.840.113741.1.13.1
constexpr std::uint8_t kArcPpid = 1;
constexpr std::uint8_t kArcTcb = 2;
constexpr std::uint8_t kArcPceId = 3;
constexpr std::uint8_t kArcFmspc = 4;
constexpr std::uint8_t kArcPceSvn = 17;

struct Member {
    ByteView oid;
    DerElement value;
};

// A SEQUENCE of {OID, value} pairs.
Result<std::vector<Member>> parse_members(ByteView content) {
    std::vector<Member> members;
    TRY(const std::vector<DerElement> pairs, parse_der(content));
    for (const DerElement& pair : pairs) {
        TRY(const std::vector<DerElement> parts, parse_der(pair.content, 2));
        if (pair.tag != kDerSequence || parts.size() != 2 || parts[0].tag != kDerOid) {
            return make_error(Errc::kInvalid, "pck: not a list of named values");
        }
        members.push_back({.oid = parts[0].content, .value = parts[1]});
    }
    return members;
}

// The one member of that arc under the prefix.
Result<DerElement> find_member(const std::vector<Member>& members, std::string_view prefix, std::uint8_t arc) {
    std::string oid{prefix};
    oid += static_cast<char>(arc);
    const auto matches = [&](const Member& member) { return as_text(member.oid) == oid; };
    const auto found = std::find_if(members.begin(), members.end(), matches);
    if (found == members.end() || std::find_if(found + 1, members.end(), matches) != members.end()) {
        return make_error(Errc::kInvalid, fmt::format("pck: value {} is missing or given twice", arc));
    }
    return found->value;
}

Result<Bytes> octets(const std::vector<Member>& members, std::uint8_t arc, std::size_t size) {
    TRY(const DerElement value, find_member(members, kOidArc, arc));
    if (value.tag != kDerOctets || value.content.size() != size) {
        return make_error(Errc::kInvalid, fmt::format("pck: value {} is malformed", arc));
    }
    return to_bytes(value.content);
}

Result<void> parse_svns(const DerElement& tcb, PckClaims* claims) {
    if (tcb.tag != kDerSequence) return make_error(Errc::kInvalid, "pck: the TCB is not a sequence");
    TRY(const std::vector<Member> members, parse_members(tcb.content));
    const std::string prefix = std::string{kOidArc} + static_cast<char>(kArcTcb);
    for (std::uint8_t i = 0; i < 16; ++i) {
        TRY(const DerElement element, find_member(members, prefix, static_cast<std::uint8_t>(i + 1)));
        TRY(const std::uint64_t svn, der_unsigned(element));
        if (svn > 255) return make_error(Errc::kInvalid, "pck: an SVN above 255");
        claims->svn[i] = static_cast<std::uint8_t>(svn);
    }
    TRY(const DerElement element, find_member(members, prefix, kArcPceSvn));
    TRY(const std::uint64_t pce_svn, der_unsigned(element));
    if (pce_svn > 0xffff) return make_error(Errc::kInvalid, "pck: a PCE SVN above 65535");
    claims->pce_svn = static_cast<std::uint16_t>(pce_svn);
    return {};
}

// (value & mask) == (wanted & mask)
bool equal_masked(ByteView value, const Bytes& wanted, const Bytes& mask) {
    if (value.size() != wanted.size() || value.size() != mask.size()) return false;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if ((value[i] & mask[i]) != (wanted[i] & mask[i])) return false;
    }
    return true;
}

bool reaches(const TcbLevel& level, const PckClaims& pck, const TdReport* td) {
    for (std::size_t i = 0; i < 16; ++i) {
        if (pck.svn[i] < level.sgx_svn[i]) return false;
    }
    if (pck.pce_svn < level.pce_svn) return false;
    if (td == nullptr) return true;
    // With a module of major version 1 or later its first two bytes are judged by the module identity.
    for (std::size_t i = td->tee_tcb_svn[1] > 0 ? 2 : 0; i < 16; ++i) {
        if (td->tee_tcb_svn[i] < level.tdx_svn[i]) return false;
    }
    return true;
}

bool is_module(const TdxModuleIdentity& module, const TdReport& td) {
    return equal(td.mr_signer_seam, module.mr_signer) &&
           equal_masked(td.seam_attributes, module.attributes, module.attributes_mask);
}

TcbEvaluation unsupported(std::string reason) {
    return {.status = TcbStatus::kUnsupported, .advisories = {}, .reason = std::move(reason)};
}

TcbEvaluation evaluate_levels(const std::vector<IsvLevel>& levels, std::uint16_t isv_svn, std::string_view what) {
    const auto level =
        std::find_if(levels.begin(), levels.end(), [&](const IsvLevel& l) { return isv_svn >= l.isv_svn; });
    if (level == levels.end()) return unsupported(fmt::format("{} is below every level", what));
    return {.status = level->status, .advisories = level->advisories, .reason = {}};
}

TcbEvaluation evaluate_module(const TcbInfo& info, const TdReport& td) {
    const std::uint8_t version = td.tee_tcb_svn[1];
    if (version == 0) {
        if (!info.module || !is_module(*info.module, td)) return unsupported("not Intel's TDX module");
        return {.status = TcbStatus::kUpToDate, .advisories = {}, .reason = {}};
    }
    const std::string id = fmt::format("TDX_{:02X}", version);
    const auto identity = std::find_if(info.module_identities.begin(), info.module_identities.end(),
                                       [&](const TdxModuleIdentity& candidate) { return candidate.id == id; });
    if (identity == info.module_identities.end()) return unsupported(fmt::format("no identity {}", id));
    if (!is_module(*identity, td)) return unsupported(fmt::format("the module is not {}", id));
    return evaluate_levels(identity->levels, td.tee_tcb_svn[0], id);
}

}  // namespace

Result<PckClaims> parse_pck_claims(ByteView extension) {
    TRY(const std::vector<DerElement> outer, parse_der(extension, 1));
    if (outer.size() != 1 || outer[0].tag != kDerSequence) return make_error(Errc::kInvalid, "pck: not a sequence");
    TRY(const std::vector<Member> members, parse_members(outer[0].content));
    PckClaims claims;
    TRY(claims.ppid, octets(members, kArcPpid, 16));
    TRY(claims.pce_id, octets(members, kArcPceId, 2));
    TRY(claims.fmspc, octets(members, kArcFmspc, 6));
    TRY(const DerElement tcb, find_member(members, kOidArc, kArcTcb));
    TRY_OK(parse_svns(tcb, &claims));
    return claims;
}

TcbStatus combine_tcb(TcbStatus platform, TcbStatus part) {
    if (platform == TcbStatus::kUnsupported || part == TcbStatus::kUnsupported) return TcbStatus::kUnsupported;
    if (platform == TcbStatus::kRevoked || part == TcbStatus::kRevoked) return TcbStatus::kRevoked;
    if (part == TcbStatus::kNotEvaluated || part == TcbStatus::kUpToDate) return platform;
    if (part != TcbStatus::kOutOfDate) return std::max(platform, part);
    switch (platform) {
        case TcbStatus::kNotEvaluated:
        case TcbStatus::kUpToDate:
        case TcbStatus::kSwHardeningNeeded:
        case TcbStatus::kOutOfDate: return TcbStatus::kOutOfDate;
        case TcbStatus::kConfigurationNeeded:
        case TcbStatus::kConfigurationAndSwHardeningNeeded:
        case TcbStatus::kOutOfDateConfigurationNeeded: return TcbStatus::kOutOfDateConfigurationNeeded;
        case TcbStatus::kRevoked:
        case TcbStatus::kUnsupported: break;
    }
    return platform;
}

TcbEvaluation evaluate_tcb(const TcbInfo& info, const PckClaims& pck, const TdReport* td) {
    if (info.is_tdx != (td != nullptr)) return unsupported("TCB info of another TEE");
    if (!equal(info.fmspc, pck.fmspc) || !equal(info.pce_id, pck.pce_id)) {
        return unsupported("TCB info of another platform family");
    }
    const auto level =
        std::find_if(info.levels.begin(), info.levels.end(), [&](const TcbLevel& l) { return reaches(l, pck, td); });
    if (level == info.levels.end()) return unsupported("no matching TCB level");
    TcbEvaluation result{.status = level->status, .advisories = level->advisories, .reason = {}};
    if (td == nullptr) return result;
    TcbEvaluation module = evaluate_module(info, *td);
    result.status = combine_tcb(result.status, module.status);
    result.reason = std::move(module.reason);
    result.advisories.insert(result.advisories.end(), module.advisories.begin(), module.advisories.end());
    return result;
}

TcbEvaluation evaluate_qe(const QeIdentity& identity, const SgxReport& qe) {
    // MISCSELECT is a number in the report and big-endian hex in the identity.
    const std::array<std::uint8_t, 4> misc{
        static_cast<std::uint8_t>(qe.misc_select >> 24U), static_cast<std::uint8_t>(qe.misc_select >> 16U),
        static_cast<std::uint8_t>(qe.misc_select >> 8U), static_cast<std::uint8_t>(qe.misc_select)};
    if (!equal(qe.mr_signer, identity.mr_signer) || qe.isv_product != identity.isv_product ||
        !equal_masked(misc, identity.misc_select, identity.misc_select_mask) ||
        !equal_masked(qe.attributes, identity.attributes, identity.attributes_mask)) {
        return unsupported("not Intel's quoting enclave");
    }
    return evaluate_levels(identity.levels, qe.isv_svn, "the quoting enclave");
}

}  // namespace vcity::attest
