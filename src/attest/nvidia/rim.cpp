// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/rim.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "attest/certificate.hpp"
#include "attest/cursor.hpp"
#include "attest/encoding.hpp"
#include "attest/nvidia/xml.hpp"

namespace vcity::attest {
namespace {

constexpr std::string_view kSwid = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
constexpr std::string_view kSignatureSpace = "http://www.w3.org/2000/09/xmldsig#";
constexpr std::string_view kCanonical = "http://www.w3.org/2006/12/xml-c14n11";
constexpr std::string_view kEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
constexpr std::string_view kEcdsaSha384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
constexpr std::string_view kSha384 = "http://www.w3.org/2001/04/xmldsig-more#sha384";
constexpr std::size_t kDigestBytes = 48;
constexpr std::size_t kAlternativesMax = 32;
constexpr std::size_t kCertificatesMax = 8;

Error malformed(const char* what) {
    return make_error(Errc::kInvalid, fmt::format("rim: {}", what));
}

Error refused(const char* what) {
    return make_error(Errc::kDenied, fmt::format("rim: {}", what));
}

bool has_algorithm(const XmlElement* element, std::string_view wanted) {
    return element != nullptr && element->attributes.size() == 1 && element->children.empty() &&
           element->attributes[0].name == "Algorithm" && element->attributes[0].value == wanted;
}

// The text of an element without children, as base64.
Result<Bytes> base64_of(const XmlElement* element) {
    if (element == nullptr || !element->children.empty()) return malformed("a value is missing");
    std::string digits = element->texts.front();
    std::erase_if(digits, [](char c) { return c == '\n' || c == ' '; });
    return parse_base64(digits, Base64Alphabet::kStandard, 8192);
}

// The reference covers the whole document but the signature, and nothing else is signed.
Result<Bytes> reference_digest(const XmlElement& signed_info) {
    const XmlElement* reference = signed_info.child(kSignatureSpace, "Reference");
    if (signed_info.children.size() != 3 || reference == nullptr || reference->children.size() != 3) {
        return malformed("a signature of another form");
    }
    const std::string* uri = reference->attribute("URI");
    const XmlElement* transforms = reference->child(kSignatureSpace, "Transforms");
    if (uri == nullptr || !uri->empty() || reference->attributes.size() != 1 || transforms == nullptr ||
        transforms->children.size() != 2 || !has_algorithm(&transforms->children[0], kEnveloped) ||
        !has_algorithm(&transforms->children[1], kCanonical) ||
        !has_algorithm(signed_info.child(kSignatureSpace, "CanonicalizationMethod"), kCanonical) ||
        !has_algorithm(signed_info.child(kSignatureSpace, "SignatureMethod"), kEcdsaSha384) ||
        !has_algorithm(reference->child(kSignatureSpace, "DigestMethod"), kSha384)) {
        return malformed("a signature of another form");
    }
    return base64_of(reference->child(kSignatureSpace, "DigestValue"));
}

Result<CertificateList> certificates_of(const XmlElement& signature) {
    const XmlElement* key_info = signature.child(kSignatureSpace, "KeyInfo");
    const XmlElement* data = key_info == nullptr ? nullptr : key_info->child(kSignatureSpace, "X509Data");
    if (data == nullptr || data->children.empty() || data->children.size() > kCertificatesMax) {
        return malformed("no certificates");
    }
    CertificateList list;
    for (const XmlElement& element : data->children) {
        TRY(const Bytes der, base64_of(&element));
        TRY(Certificate certificate, Certificate::parse(der));
        list.push_back(std::move(certificate));
    }
    return list;
}

Result<void> verify_signature(const XmlElement& root, const XmlElement& signature, const Certificate& signer) {
    const XmlElement* signed_info = signature.child(kSignatureSpace, "SignedInfo");
    if (signed_info == nullptr || !signed_info->namespaces.empty()) return malformed("a signature of another form");
    TRY(const Bytes wanted, reference_digest(*signed_info));
    const std::string content = canonicalize(root, {}, &signature);
    if (!equal(digest(HashAlgorithm::kSha384, as_bytes(content)), wanted)) {
        return refused("the document is not the signed one");
    }
    std::vector<XmlNamespace> scope = root.namespaces;
    scope.insert(scope.end(), signature.namespaces.begin(), signature.namespaces.end());
    const std::string signed_text = canonicalize(*signed_info, scope);
    TRY(const Bytes value, base64_of(signature.child(kSignatureSpace, "SignatureValue")));
    TRY(const PublicKey key, signer.key());
    if (key.kind() != KeyKind::kEcP384 || !key.verify_ecdsa(HashAlgorithm::kSha384, as_bytes(signed_text), value)) {
        return refused("the signature does not verify");
    }
    return {};
}

Result<std::uint64_t> number_attribute(const XmlElement& element, std::string_view name, std::uint64_t max) {
    const std::string* text = element.attribute(name);
    if (text == nullptr || text->empty() || text->size() > 3) return malformed("a number is missing");
    std::uint64_t value = 0;
    for (const char c : *text) {
        if (c < '0' || c > '9') return malformed("a number is not one");
        value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (value > max) return malformed("a number is too large");
    return value;
}

Result<void> add_resource(const XmlElement& resource, ReferenceManifest* manifest) {
    const std::string* type = resource.attribute("type");
    const std::string* active = resource.attribute("active");
    if (resource.name != "Resource" || type == nullptr || *type != "Measurement" || active == nullptr) {
        return malformed("a resource that is not a measurement");
    }
    if (*active == "False") return {};
    if (*active != "True") return malformed("a measurement neither active nor not");
    TRY(const std::uint64_t index, number_attribute(resource, "index", 254));
    TRY(const std::uint64_t count, number_attribute(resource, "alternatives", kAlternativesMax));
    std::vector<Bytes> digests;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::string* text = resource.attribute(fmt::format("Hash{}", i));
        if (text == nullptr) return malformed("an alternative is missing");
        TRY(Bytes value, parse_plain_hex(*text, kDigestBytes));
        if (value.size() != kDigestBytes) return malformed("a digest that is not SHA-384");
        digests.push_back(std::move(value));
    }
    if (!manifest->measurements.emplace(static_cast<std::uint8_t>(index), std::move(digests)).second) {
        return malformed("an index given twice");
    }
    return {};
}

}  // namespace

Result<ReferenceManifest> verify_rim(std::string_view xml, const TrustAnchors& anchors, UnixMillis now) {
    TRY(const XmlElement root, parse_xml(xml));
    const XmlElement* signature = root.child(kSignatureSpace, "Signature");
    const XmlElement* meta = root.child(kSwid, "Meta");
    const XmlElement* payload = root.child(kSwid, "Payload");
    if (root.name != "SoftwareIdentity" || root.uri != kSwid || signature == nullptr || meta == nullptr ||
        payload == nullptr) {
        return malformed("not a signed manifest");
    }
    TRY(const CertificateList certificates, certificates_of(*signature));
    std::vector<const Certificate*> chain;
    for (const Certificate& certificate : certificates) chain.push_back(&certificate);
    TRY_OK(verify_chain(chain, anchors.nvidia_reference, now));
    TRY_OK(verify_signature(root, *signature, *chain[0]));
    ReferenceManifest manifest;
    const std::string* version = meta->attribute("colloquialVersion");
    const std::string* product = meta->attribute("product");
    if (version == nullptr || product == nullptr) return malformed("no version or product");
    manifest.version = *version;
    manifest.product = *product;
    for (const XmlElement& resource : payload->children) {
        TRY_OK(add_resource(resource, &manifest));
    }
    manifest.expires = chain[0]->not_after();
    for (const Certificate* link : chain) manifest.expires = std::min(manifest.expires, link->not_after());
    return manifest;
}

void check_references(const ReferenceManifest& driver, const ReferenceManifest& vbios, Verdict* verdict) {
    constexpr Step kStep = Step::kReferenceValues;
    const Bytes* version = verdict->measurement("driver");
    if (version == nullptr || as_text(*version) != driver.version) {
        return verdict->fail(kStep, "the manifest is of another driver");
    }
    for (const ReferenceManifest* manifest : {&driver, &vbios}) {
        for (const auto& [index, digests] : manifest->measurements) {
            if (manifest == &vbios && driver.measurements.contains(index)) {
                return verdict->fail(kStep, fmt::format("block {} is claimed by both manifests", index + 1));
            }
            const Bytes* measured = verdict->measurement(fmt::format("block{}", index + 1));
            if (measured == nullptr || std::find(digests.begin(), digests.end(), *measured) == digests.end()) {
                return verdict->fail(kStep, fmt::format("block {} is not as the manifest has it", index + 1));
            }
        }
        verdict->expires_by(manifest->expires);
    }
    verdict->pass(kStep);
}

}  // namespace vcity::attest
