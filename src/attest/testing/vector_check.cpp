// SPDX-License-Identifier: Apache-2.0
#include "attest/testing/vector_check.hpp"

#include <fstream>
#include <functional>
#include <iterator>
#include <map>

#include <fmt/format.h>

#include "attest/certificate.hpp"
#include "attest/encoding.hpp"
#include "attest/intel/verify.hpp"
#include "attest/snp.hpp"
#include "attest/testing/context.hpp"
#include "attest/tpm/event_log.hpp"
#include "base/check.hpp"

namespace vcity::attest::testing {
namespace {

using codec::Json;

SignedText signed_file(const Context& context, std::string_view name, std::string_view member) {
    return split_signed_text(trimmed(context.text_file(name)), member).value();
}

IntelCollateral intel_collateral(const Context& context) {
    if (context.has("collateral")) return parse_intel_collateral(context.text_file("collateral")).value();
    IntelCollateral collateral;
    if (context.has("tcb_info")) collateral.tcb_info = signed_file(context, "tcb_info", "tcbInfo");
    if (context.has("qe_identity")) collateral.qe_identity = signed_file(context, "qe_identity", "enclaveIdentity");
    if (context.has("signing_chain")) collateral.signing_chain = context.text_file("signing_chain");
    if (context.has("signing_chain_of")) {
        collateral.signing_chain = parse_intel_collateral(context.text_file("signing_chain_of")).value().signing_chain;
    }
    if (context.has("root_crl")) collateral.root_crl = context.file("root_crl");
    if (context.has("pck_crl")) collateral.pck_crl = context.file("pck_crl");
    return collateral;
}

Verdict check_intel(const Context& context) {
    const Result<Bytes> quote = evidence(context);
    if (!quote) return parse_verdict(quote);
    const bool with_collateral = context.has("collateral") || context.has("tcb_info");
    const IntelCollateral collateral = with_collateral ? intel_collateral(context) : IntelCollateral{};
    Verdict verdict = verify_intel_quote(*quote, with_collateral ? &collateral : nullptr, context.anchors, context.now);
    if (context.has("ccel")) check_ccel(context.file("ccel"), &verdict);
    return verdict;
}

// The collateral file itself is what is given; the quote beside it is known to be good.
Verdict check_intel_collateral(const Context& context) {
    const Result<IntelCollateral> collateral = parse_intel_collateral(context.as_given());
    if (!collateral) return parse_verdict(collateral);
    return verify_intel_quote(context.file("quote"), &*collateral, context.anchors, context.now);
}

Verdict check_ccel_log(const Context& context) {
    Verdict verdict = verify_intel_quote(context.file("quote"), nullptr, context.anchors, context.now);
    check_ccel(context.bytes, &verdict);
    return verdict;
}

Verdict check_report_data(const Context& context) {
    const Verdict verdict = verify_intel_quote(context.file("quote"), nullptr, context.anchors, context.now);
    return parse_verdict(verdict.report_data == context.bytes);
}

Verdict check_tcb_info(const Context& context) {
    const Result<SignedText> text = split_signed_text(trimmed(std::string{context.as_given()}), "tcbInfo");
    if (!text) return parse_verdict(text);
    return parse_verdict(parse_tcb_info(text->text));
}

Verdict check_qe_identity(const Context& context) {
    const Result<SignedText> text = split_signed_text(trimmed(std::string{context.as_given()}), "enclaveIdentity");
    if (!text) return parse_verdict(text);
    return parse_verdict(parse_qe_identity(text->text));
}

SnpCertificates snp_certificates(const Context& context, Bytes signer) {
    return {.signer_der = std::move(signer), .issuers_pem = context.text_file("issuers")};
}

Verdict check_snp(const Context& context) {
    const Result<Bytes> report = evidence(context);
    if (!report) return parse_verdict(report);
    return verify_snp_report(*report, snp_certificates(context, context.file("signer")), context.anchors, context.now);
}

// The certificate is given; a report beside it, or none.
Verdict check_snp_signer(const Context& context) {
    const SnpCertificates certificates = snp_certificates(context, context.bytes);
    if (!context.has("report")) return verify_snp_certificate(certificates, context.anchors, context.now);
    Bytes report = context.file("report");
    if (context.has("hex")) report = parse_plain_hex(trimmed(std::string{as_text(report)})).value();
    return verify_snp_report(report, certificates, context.anchors, context.now);
}

// A file of certificates that must end in a pinned root: an AMD bundle, or a root itself.
Verdict check_roots(const Context& context) {
    const bool is_pem = context.as_given().starts_with("-----");
    const Result<CertificateList> list = is_pem ? parse_certificates(context.as_given()) : CertificateList{};
    if (!list) return parse_verdict(list);
    const RootPins& pins = [&]() -> const RootPins& {
        const std::string vendor = context.text("vendor");
        if (vendor == "intel") return context.anchors.intel;
        if (vendor == "amd") return context.anchors.amd;
        return vendor == "nvidia" ? context.anchors.nvidia_device : context.anchors.nvidia_reference;
    }();
    const auto pinned = [&](const Certificate& one) {
        return std::find(pins.begin(), pins.end(), one.fingerprint()) != pins.end();
    };
    if (!is_pem) {
        const Result<Certificate> one = Certificate::parse(context.bytes);
        return parse_verdict(one && pinned(*one));
    }
    if (std::none_of(list->begin(), list->end(), pinned)) return parse_verdict(false);
    return parse_verdict(std::all_of(list->begin(), list->end(), [&](const Certificate& one) {
        return pinned(one) || find_chain(one, *list, pins, context.now).has_value();
    }));
}

Verdict check_json(const Context& context) {
    return parse_verdict(codec::parse_json(context.as_given()));
}

using Handler = Verdict (*)(const Context&);
const std::map<std::string, Handler, std::less<>>& handlers() {
    static const std::map<std::string, Handler, std::less<>> all{
        {"intel_quote", check_intel},
        {"intel_collateral", check_intel_collateral},
        {"ccel", check_ccel_log},
        {"report_data", check_report_data},
        {"tcb_info", check_tcb_info},
        {"qe_identity", check_qe_identity},
        {"td_report", [](const Context& c) { return parse_verdict(parse_local_td_report(c.bytes)); }},
        {"ccel_table", [](const Context& c) { return parse_verdict(is_ccel_table(c.bytes)); }},
        {"event_log", [](const Context& c) { return parse_verdict(parse_event_log(c.bytes)); }},
        {"crl", [](const Context& c) { return parse_verdict(RevocationList::parse(c.bytes)); }},
        {"certificates", [](const Context& c) { return parse_verdict(parse_certificates(c.as_given())); }},
        {"snp_report", check_snp},
        {"snp_signer", check_snp_signer},
        {"roots", check_roots},
        {"json", check_json},
        {"tpm_quote", check_tpm_json},
        {"tpm_pair", check_tpm_pair},
        {"vtpm", check_vtpm},
        {"hcl", check_hcl},
        {"windows_tpm", check_windows_tpm},
        {"nvidia_report", check_nvidia},
        {"nvidia_chain", check_nvidia_chain},
        {"nvidia_evidence", check_nvidia_json},
        {"rim", check_rim},
        {"claims", check_claims},
        {"measurement_claims", check_measurement_claims},
        {"ear", check_ear},
    };
    return all;
}

std::vector<std::string> names(const Json& list) {
    std::vector<std::string> result;
    for (const Json& name : *list.get_array()) result.push_back(*name.get_string());
    return result;
}

std::string compare_steps(const Json& wanted, const Verdict& verdict, StepOutcome outcome) {
    for (const std::string& name : names(wanted)) {
        const bool found = std::any_of(verdict.steps.begin(), verdict.steps.end(), [&](const StepResult& result) {
            return to_string(result.step) == name && result.outcome == outcome;
        });
        if (!found) return fmt::format("step {} is not as expected; ", name);
    }
    return {};
}

std::string compare_version(const std::string& name, const Json& value, const Verdict& verdict) {
    std::uint64_t wanted = 0;
    CHECK(value.get_u64(&wanted));
    const SecurityVersion version{.name = name, .value = wanted};
    const bool found = std::find(verdict.versions.begin(), verdict.versions.end(), version) != verdict.versions.end();
    return found ? std::string{} : fmt::format("version {} is not as expected; ", name);
}

}  // namespace

Bytes VectorFolder::read(const std::string& file) const {
    std::ifstream stream{folder_ + "/" + file, std::ios::binary};
    CHECK(stream.good());
    Bytes bytes{std::istreambuf_iterator<char>{stream}, {}};
    if (file == "tdx/ccel/ccel_data.dat") bytes.resize(256U << 10U, 0xff);
    return bytes;
}

codec::JsonArray VectorFolder::index() const {
    return *codec::parse_json(as_text(read("INDEX.json"))).value().get_array();
}

codec::JsonArray VectorFolder::checks() const {
    return *codec::parse_json(as_text(read("verdicts.json"))).value().find("checks")->get_array();
}

Verdict run_check(const VectorFolder& folder, const Json& check, const Bytes& bytes) {
    Context context{.folder = folder, .check = check, .bytes = bytes, .now = UnixMillis{}};
    if (context.has("now")) context.now = parse_timestamp(context.text("now")).value();
    const auto handler = handlers().find(context.text("as"));
    CHECK(handler != handlers().end());
    return handler->second(context);
}

std::string compare(const Json& check, const Verdict& verdict) {
    std::string problem;
    if (const Json* authentic = check.find("authentic"); authentic != nullptr) {
        if (verdict.is_authentic() != *authentic->get_bool()) {
            problem += fmt::format("authentic is {}; ", verdict.is_authentic());
        }
    }
    if (const Json* parses = check.find("parses"); parses != nullptr) {
        if (verdict.first_failure().empty() != *parses->get_bool()) problem += "parsing is not as expected; ";
    }
    if (const Json* debug = check.find("debug"); debug != nullptr) {
        if (verdict.debug != *debug->get_bool()) problem += "debug is not as expected; ";
    }
    if (const Json* tcb = check.find("tcb"); tcb != nullptr) {
        if (to_string(verdict.tcb) != *tcb->get_string()) problem += fmt::format("tcb is {}; ", to_string(verdict.tcb));
    }
    if (const Json* ids = check.find("advisories"); ids != nullptr) {
        if (verdict.advisories != names(*ids)) problem += "advisories are not as expected; ";
    }
    if (const Json* passed = check.find("passed"); passed != nullptr) {
        problem += compare_steps(*passed, verdict, StepOutcome::kPassed);
    }
    if (const Json* failed = check.find("failed"); failed != nullptr) {
        problem += compare_steps(*failed, verdict, StepOutcome::kFailed);
    }
    if (const Json* reason = check.find("reason"); reason != nullptr) {
        if (verdict.first_failure().find(*reason->get_string()) == std::string::npos) problem += "another reason; ";
    }
    if (const Json* data = check.find("report_data"); data != nullptr) {
        if (plain_hex(verdict.report_data) != *data->get_string()) problem += "report data is not as expected; ";
    }
    if (const Json* wanted = check.find("versions"); wanted != nullptr) {
        for (const auto& [name, value] : *wanted->get_object()) problem += compare_version(name, value, verdict);
    }
    if (const Json* measured = check.find("measurements"); measured != nullptr) {
        for (const auto& [name, value] : *measured->get_object()) {
            const Bytes* digest = verdict.measurement(name);
            const std::string hex = digest == nullptr ? "" : plain_hex(*digest);
            if (hex != *value.get_string()) problem += fmt::format("{} is {}; ", name, hex);
        }
    }
    return problem.empty() ? problem : problem + verdict.first_failure();
}

}  // namespace vcity::attest::testing
