// SPDX-License-Identifier: Apache-2.0
#include "attest/intel/verify.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "attest/certificate.hpp"
#include "attest/cursor.hpp"
#include "attest/encoding.hpp"

namespace vcity::attest {
namespace {

constexpr std::string_view kPckExtension = "1.2.840.113741.1.13.1";
constexpr std::array<std::uint8_t, 16> kIntelQe{0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                                0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

void describe(const TdReport& td, Verdict* verdict) {
    verdict->kind = EvidenceKind::kTdx;
    verdict->debug = td.is_debug();
    verdict->report_data = to_bytes(td.report_data);
    verdict->measurements = {{"mrtd", to_bytes(td.mr_td)},       {"rtmr0", to_bytes(td.rtmr[0])},
                             {"rtmr1", to_bytes(td.rtmr[1])},    {"rtmr2", to_bytes(td.rtmr[2])},
                             {"rtmr3", to_bytes(td.rtmr[3])},    {"mrconfigid", to_bytes(td.mr_config_id)},
                             {"mrowner", to_bytes(td.mr_owner)}, {"mrownerconfig", to_bytes(td.mr_owner_config)},
                             {"mrseam", to_bytes(td.mr_seam)},   {"tdattributes", to_bytes(td.td_attributes)},
                             {"xfam", to_bytes(td.xfam)}};
    if (td.mr_service_td) verdict->measurements.push_back({"mrservicetd", to_bytes(*td.mr_service_td)});
    for (std::size_t i = 0; i < td.tee_tcb_svn.size(); ++i) {
        verdict->versions.push_back({fmt::format("tdx{}", i), td.tee_tcb_svn[i]});
    }
}

void describe(const SgxReport& enclave, Verdict* verdict) {
    verdict->kind = EvidenceKind::kSgx;
    verdict->debug = enclave.is_debug();
    verdict->report_data = to_bytes(enclave.report_data);
    verdict->measurements = {{"mrenclave", to_bytes(enclave.mr_enclave)},
                             {"mrsigner", to_bytes(enclave.mr_signer)},
                             {"attributes", to_bytes(enclave.attributes)}};
    verdict->versions = {{"product", enclave.isv_product}, {"isv", enclave.isv_svn}};
}

void check_quote_signature(const IntelQuote& quote, Verdict* verdict) {
    const Result<PublicKey> key = PublicKey::from_point(KeyKind::kEcP256, quote.attestation_key);
    if (!key || !key->verify_ecdsa(HashAlgorithm::kSha256, quote.signed_bytes, quote.signature)) {
        return verdict->fail(Step::kReportSignature, "the quote is not signed by its attestation key");
    }
    verdict->pass(Step::kReportSignature);
}

// QE report data = SHA-256(attestation key || authentication data) || 32 zeros.
void check_key_binding(const IntelQuote& quote, Verdict* verdict) {
    Bytes bound = to_bytes(quote.attestation_key);
    append(&bound, quote.qe_auth);
    Bytes wanted = digest(HashAlgorithm::kSha256, bound);
    wanted.resize(64);
    if (!equal(quote.qe_report.report_data, wanted)) {
        return verdict->fail(Step::kKeyBinding, "the quoting enclave does not vouch for the attestation key");
    }
    verdict->pass(Step::kKeyBinding);
}

void check_quoting_enclave(const IntelQuote& quote, const Certificate& pck, Verdict* verdict) {
    const Result<PublicKey> key = pck.key();
    if (!key || !key->verify_ecdsa(HashAlgorithm::kSha256, quote.qe_report_bytes, quote.qe_signature)) {
        return verdict->fail(Step::kQuotingEnclave, "the quoting enclave's report is not signed by the PCK");
    }
    verdict->pass(Step::kQuotingEnclave);
}

using Chain = std::vector<const Certificate*>;

Chain pointers(const CertificateList& list) {
    Chain chain;
    for (const Certificate& certificate : list) chain.push_back(&certificate);
    return chain;
}

void expire_with(const Chain& chain, Verdict* verdict) {
    for (const Certificate* certificate : chain) verdict->expires_by(certificate->not_after());
}

// Everything about the collateral of one verification.
class CollateralCheck {
  public:
    CollateralCheck(const IntelCollateral& collateral, const Chain& pck_chain, UnixMillis now, Verdict* verdict)
        : collateral_{collateral}, pck_chain_{pck_chain}, now_{now}, verdict_{*verdict} {}

    void run(const IntelQuote& quote, const PckClaims& pck, const RootPins& roots) {
        const Result<void> signer = find_signer(roots);
        check_revocation();
        check_tcb_info(quote, pck, signer);
        check_identity(quote, signer);
        std::sort(verdict_.advisories.begin(), verdict_.advisories.end());
        const auto last = std::unique(verdict_.advisories.begin(), verdict_.advisories.end());
        verdict_.advisories.erase(last, verdict_.advisories.end());
    }

  private:
    Result<void> find_signer(const RootPins& roots) {
        if (collateral_.signing_chain.empty()) return make_error(Errc::kInvalid, "no TCB signing certificate given");
        TRY(signing_, parse_certificates(collateral_.signing_chain));
        signing_chain_ = pointers(signing_);
        // Intel also serves the certificate alone; the quote brings the same root.
        if (signing_chain_.size() == 1) signing_chain_.push_back(pck_chain_.back());
        TRY_OK(verify_chain(signing_chain_, roots, now_));
        if (signing_[0].common_name() != "Intel SGX TCB Signing") {
            return make_error(Errc::kDenied, "the certificate is not for signing TCB documents");
        }
        expire_with(signing_chain_, &verdict_);
        return {};
    }

    // The list of the issuer, verified, names none of the certificates it covers.
    Result<void> check_list(const Bytes& der, const Certificate& issuer, const Chain& certificates) {
        TRY(const RevocationList list, RevocationList::parse(der));
        TRY_OK(list.verify(issuer, now_));
        for (const Certificate* certificate : certificates) {
            if (!list.covers(*certificate)) continue;
            if (list.is_revoked(*certificate)) {
                return make_error(Errc::kDenied, fmt::format("certificate {} is revoked", certificate->common_name()));
            }
        }
        verdict_.expires_by(list.next_update());
        return {};
    }

    void check_revocation() {
        if (collateral_.root_crl.empty() || collateral_.pck_crl.empty()) {
            return verdict_.leave_unchecked(Step::kRevocation, "no revocation lists given");
        }
        Chain certificates = pck_chain_;
        certificates.insert(certificates.end(), signing_chain_.begin(), signing_chain_.end());
        Result<void> checked = check_list(collateral_.root_crl, *pck_chain_.back(), certificates);
        if (checked) checked = check_list(collateral_.pck_crl, *pck_chain_[1], pck_chain_);
        if (!checked) return verdict_.fail(Step::kRevocation, checked.error().message);
        verdict_.pass(Step::kRevocation);
    }

    Result<void> check_document(const SignedText& document, UnixMillis issued, UnixMillis next_update) {
        TRY(const PublicKey key, signing_[0].key());
        if (!key.verify_ecdsa(HashAlgorithm::kSha256, as_bytes(document.text), document.signature)) {
            return make_error(Errc::kDenied, "the signature does not verify");
        }
        if (now_ < issued) return make_error(Errc::kDenied, "issued in the future");
        if (now_ > next_update) return make_error(Errc::kDenied, "out of date");
        verdict_.expires_by(next_update);
        return {};
    }

    void apply(Step step, TcbEvaluation evaluation) {
        append_advisories(evaluation.advisories);
        if (evaluation.status == TcbStatus::kUnsupported) return verdict_.fail(step, evaluation.reason);
        verdict_.pass(step);
    }
    void append_advisories(const std::vector<std::string>& ids) {
        verdict_.advisories.insert(verdict_.advisories.end(), ids.begin(), ids.end());
    }

    void check_tcb_info(const IntelQuote& quote, const PckClaims& pck, const Result<void>& signer) {
        if (collateral_.tcb_info.text.empty()) return verdict_.leave_unchecked(Step::kTcbInfo, "no TCB info given");
        if (!signer) return verdict_.fail(Step::kTcbInfo, signer.error().message);
        const Result<TcbInfo> info = parse_tcb_info(collateral_.tcb_info.text);
        if (!info) return verdict_.fail(Step::kTcbInfo, info.error().message);
        const Result<void> good = check_document(collateral_.tcb_info, info->issued, info->next_update);
        if (!good) return verdict_.fail(Step::kTcbInfo, "TCB info: " + good.error().message);
        TcbEvaluation evaluation = evaluate_tcb(*info, pck, std::get_if<TdReport>(&quote.body));
        verdict_.tcb = evaluation.status;
        apply(Step::kTcbInfo, std::move(evaluation));
    }

    void check_identity(const IntelQuote& quote, const Result<void>& signer) {
        constexpr Step kStep = Step::kQuotingEnclavePolicy;
        if (collateral_.qe_identity.text.empty()) return verdict_.leave_unchecked(kStep, "no identity given");
        if (!signer) return verdict_.fail(kStep, signer.error().message);
        const Result<QeIdentity> identity = parse_qe_identity(collateral_.qe_identity.text);
        if (!identity) return verdict_.fail(kStep, identity.error().message);
        const Result<void> good = check_document(collateral_.qe_identity, identity->issued, identity->next_update);
        if (!good) return verdict_.fail(kStep, "QE identity: " + good.error().message);
        if (identity->is_tdx != quote.is_tdx()) return verdict_.fail(kStep, "QE identity of another TEE");
        TcbEvaluation evaluation = evaluate_qe(*identity, quote.qe_report);
        if (verdict_.tcb != TcbStatus::kNotEvaluated) verdict_.tcb = combine_tcb(verdict_.tcb, evaluation.status);
        apply(kStep, std::move(evaluation));
    }

    const IntelCollateral& collateral_;
    const Chain& pck_chain_;
    UnixMillis now_;
    Verdict& verdict_;
    CertificateList signing_;
    Chain signing_chain_;
};

}  // namespace

Verdict verify_intel_quote(ByteView bytes,
                           const IntelCollateral* collateral,
                           const TrustAnchors& anchors,
                           UnixMillis now) {
    Verdict verdict;
    verdict.kind = EvidenceKind::kTdx;
    const Result<IntelQuote> quote = parse_intel_quote(bytes);
    if (!quote) {
        verdict.fail(Step::kFormat, quote.error().message);
        return verdict;
    }
    std::visit([&](const auto& body) { describe(body, &verdict); }, quote->body);
    const Result<CertificateList> certificates = parse_certificates(quote->pck_chain);
    if (!certificates || quote->qe_vendor != kIntelQe) {
        verdict.fail(Step::kFormat, certificates ? "not Intel's quoting enclave" : certificates.error().message);
        return verdict;
    }
    verdict.pass(Step::kFormat);
    check_quote_signature(*quote, &verdict);
    check_key_binding(*quote, &verdict);
    const Chain chain = pointers(*certificates);
    check_quoting_enclave(*quote, *chain[0], &verdict);
    const std::optional<ByteView> extension = chain[0]->extension(kPckExtension);
    const Result<void> trusted = verify_chain(chain, anchors.intel, now);
    const Result<PckClaims> pck =
        extension ? parse_pck_claims(*extension) : make_error(Errc::kInvalid, "the leaf is not a PCK certificate");
    if (!trusted || !pck) {
        verdict.fail(Step::kCertificateChain, trusted ? pck.error().message : trusted.error().message);
        return verdict;
    }
    verdict.pass(Step::kCertificateChain);
    expire_with(chain, &verdict);
    verdict.platform_id = pck->ppid;
    if (collateral != nullptr) CollateralCheck{*collateral, chain, now, &verdict}.run(*quote, *pck, anchors.intel);
    return verdict;
}

}  // namespace vcity::attest
